"""Identifiers, each with a type of its own.

A person's id must not fit where a consent's is asked. Ids of people, consents and events are
random UUIDs (RFC 9562 version 4) and carry no meaning; ids of catalogue entries are short ASCII
words that stay the same for ever.
"""

from typing import NewType
from uuid import UUID, uuid4

PersonId = NewType("PersonId", UUID)
ConsentId = NewType("ConsentId", UUID)
EventId = NewType("EventId", UUID)
RecordId = NewType("RecordId", UUID)
ReceiptId = NewType("ReceiptId", UUID)
SessionId = NewType("SessionId", UUID)
DisputeId = NewType("DisputeId", UUID)

ClientId = NewType("ClientId", str)
"""An OAuth 2.0 client: one program of one organisation (RFC 6749 section 2.2)."""

OrganisationId = NewType("OrganisationId", str)
DatasetId = NewType("DatasetId", str)
AttributeId = NewType("AttributeId", str)
"""`<dataset>.<name>`, for example `income.monthly_gross`."""
PurposeId = NewType("PurposeId", str)
SourceId = NewType("SourceId", str)


def new_uuid() -> UUID:
    """A random UUID (RFC 9562 version 4)."""
    return uuid4()
