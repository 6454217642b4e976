"""What a source asks to hand in: authorization details of type `deposit` (RFC 9396).

Exactly one object with the data sets. A source may hand in only what it keeps itself: the data sets
whose source belongs to the client's organisation. Parsing is as strict as for what agencies ask.
"""

from dataclasses import dataclass

from consent.authorization_details import AuthorizationDetailsError, only_object
from policies.catalogue import Catalogue
from policies.ids import DatasetId, OrganisationId

TYPE = "deposit"
MAX_DATASETS = 40
_MEMBERS = frozenset({"type", "datatypes"})


@dataclass(frozen=True, slots=True)
class DepositDetails:
    """The data sets that are to be handed in."""

    datasets: tuple[DatasetId, ...]

    def to_json(self) -> dict[str, object]:
        """The one object again."""
        return {"type": TYPE, "datatypes": list(self.datasets)}


def is_about_deposits(text: str | bytes) -> bool:
    """Whether the details are of this type; what cannot be read is not."""
    try:
        return only_object(text).get("type") == TYPE
    except AuthorizationDetailsError:
        return False


def parse_deposit_details(
    text: str | bytes, *, catalogue: Catalogue, organisation: OrganisationId
) -> DepositDetails:
    """The details, all of whose data sets the organisation keeps.

    Raises AuthorizationDetailsError, which does not repeat what was sent.
    """
    members = only_object(text)
    for name in members:
        if name not in _MEMBERS:
            raise AuthorizationDetailsError("authorization_details", "unknown-member")
    if members.get("type") != TYPE:
        raise AuthorizationDetailsError("type", "not-supported")
    datasets = _datasets(members.get("datatypes"))
    if not set(datasets) <= kept_by(organisation, catalogue):
        raise AuthorizationDetailsError("datatypes", "of-another-source")
    return DepositDetails(datasets)


def kept_by(organisation: OrganisationId, catalogue: Catalogue) -> frozenset[DatasetId]:
    """The data sets whose source belongs to the organisation."""
    return frozenset(
        dataset.id
        for dataset in catalogue.datasets.values()
        if catalogue.source(dataset.source).organisation == organisation
    )


def _datasets(asked: object) -> tuple[DatasetId, ...]:
    if not isinstance(asked, list) or not all(isinstance(each, str) for each in asked):
        raise AuthorizationDetailsError("datatypes", "not-a-list-of-strings")
    if not 1 <= len(asked) <= MAX_DATASETS:
        raise AuthorizationDetailsError("datatypes", "wrong-number")
    if len(set(asked)) != len(asked):
        raise AuthorizationDetailsError("datatypes", "doubled")
    return tuple(DatasetId(each) for each in asked)
