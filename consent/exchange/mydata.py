"""The consent as MyData Consent Records and Consent Status Records (mydata-sdk 2.0). Pure.

Two records for each flow: the one of the source says what may leave, the one of the sink what may
be done with it; beside each a chain of its statuses. What belongs to the operator's links to its
services, and would tell one service how the person is called at another, is not in a receipt: in
its places stand names that are made of this receipt alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid5

from consent.exchange.source import Document, Source
from consent.model import Status
from policies.catalogue import UnknownCatalogueEntryError
from policies.ids import AttributeId

VERSION = "2.0"
_STATUSES: Mapping[Status, str] = {Status.ACTIVE: "Active", Status.SUSPENDED: "Disabled"}
_ENDED = "Withdrawn"


def mydata(source: Source) -> Document:
    """The pairs of a consent that was given, one for each source that it draws from."""
    return {"pairs": [_pair(source, id_, given) for id_, given in _by_source(source).items()]}


def _by_source(source: Source) -> dict[str, list[AttributeId]]:
    found: dict[str, list[AttributeId]] = {}
    for each in source.content.granted:
        found.setdefault(_source_of(source, each), []).append(each)
    return found


def _source_of(source: Source, attribute: AttributeId) -> str:
    try:
        return source.catalogue.dataset_of(attribute).source
    except UnknownCatalogueEntryError:
        return "unknown"


def _pair(source: Source, id_: str, given: list[AttributeId]) -> Document:
    content = source.content
    from_source = _Side(source, uuid5(content.record, f"source/{id_}"), "Source", id_)
    at_sink = _Side(source, uuid5(content.record, f"sink/{id_}"), "Sink", content.organisation)
    return {
        "source": from_source.records(
            given,
            # Tokens are bound to a key when they are issued, not by a record.
            {"pop_key": None, "token_issuer_key": {"iss": content.issuer}},
        ),
        "sink": at_sink.records(
            given,
            {
                "source_cr_id": str(from_source.cr_id),
                "usage_rules": [{"purposeId": content.purpose, "datasets": list(given)}],
            },
        ),
    }


@dataclass(frozen=True, slots=True)
class _Side:
    """One end of a flow."""

    source: Source
    cr_id: UUID
    role: str
    service: str

    @property
    def surrogate(self) -> str:
        """The person's name there; how a source calls her, no other service may learn."""
        own = self.role == "Sink"
        return self.source.content.principal if own else str(uuid5(self.cr_id, "surrogate"))

    def records(self, given: list[AttributeId], specific: Document) -> Document:
        """The consent record of this end, and the chain of its statuses."""
        record = {"common_part": self._common(given), "role_specific_part": specific}
        return {"cr": record, "csr": list(self._statuses())}

    def _common(self, given: list[AttributeId]) -> Document:
        content = self.source.content
        begins = content.not_before or content.given_at
        ends = content.not_after
        return {
            "version": VERSION,
            "cr_id": str(self.cr_id),
            "surrogate_id": self.surrogate,
            "slr_id": str(uuid5(content.record, f"link/{self.service}")),
            "service_description_version": content.notice_version,
            "consent_proposal": {
                "url": content.party["party_url"],
                "hash": content.notice_digest,
            },
            "operator": content.issuer,
            "subject_id": self.service,
            "role": self.role,
            "iat": int(content.issued_at.timestamp()),
            "nbf": int(begins.timestamp()),
            "exp": None if ends is None else int(ends.timestamp()),
            "rs_description": {
                "resource_set": {
                    "rs_id": str(content.record),
                    "dataset": [{"dataset_id": each} for each in given],
                }
            },
        }

    def _statuses(self) -> Iterator[Document]:
        """Each names the one before it, the first none."""
        previous: str | None = None
        for number, each in enumerate(self.source.content.events):
            record_id = str(uuid5(self.cr_id, f"status/{number}"))
            yield {
                "record_id": record_id,
                "surrogate_id": self.surrogate,
                "cr_id": str(self.cr_id),
                "consent_status": _STATUSES.get(each.status, _ENDED),
                "iat": int(each.at.timestamp()),
                "prev_record_id": previous,
            }
            previous = record_id
