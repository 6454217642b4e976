"""Reading the log: for the person it is about, and for the auditor.

A reader gets what the log keys still open. An event whose key is destroyed has no fields; its
place in the tree and its proof stay. What is opened is held against the digests that the tree
commits to, so that a changed row is an error and never a false story.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from audit.disclosure import FieldValue, commitment, digest, field_of, split_digests
from audit.keys import INSTALLATION, LogKey, event_key, keys_of, owner_of
from audit.model import Entry, Kind
from audit.seal import SealedEventError, open_part, split_parts
from audit.store import reading as store
from audit.store.reading import StoredEvent
from audit.unit_of_work import Ledger
from policies.ids import EventId, OrganisationId, PersonId

MayOpen = Callable[[str], bool]
"""Whether a reader may open what is sealed under the keys of an owner."""


@dataclass(frozen=True, slots=True)
class Disclosed:
    """An event for a verifier: all digests, and the disclosures that the reader may open."""

    event_id: EventId
    index: int | None
    digests: tuple[bytes, ...]
    disclosures: tuple[str, ...]


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
    return _entries(connection, ledger, rows, own(person))


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
    rows = store.searched(
        connection,
        since=since,
        until=until,
        kind=kind,
        organisation=organisation,
        before=before,
        limit=limit,
    )
    return _entries(connection, ledger, rows, everything)


def entry(connection: Connection, ledger: Ledger, event_id: EventId) -> Entry | None:
    """One event, as an auditor sees it; None when there is none with that id."""
    row = store.one(connection, event_id)
    return None if row is None else _entries(connection, ledger, [row], everything)[0]


def disclosures(
    connection: Connection, ledger: Ledger, event_id: EventId, *, may_open: MayOpen = everything
) -> Disclosed | None:
    """One event as a verifier needs it; None when there is none with that id."""
    row = store.one(connection, event_id)
    return None if row is None else _disclosed(connection, ledger, [row], may_open)[0]


def placed_disclosures(
    connection: Connection, ledger: Ledger, start: int, end: int, *, may_open: MayOpen
) -> list[Disclosed]:
    """The events with indexes [start, end), in order."""
    return _disclosed(connection, ledger, store.placed(connection, start, end), may_open)


def first_entry_at(connection: Connection) -> datetime | None:
    """When the log begins."""
    return store.first_at(connection)


def _entries(
    connection: Connection, ledger: Ledger, rows: Sequence[StoredEvent], may_open: MayOpen
) -> list[Entry]:
    disclosed = _disclosed(connection, ledger, rows, may_open)
    return [
        Entry(row.number, each.event_id, row.at, _fields(each.disclosures), row.index)
        for row, each in zip(rows, disclosed, strict=True)
    ]


def _fields(opened: Iterable[str]) -> dict[str, FieldValue]:
    return dict(map(field_of, opened))


def _disclosed(
    connection: Connection, ledger: Ledger, rows: Sequence[StoredEvent], may_open: MayOpen
) -> list[Disclosed]:
    parts = {row.event_id: list(split_parts(row.sealed)) for row in rows}
    wanted = {key_id for each in parts.values() for key_id, _ in each}
    keys = keys_of(connection, ledger.log_keys, wanted)
    open_keys = {key_id: key for key_id, key in keys.items() if may_open(key.owner)}
    return [_open(row, parts[row.event_id], open_keys) for row in rows]


def _open(row: StoredEvent, parts: list[tuple[UUID, bytes]], keys: dict[UUID, LogKey]) -> Disclosed:
    opened = [
        disclosure
        for key_id, ciphertext in parts
        if key_id in keys
        for disclosure in open_part(
            row.event_id, event_key(keys[key_id].key, row.event_id), ciphertext
        )
    ]
    all_digests = split_digests(row.digests)
    if commitment(row.event_id, all_digests) != row.commitment:
        raise SealedEventError("digests")
    if not {digest(each) for each in opened} <= set(all_digests):
        raise SealedEventError("disclosure")
    return Disclosed(EventId(row.event_id), row.index, tuple(all_digests), tuple(opened))
