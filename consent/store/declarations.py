"""Rows of declarations, changed by guarded updates only."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from consent.declared import DeclarationKind, DeclarationStatus, Declared
from consent.store.declaration_tables import declaration as table
from consent.store.guard import ConsentChangedError
from policies.ids import EventId, PersonId


def add(connection: Connection, new: Declared, event_id: EventId) -> None:
    """Store a version that is not there yet."""
    connection.execute(
        insert(table).values(
            kind=new.kind,
            declaration_id=new.id,
            version=new.version,
            status=new.status,
            document=new.document,
            digest=new.digest,
            changed_at=new.changed_at,
            submitted_by=new.submitted_by,
            approved_by=new.approved_by,
            audit_event_id=event_id,
        )
    )


def change(connection: Connection, *, was: Declared, now: Declared, event_id: EventId) -> None:
    """Write the new state over the one that was read. Raises ConsentChangedError."""
    changed = connection.execute(
        update(table)
        .where(*_is(was.kind, was.id, was.version), table.c.status == was.status)
        .values(
            status=now.status,
            document=now.document,
            digest=now.digest,
            changed_at=now.changed_at,
            submitted_by=now.submitted_by,
            approved_by=now.approved_by,
            audit_event_id=event_id,
        )
    )
    if changed.rowcount != 1:
        raise ConsentChangedError


def lock(connection: Connection, kind: DeclarationKind, id_: str, version: int) -> Declared | None:
    """One version, locked until the transaction ends."""
    query = select(table).where(*_is(kind, id_, version)).with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else _declared(row)


def lock_in_force(connection: Connection, kind: DeclarationKind, id_: str) -> Declared | None:
    """The version that counts, or counted until it was suspended; locked."""
    query = select(table).where(*_of(kind, id_), _counts()).with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else _declared(row)


def newest_version(connection: Connection, kind: DeclarationKind, id_: str) -> int:
    """The highest number that was ever given to a version of it; 0 when there is none."""
    highest = select(func.max(table.c.version)).where(*_of(kind, id_))
    found: int | None = connection.execute(highest).scalar_one()
    return found or 0


def find(connection: Connection, kind: DeclarationKind, id_: str, version: int) -> Declared | None:
    """One version."""
    row = connection.execute(select(table).where(*_is(kind, id_, version))).one_or_none()
    return None if row is None else _declared(row)


def changed_by(connection: Connection, found: Declared) -> EventId:
    """The event that accounts for how a version stands now."""
    query = select(table.c.audit_event_id).where(*_is(found.kind, found.id, found.version))
    return EventId(connection.execute(query).scalar_one())


def of_id(connection: Connection, kind: DeclarationKind, id_: str) -> list[Declared]:
    """All versions of one declaration, the newest first; locked."""
    query = select(table).where(*_of(kind, id_)).order_by(table.c.version.desc())
    return [_declared(row) for row in connection.execute(query.with_for_update())]


def every(connection: Connection, kind: DeclarationKind) -> list[Declared]:
    """All versions of all declarations of the kind, by id and the newest first."""
    query = select(table).where(table.c.kind == kind)
    ordered = query.order_by(table.c.declaration_id, table.c.version.desc())
    return [_declared(row) for row in connection.execute(ordered)]


def status_of(connection: Connection, kind: DeclarationKind, id_: str) -> DeclarationStatus | None:
    """How the newest version that was ever in force stands; None when there is none."""
    ended = table.c.status == DeclarationStatus.RETIRED
    query = select(table.c.status).where(*_of(kind, id_), _counts() | ended)
    found = connection.execute(query.order_by(table.c.version.desc()).limit(1)).scalar_one_or_none()
    return None if found is None else DeclarationStatus(found)


def _of(kind: DeclarationKind, id_: str) -> tuple[ColumnElement[bool], ...]:
    return (table.c.kind == kind, table.c.declaration_id == id_)


def _is(kind: DeclarationKind, id_: str, version: int) -> tuple[ColumnElement[bool], ...]:
    return (*_of(kind, id_), table.c.version == version)


def _counts() -> ColumnElement[bool]:
    return table.c.status.in_((DeclarationStatus.APPROVED, DeclarationStatus.SUSPENDED))


def _declared(row: Any) -> Declared:
    return Declared(
        kind=DeclarationKind(row.kind),
        id=row.declaration_id,
        version=row.version,
        status=DeclarationStatus(row.status),
        document=row.document,
        digest=row.digest,
        changed_at=row.changed_at,
        submitted_by=_person(row.submitted_by),
        approved_by=_person(row.approved_by),
    )


def _person(found: Any) -> PersonId | None:
    return None if found is None else PersonId(found)
