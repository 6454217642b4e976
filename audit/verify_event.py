"""One event of a log that is verified: its digests, its entry and what it discloses. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from audit.disclosure import (
    DIGESTS,
    DisclosureError,
    FieldValue,
    UncommittedError,
    check_committed,
    commitment,
    field_of,
    leaf,
)
from audit.faults import BundleError, Fault
from audit.merkle import HASH_SIZE

_FORMS = {
    "kind": re.compile(r"[a-z][a-z.-]{0,39}"),
    "at": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}\+00:00"),
}


def entry_of(event_id: UUID, digests: Sequence[bytes]) -> bytes:
    """What the log holds for an event."""
    return leaf(commitment(event_id, digests))


def check_digests(digests: Sequence[bytes], file: str, entry: int | None) -> None:
    """As many different hashes as an event has. Raises BundleError."""
    different = set(digests)
    if not len(digests) == len(different) == DIGESTS or {*map(len, different)} != {HASH_SIZE}:
        raise BundleError(Fault.DIGESTS, file, entry)


def disclosed_fields(
    disclosures: Sequence[str], digests: Sequence[bytes], file: str, entry: int | None
) -> dict[str, FieldValue]:
    """The disclosed fields, each committed to and named once. Raises BundleError."""
    fields: dict[str, FieldValue] = {}
    for disclosure in disclosures:
        try:
            name, value = field_of(disclosure)
            check_committed(name, disclosure, digests)
        except UncommittedError as error:
            raise BundleError(Fault.DISCLOSURE, file, entry) from error
        except DisclosureError as error:
            raise BundleError(Fault.DISCLOSURE_FORM, file, entry) from error
        if name in fields:
            raise BundleError(Fault.NAME_TWICE, file, entry)
        if not _is_well_formed(name, value):
            raise BundleError(Fault.FIELD_FORM, file, entry)
        fields[name] = value
    return fields


def _is_well_formed(name: str, value: FieldValue) -> bool:
    """What the report shows on a terminal must not be able to write over what it says there."""
    form = _FORMS.get(name)
    if form is None:
        return True
    if not isinstance(value, str) or form.fullmatch(value) is None:
        return False
    return name != "at" or _is_in_the_calendar(value)


def moment_of(fields: Mapping[str, FieldValue]) -> datetime:
    """The disclosed time, of which `disclosed_fields` has seen that it is one."""
    return datetime.fromisoformat(str(fields["at"]))


def _is_in_the_calendar(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
