"""SQL on joining two people: what is kept about one is read, deleted, and written for the other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, insert, select, update

from policies.ids import EventId, PersonId
from vault.store.erasures import delete_person
from vault.store.people import WrappedKey
from vault.store.tables import (
    deposit,
    dispute,
    former,
    former_subject,
    identifier,
    pairwise,
    person_key,
    record,
    resealed,
    statement,
    unwanted,
    version,
)

Row = Mapping[str, Any]

_AS_THEY_ARE = (identifier, statement, former, former_subject)
"""Tables whose rows go along unchanged but for whose they are."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a record with all its columns, and what it is about."""

    row: Row = field(repr=False)
    dataset: str
    attribute: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Everything that is kept about one person."""

    person: PersonId
    records: Sequence[Row] = field(repr=False)
    versions: Sequence[Version] = field(repr=False)
    keys: Sequence[WrappedKey] = field(repr=False)
    deposits: Sequence[Row] = field(repr=False)
    disputes: Sequence[Row] = field(repr=False)
    subjects: Sequence[Row] = field(repr=False)
    unwanted_rows: Sequence[Row] = field(repr=False)
    others: Mapping[str, Sequence[Row]] = field(repr=False)

    @property
    def unwanted(self) -> frozenset[str]:
        return frozenset(row["dataset"] for row in self.unwanted_rows)

    def rank(self, of: Row) -> tuple[Any, ...]:
        """By what a record's current version is compared with another's."""
        received = {row["deposit_id"]: row["received_at"] for row in self.deposits}
        (current,) = (
            each.row
            for each in self.versions
            if each.row["record_id"] == of["record_id"] and each.row["version"] == of["current"]
        )
        return current["authority"], current["observed_at"], received[current["deposit_id"]]


def kept(connection: Connection, person: PersonId) -> Kept:
    """What is kept about the person, who must be locked."""
    return Kept(
        person=person,
        records=_rows(connection, record, person),
        versions=_versions(connection, person),
        keys=_keys(connection, person),
        deposits=_rows(connection, deposit, person),
        disputes=_rows(connection, dispute, person),
        subjects=_rows(connection, pairwise, person),
        unwanted_rows=_rows(connection, unwanted, person),
        others={table.name: _rows(connection, table, person) for table in _AS_THEY_ARE},
    )


def move(
    connection: Connection,
    has: Kept,
    had: Kept,
    records: Sequence[Row],
    versions: Sequence[Row],
    first: PersonId,
    now: datetime,
    event_id: EventId,
) -> None:
    """Delete the other person with her keys, and write what comes to the first one."""
    delete_person(connection, had.person)
    mine = {row["record_id"] for row in has.records}
    for row in records:
        _put_record(connection, row, first, is_there=row["record_id"] in mine)
    arrived = {row["deposit_id"] for row in versions}
    _add(connection, deposit, (r for r in had.deposits if r["deposit_id"] in arrived), first)
    _add(connection, version, versions, first)
    _add(connection, dispute, _disputes(has, had, records), first)
    _add(connection, former_subject, had.subjects, first)
    held = {row["dataset"] for row in has.records} | has.unwanted
    _add(connection, unwanted, (r for r in had.unwanted_rows if r["dataset"] not in held), first)
    for table in _AS_THEY_ARE:
        _add(connection, table, had.others[table.name], first)
    joining = {"former_id": had.person, "joined_at": now, "audit_event_id": event_id}
    _add(connection, former, [joining], first)


def add_resealed(
    connection: Connection,
    first: PersonId,
    digests: Mapping[UUID, bytes],
    *,
    key_version: int,
    event_id: EventId,
) -> None:
    """Write down what the deposits that came are sealed as now."""
    told = {"key_version": key_version, "audit_event_id": event_id}
    rows = ({"deposit_id": id_, "digest": digest, **told} for id_, digest in digests.items())
    _add(connection, resealed, rows, first)


def _disputes(has: Kept, had: Kept, records: Sequence[Row]) -> list[Row]:
    """The other's disputes at the records to which they come.

    Where both have disputed the same and it is open, the first one's stands for both.
    """
    by_name = {(row["attribute"], row["source"]): row for row in records}
    latest = {row["record_id"]: row["latest"] for row in has.records}
    open_ = {row["record_id"] for row in has.disputes if row["outcome"] is None}
    moved = list[Row]()
    for row in had.disputes:
        (old,) = (each for each in had.records if each["record_id"] == row["record_id"])
        into = by_name.get((old["attribute"], old["source"]))
        if into is None or (row["outcome"] is None and into["record_id"] in open_):
            continue
        offset = latest.get(into["record_id"], 0)
        moved.append({**row, "record_id": into["record_id"], "version": row["version"] + offset})
    return moved


def _put_record(connection: Connection, row: Row, first: PersonId, *, is_there: bool) -> None:
    if not is_there:
        _add(connection, record, [row], first)
        return
    mine = (record.c.person_id == first) & (record.c.record_id == row["record_id"])
    names = ("current", "latest", "protected", "disputed", "restricted")
    connection.execute(update(record).where(mine).values({name: row[name] for name in names}))


def _versions(connection: Connection, person: PersonId) -> list[Version]:
    named = {row["record_id"]: row for row in _rows(connection, record, person)}
    found = sorted(_rows(connection, version, person), key=lambda row: row["version"])
    of = [(row, named[row["record_id"]]) for row in found]
    return [Version(row, each["dataset"], each["attribute"]) for row, each in of]


def _keys(connection: Connection, person: PersonId) -> list[WrappedKey]:
    query = select(person_key.c.version, person_key.c.wrapped)
    rows = connection.execute(query.where(person_key.c.person_id == person))
    return [WrappedKey(row.version, row.wrapped) for row in rows]


def _rows(connection: Connection, table: Table, person: PersonId) -> list[Row]:
    query = select(table).where(table.c.person_id == person)
    return [dict(row) for row in connection.execute(query).mappings()]


def _add(connection: Connection, table: Table, rows: Iterable[Row], first: PersonId) -> None:
    made = [{**row, "person_id": first} for row in rows]
    if made:
        connection.execute(insert(table), made)
