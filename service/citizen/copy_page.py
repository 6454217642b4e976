"""The copy as one page to read, print and keep: it stands alone and needs nothing from us.

It has what the JSON has. What is for programs (signed receipts and statements, proofs) stands in it
too, folded: whoever has the page has all that is needed to prove what it says.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from audit.note import NoteVerifier
from consent.purposes import purposes_in_force
from policies.catalogue import Catalogue, Dataset
from policies.entries import Attribute
from policies.ids import AttributeId, DatasetId, OrganisationId, SourceId
from policies.vocabulary import Language
from service.citizen.log_check import FILE
from service.pages import environment
from service.portability.gathering import Copy
from service.portability.tables import LEFT_OUT
from service.runtime import Runtime
from service.words import line
from vault.viewing import Statement


@dataclass(frozen=True, slots=True)
class Names:
    """What entries of the catalogue are called; what has left it goes by its id."""

    catalogue: Catalogue
    language: Language

    def attribute(self, id_: AttributeId) -> str:
        found = self.catalogue.attributes.get(id_)
        return id_ if found is None else found.name.in_language(self.language)

    def attributes(self, ids: tuple[AttributeId, ...]) -> str:
        return ", ".join(map(self.attribute, ids))

    def dataset(self, id_: DatasetId) -> str:
        found = self.catalogue.datasets.get(id_)
        return id_ if found is None else found.name.in_language(self.language)

    def source(self, id_: SourceId) -> str:
        found = self.catalogue.sources.get(id_)
        return id_ if found is None else found.name.in_language(self.language)

    def organisation(self, id_: OrganisationId) -> str:
        found = self.catalogue.organisations.get(id_)
        return id_ if found is None else found.name.in_language(self.language)


@dataclass(frozen=True, slots=True)
class ToldOf:
    """An attribute, and all that its sources have said: what counts now first."""

    attribute: Attribute
    now: tuple[Statement, ...]
    earlier: tuple[Statement, ...]


def page(runtime: Runtime, copy: Copy, language: Language) -> str:
    """The page in one language."""
    with runtime.ledger.read(copy.person) as connection:
        purposes = purposes_in_force(connection)
    catalogue = runtime.catalogue
    lines = [(line(catalogue, purposes, each.entry, language), each.proof) for each in copy.log]
    return (
        environment(language)
        .get_template("citizen/copy_file.html")
        .render(
            copy=copy,
            groups=list(_groups(copy, catalogue)),
            names=Names(catalogue, language),
            purposes=purposes,
            lines=lines,
            vkeys=_vkeys(runtime, copy),
            proof_file=FILE,
            left_out=list(LEFT_OUT.values()),
            issuer=runtime.settings.base_url,
        )
    )


def _groups(copy: Copy, catalogue: Catalogue) -> Iterator[tuple[Dataset, list[ToldOf]]]:
    """What is held, by data set and attribute, in the order of the catalogue."""
    said: dict[AttributeId, list[Statement]] = {}
    for each in copy.taken.statements:
        said.setdefault(each.fact.attribute, []).append(each)
    for dataset in catalogue.datasets.values():
        held = [id_ for id_ in dataset.attributes if id_ in said]
        if held:
            yield dataset, [_told_of(catalogue.attribute(id_), said[id_]) for id_ in held]


def _told_of(attribute: Attribute, said: list[Statement]) -> ToldOf:
    return ToldOf(
        attribute,
        tuple(each for each in said if each.counts),
        tuple(each for each in said if not each.counts),
    )


def _vkeys(runtime: Runtime, copy: Copy) -> list[str]:
    """The keys of the logs that the proofs are of."""
    logs = dict.fromkeys(each.proof.log for each in copy.log if each.proof is not None)
    keys = [key for log in logs for key in runtime.log_signers.verifiers(log)]
    return list(dict.fromkeys(key.vkey for key in keys if isinstance(key, NoteVerifier)))
