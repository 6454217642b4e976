"""One door to all document parsers: which connector reads the documents of which source."""

from datetime import datetime, timedelta

from connectors import fhir, incomes_register, koski, prh, vtj
from connectors.documents import MalformedDocumentError
from policies.facts import Document
from policies.ids import SourceId

SOURCES = (vtj.SOURCE, incomes_register.SOURCE, koski.SOURCE, prh.SOURCE, fhir.SOURCE)


_CLOCKS_DIFFER_BY = timedelta(hours=1)


def parse(
    source: SourceId, document: bytes, *, subject: str, received_at: datetime
) -> tuple[Document, ...]:
    """What the document says, as documents for the vault; at least one.

    `subject` is the identity code of the person whom it must be about. Company data name nobody;
    the caller asks for them by a mandate.
    """
    found = _parse(source, document, subject, received_at)
    # A time ahead of ours would make its values the newest for ever.
    latest = max(fact.observed_at for made in found for fact in made.facts)
    if latest > received_at + _CLOCKS_DIFFER_BY:
        raise MalformedDocumentError(source, "", "states a time in the future")
    return found


def _parse(
    source: SourceId, document: bytes, subject: str, received_at: datetime
) -> tuple[Document, ...]:
    match source:
        case vtj.SOURCE:
            return vtj.parse(document, received_at=received_at, subject=subject)
        case incomes_register.SOURCE:
            return (incomes_register.parse(document, subject=subject),)
        case koski.SOURCE:
            return (koski.parse(document, received_at=received_at, subject=subject),)
        case prh.SOURCE:
            return (prh.parse(document),)
        case fhir.SOURCE:
            return (fhir.parse(document, subject=subject),)
        case _:
            raise MalformedDocumentError(source, "", "comes from a source without a connector")
