"""SQL on the log keys. The look-up is on the path of every event, so it goes to the driver."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, delete, select

from audit.driver import DRIVER_ERRORS, Statement, run
from audit.not_written import EventNotWrittenError
from audit.row_order import lock_rows
from audit.store.tables import log_key

_FIND = (
    "SELECT key_id, wrapped FROM audit_key WHERE owner = {} AND period = {} ORDER BY key_id LIMIT 1"
)
_INSERT = "INSERT INTO audit_key (key_id, owner, period, wrapped) VALUES ({}, {}, {}, {})"
_INSERT_IN = {
    "sqlite": _INSERT.format("?", "?", "?", "?"),
    "postgresql": _INSERT.format("$1", "$2", "$3", "$4"),
}
_FIND_IN = {"sqlite": _FIND.format("?", "?"), "postgresql": _FIND.format("$1", "$2")}


def find_keys(
    connection: Connection, owners: Sequence[str], *, period: str
) -> dict[str, tuple[UUID, bytes]]:
    """Id and wrapped bytes of the owners' keys for the period, of each the one of the lowest id;
    whoever has none is absent. Raises EventNotWrittenError."""
    query = _FIND_IN[connection.dialect.name]
    try:
        found = run(connection, [Statement(query, (owner, period)) for owner in owners])
    except DRIVER_ERRORS as error:
        raise EventNotWrittenError from error
    return {
        owner: (key_id if isinstance(key_id, UUID) else UUID(key_id), wrapped)
        for owner, ran in zip(owners, found, strict=True)
        for key_id, wrapped in ran.rows
    }


class KeyRow(NamedTuple):
    """A key as it is stored."""

    key_id: UUID
    owner: str
    period: str
    wrapped: bytes


def insert_keys(connection: Connection, rows: Iterable[KeyRow]) -> None:
    """Insert keys; they wait for nobody. Raises EventNotWrittenError."""
    sqlite = connection.dialect.name == "sqlite"
    written = _INSERT_IN[connection.dialect.name]
    try:
        run(
            connection,
            [
                Statement(written, (row.key_id.hex if sqlite else row.key_id, *row[1:]))
                for row in rows
            ],
        )
    except DRIVER_ERRORS as error:
        raise EventNotWrittenError from error


def keys_by_id(connection: Connection, key_ids: Collection[UUID]) -> dict[UUID, tuple[str, bytes]]:
    """Owner and wrapped bytes by key id; a destroyed key is absent."""
    query = select(log_key.c.key_id, log_key.c.owner, log_key.c.wrapped).where(
        log_key.c.key_id.in_(key_ids)
    )
    return {row.key_id: (row.owner, row.wrapped) for row in connection.execute(query)}


def delete_keys(connection: Connection, *those: ColumnElement[bool]) -> int:
    """Destroy these keys, locked in the order in which they are wrapped anew
    (audit.wrapped_keys); how many there were."""
    lock_rows(connection, log_key, *those)
    return connection.execute(delete(log_key).where(*those)).rowcount


def delete_keys_of_period(connection: Connection, *, owner: str, period: str) -> int:
    """Destroy the owner's keys for the period; gives how many there were."""
    return delete_keys(connection, log_key.c.owner == owner, log_key.c.period == period)
