"""Reading the log: for the person it is about, and for the auditor.

A reader gets what the log keys still open. An event whose key is destroyed has no fields; its
place in the tree and its proof stay. What is opened is held against the digests, and they against
the leaf once there is one: so a changed row is an error and never a false story. Only a verifier
outside finds an operator who changes event and tree alike.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from audit.disclosure import (
    DisclosureError,
    FieldValue,
    check_committed,
    commitment,
    field_of,
    leaf,
    split_digests,
)
from audit.keys import INSTALLATION, LogKey, event_key, keys_of, owner_of
from audit.merkle import leaf_hash
from audit.model import Entry, Kind, written_time
from audit.seal import SealedEventError, open_part, split_parts
from audit.store import reading as store
from audit.store.reading import StoredEvent
from audit.store.searching import Asked, matches
from audit.unit_of_work import Ledger
from policies.ids import EventId, OrganisationId, PersonId

MayOpen = Callable[[str], bool]
"""Whether a reader may open what is sealed under the keys of an owner."""


@dataclass(frozen=True, slots=True)
class Disclosed:
    """An event for a verifier: all digests, and the disclosures that the reader may open."""

    event_id: EventId
    log: str | None
    index: int | None
    digests: tuple[bytes, ...]
    disclosures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """An event in both forms: its fields, and what proves them."""

    entry: Entry
    digests: tuple[bytes, ...]
    disclosures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Committed:
    """When an event happened, and the commitment that its leaf holds."""

    at: datetime
    commitment: bytes


def everything(_owner: str) -> bool:
    """The auditor's view: all that still opens."""
    return True


def own(person: PersonId) -> MayOpen:
    """A person's view: her own part and the installation's.

    Another acting person is sealed under that person's key and stays closed: the right of access
    does not reach the name of the employee who looked (CJEU C-579/21), the organisation it does.
    """
    return {owner_of(person), INSTALLATION}.__contains__


def entries_about(
    connection: Connection,
    ledger: Ledger,
    person: PersonId,
    *,
    before: int | None = None,
    limit: int = 50,
    kinds: Collection[Kind] | None = None,
) -> list[Entry]:
    """The person's own log, newest first; `before` is the row number where a page ended."""
    rows = store.about_person(connection, person, before=before, limit=limit, kinds=kinds)
    entries = opened_entries(connection, ledger, rows, own(person))
    if any(each.fields and each.subject != person for each in entries):
        raise SealedEventError("subject")  # the index, which nothing proves, was changed
    return entries


def search(
    connection: Connection,
    ledger: Ledger,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    kind: Kind | None = None,
    organisation: OrganisationId | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Entry]:
    """The auditor's search, newest first; `until` is the first moment left out."""
    kinds = None if kind is None else [kind]
    asked = Asked(since=since, until=until, kinds=kinds, organisation=organisation)
    found = matches(connection, asked, all_kinds=Kind, before=before, limit=limit)
    return numbered_entries(connection, ledger, found.numbers)


def numbered_entries(connection: Connection, ledger: Ledger, numbers: Sequence[int]) -> list[Entry]:
    """The events in these rows, in that order, as an auditor sees them."""
    return opened_entries(connection, ledger, store.numbered(connection, numbers), everything)


def opened_at(
    connection: Connection, ledger: Ledger, log: str, indexes: Sequence[int]
) -> list[Opened]:
    """The events at these indexes of a log, in order; one that stands for no event is absent."""
    rows = store.at_indexes(connection, log, indexes)
    return [
        Opened(_entry(row, fields), tuple(split_digests(row.digests)), opened)
        for row, opened, fields in _opened(connection, ledger, rows, everything)
    ]


def entry(connection: Connection, ledger: Ledger, event_id: EventId) -> Entry | None:
    """One event, as an auditor sees it; None when there is none with that id."""
    row = store.one(connection, event_id)
    return None if row is None else opened_entries(connection, ledger, [row], everything)[0]


def entries_of(
    connection: Connection, ledger: Ledger, event_ids: Collection[EventId]
) -> dict[EventId, Entry]:
    """The events with these ids, as an auditor sees them; one that is not there is absent."""
    numbers = store.numbers_of(connection, event_ids)
    return {each.event_id: each for each in numbered_entries(connection, ledger, numbers)}


def happened_at(connection: Connection, event_id: EventId) -> datetime | None:
    """When the event happened; None when there is none with that id, or it is archived."""
    row = store.one(connection, event_id)
    return None if row is None else row.at


def committed(connection: Connection, event_id: EventId) -> Committed | None:
    """What a promise of the event speaks of; None when there is none with that id."""
    row = store.one(connection, event_id)
    return None if row is None else Committed(row.at, row.commitment)


def disclosures(
    connection: Connection, ledger: Ledger, event_id: EventId, *, may_open: MayOpen = everything
) -> Disclosed | None:
    """One event as a verifier needs it; None when there is none with that id."""
    row = store.one(connection, event_id)
    return (
        None if row is None else stored_disclosures(connection, ledger, [row], may_open=may_open)[0]
    )


def placed_disclosures(
    connection: Connection, ledger: Ledger, log: str, start: int, end: int, *, may_open: MayOpen
) -> list[Disclosed]:
    """The events with indexes [start, end) in that log, in order."""
    rows = store.placed(connection, log, start, end)
    return stored_disclosures(connection, ledger, rows, may_open=may_open)


def first_entry_at(connection: Connection) -> datetime | None:
    """When the log begins."""
    return store.first_at(connection)


def opened_entries(
    connection: Connection, ledger: Ledger, rows: Sequence[StoredEvent], may_open: MayOpen
) -> list[Entry]:
    """The stored events as this reader sees them, in their order. Raises SealedEventError."""
    return [_entry(row, fields) for row, _, fields in _opened(connection, ledger, rows, may_open)]


def _entry(row: StoredEvent, fields: dict[str, FieldValue]) -> Entry:
    return Entry(row.number, EventId(row.event_id), row.at, fields, row.index, row.log)


def stored_disclosures(
    connection: Connection, ledger: Ledger, rows: Sequence[StoredEvent], *, may_open: MayOpen
) -> list[Disclosed]:
    """The stored events as a verifier needs them, in their order. Raises SealedEventError."""
    return [
        Disclosed(
            EventId(row.event_id), row.log, row.index, tuple(split_digests(row.digests)), opened
        )
        for row, opened, _ in _opened(connection, ledger, rows, may_open)
    ]


def _opened(
    connection: Connection, ledger: Ledger, rows: Sequence[StoredEvent], may_open: MayOpen
) -> Iterator[tuple[StoredEvent, tuple[str, ...], dict[str, FieldValue]]]:
    """Each row with the disclosures that the reader may open, and their fields."""
    parts = {row.event_id: list(split_parts(row.sealed)) for row in rows}
    wanted = {key_id for each in parts.values() for key_id, _ in each}
    keys = keys_of(connection, ledger.log_keys, wanted)
    open_keys = {key_id: key for key_id, key in keys.items() if may_open(key.owner)}
    for row in rows:
        _check_row(row)
        opened = _open(row.event_id, parts[row.event_id], open_keys)
        yield row, opened, _fields(row, opened)


def _open(
    event_id: UUID, parts: list[tuple[UUID, bytes]], keys: dict[UUID, LogKey]
) -> tuple[str, ...]:
    return tuple(
        disclosure
        for key_id, ciphertext in parts
        if key_id in keys
        for disclosure in open_part(event_id, event_key(keys[key_id].key, event_id), ciphertext)
    )


def _check_row(row: StoredEvent) -> None:
    """Id and digests give the commitment, and the commitment gives the leaf."""
    if commitment(row.event_id, split_digests(row.digests)) != row.commitment:
        raise SealedEventError("digests")
    if row.leaf_hash is not None and leaf_hash(leaf(row.commitment)) != row.leaf_hash:
        raise SealedEventError("leaf")


def _fields(row: StoredEvent, opened: Iterable[str]) -> dict[str, FieldValue]:
    """The opened fields, each committed to, and the row's time among them."""
    fields: dict[str, FieldValue] = {}
    all_digests = split_digests(row.digests)
    try:
        for disclosure in opened:
            name, value = field_of(disclosure)
            check_committed(name, disclosure, all_digests)
            fields[name] = value
    except DisclosureError as error:
        raise SealedEventError("disclosure") from error
    if fields.get("at", written_time(row.at)) != written_time(row.at):
        raise SealedEventError("at")
    return fields
