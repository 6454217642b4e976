"""SQL on how far the import of a file has come."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from policies.ids import EventId
from vault.store.tables import imported as table


class ElsewhereImportedError(RuntimeError):
    """The import has moved on since it was read: another process imports the same file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the import of one file has come."""

    id: bytes
    position: int = 0
    """Bytes of the file that are done."""
    lines: int = 0
    kept: int = 0
    known: int = 0
    """Documents that had come before."""
    refused: int = 0
    reported: int = 0
    """Bytes of the report."""
    begun_at: datetime
    ended_at: datetime | None = None


def find(connection: Connection, import_id: bytes) -> Progress | None:
    """The progress of that import, None when nothing of the file is done."""
    row = connection.execute(select(table).where(table.c.import_id == import_id)).one_or_none()
    if row is None:
        return None
    return Progress(
        id=row.import_id,
        position=row.position,
        lines=row.lines,
        kept=row.kept,
        known=row.known,
        refused=row.refused,
        reported=row.reported,
        begun_at=row.begun_at,
        ended_at=row.ended_at,
    )


def add(connection: Connection, progress: Progress, event_id: EventId) -> None:
    """Begin an import. Raises ElsewhereImportedError."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"import_id": progress.id, **_values(progress, event_id)}
    statement = dialect.insert(table).values(row).on_conflict_do_nothing()
    begun = connection.execute(statement.returning(table.c.import_id))
    if begun.one_or_none() is None:
        raise ElsewhereImportedError


def move(connection: Connection, before: Progress, progress: Progress, event_id: EventId) -> None:
    """Bring an import on from where it stood. Raises ElsewhereImportedError."""
    moved = connection.execute(
        update(table)
        .where(
            table.c.import_id == before.id,
            table.c.position == before.position,
            table.c.ended_at.is_(None),
        )
        .values(**_values(progress, event_id))
    )
    if moved.rowcount != 1:
        raise ElsewhereImportedError


def _values(progress: Progress, event_id: EventId) -> dict[str, object]:
    return {
        "position": progress.position,
        "lines": progress.lines,
        "kept": progress.kept,
        "known": progress.known,
        "refused": progress.refused,
        "reported": progress.reported,
        "begun_at": progress.begun_at,
        "ended_at": progress.ended_at,
        "audit_event_id": event_id,
    }
