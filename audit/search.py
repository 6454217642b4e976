"""The auditor's search: which events, newest first, a page at a time, opened as far as keys go.

Which events match is told by an index that nothing proves. So what is opened is held against what
was asked for: an entry that the index has under another name is told as damaged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.model import Entry, Kind
from audit.own_log import DamagedEntry, OwnEntry
from audit.reader import everything, opened_entries
from audit.seal import SealedEventError
from audit.store import reading
from audit.store.reading import StoredEvent
from audit.store.searching import SCANNED, Asked, matches
from audit.unit_of_work import Ledger
from policies.ids import EventId, OrganisationId, PersonId, PurposeId
from policies.vocabulary import LegalBasis


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is searched for; None where it does not matter. `until` itself is left out."""

    since: datetime | None = None
    until: datetime | None = None
    kinds: frozenset[Kind] | None = None
    organisation: OrganisationId | None = None
    purpose: PurposeId | None = None
    basis: LegalBasis | None = None
    person: PersonId | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the search. With a `next` there is more to look through, short as this one is."""

    entries: list[OwnEntry]
    next: int | None
    """The row number to give as `before`; None at the end."""


def find(
    connection: Connection,
    ledger: Ledger,
    wanted: Wanted,
    *,
    before: int | None = None,
    limit: int = 100,
    scanned: int = SCANNED,
) -> Page:
    """The newest events that match all that is wanted, among the `scanned` next ones at most where
    the database has no index for the question."""
    asked = Asked(
        since=wanted.since,
        until=wanted.until,
        kinds=wanted.kinds,
        organisation=wanted.organisation,
        purpose=wanted.purpose,
        basis=wanted.basis,
        person=wanted.person,
    )
    found = matches(connection, asked, all_kinds=Kind, before=before, limit=limit, scanned=scanned)
    rows = reading.numbered(connection, found.numbers)
    opened = _opened(connection, ledger, rows)
    return Page([_as_asked(each, wanted) for each in opened], found.next)


def find_one(connection: Connection, ledger: Ledger, event_id: EventId) -> OwnEntry | None:
    """The event with that id."""
    row = reading.one(connection, event_id)
    return None if row is None else _opened(connection, ledger, [row])[0]


def subject_of(
    connection: Connection, ledger: Ledger, event_id: EventId
) -> tuple[PersonId | None, datetime | None]:
    """Whom the event is about, and from when on that person sees it: as it says itself, else,
    where nothing of it opens any more or nothing of it can be believed, as the index says."""
    found = find_one(connection, ledger, event_id)
    if isinstance(found, Entry) and found.subject is not None:
        later = found.get("visible_from")
        return found.subject, None if later is None else datetime.fromisoformat(later)
    return (None, None) if found is None else reading.person_of(connection, found.number)


def _as_asked(found: OwnEntry, wanted: Wanted) -> OwnEntry:
    """The entry, if it says what the index says of it; one whose key is destroyed says nothing."""
    if isinstance(found, DamagedEntry) or not found.fields:
        return found
    agrees = (wanted.kinds is None or found.kind in wanted.kinds) and (
        wanted.person is None or found.subject == wanted.person
    )
    for name in ("organisation", "purpose", "basis"):
        asked = getattr(wanted, name)
        agrees = agrees and (asked is None or found.get(name) == asked)
    if agrees:
        return found
    return DamagedEntry(found.number, found.event_id, found.at, found.index, found.log)


def _opened(connection: Connection, ledger: Ledger, rows: Sequence[StoredEvent]) -> list[OwnEntry]:
    """All at once; one by one where one of them is damaged: that one alone is told as such."""
    try:
        return [*opened_entries(connection, ledger, rows, everything)]
    except SealedEventError:
        return [_one(connection, ledger, row) for row in rows]


def _one(connection: Connection, ledger: Ledger, row: StoredEvent) -> OwnEntry:
    try:
        return opened_entries(connection, ledger, [row], everything)[0]
    except SealedEventError:
        return damaged(row)


def damaged(row: StoredEvent) -> DamagedEntry:
    """What is left of an event that does not agree with the log any more: where it stands."""
    return DamagedEntry(row.number, EventId(row.event_id), row.at, row.index, row.log)
