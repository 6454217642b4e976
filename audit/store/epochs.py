"""SQL on the epochs of key-encryption keys."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, func, insert, select

from audit.driver import DRIVER_ERRORS, Statement, run
from audit.not_written import EventNotWrittenError
from audit.store.tables import epoch
from policies.ids import EventId

_HELD = "consent_vault_held_epochs"
_HOLD = """\
SELECT pg_advisory_xact_lock_shared(hashtextextended(concat($1::text, current_schema()), 0))"""
_CLOSED = "SELECT key_id FROM audit_epoch WHERE key_id = {} AND step = {}"
_CLOSED_IN = {"sqlite": _CLOSED.format("?", "?"), "postgresql": _CLOSED.format("$1", "$2")}
_HOLDERS, _OPERATORS = "consent-vault/epochs/held/", "consent-vault/epochs/steps/"


class Step(StrEnum):
    """What happens to a key-encryption key, in this order."""

    BEGUN = "begun"
    CLOSED = "closed"
    DESTROYED = "destroyed"


def is_held(connection: Connection, key_id: str) -> bool:
    """Whether this transaction holds the epoch open already."""
    transaction, held = connection.info.get(_HELD, (None, None))
    return transaction is connection.get_transaction() and held == key_id


def hold(connection: Connection, key_id: str) -> bool:
    """Hold the epoch open until the transaction ends; True when it was closed before.

    The lock is taken by a statement of its own, so that the next one sees what was committed while
    we waited; both go in one round trip. A lock of the transaction goes well with a pooler. Raises
    EventNotWrittenError.
    """
    dialect = connection.dialect.name
    lock = [] if dialect == "sqlite" else [Statement(_HOLD, (_HOLDERS,))]
    try:
        found = run(connection, [*lock, Statement(_CLOSED_IN[dialect], (key_id, Step.CLOSED))])
    except DRIVER_ERRORS as error:
        raise EventNotWrittenError from error
    if found[-1].rows:
        return True
    connection.info[_HELD] = (connection.get_transaction(), key_id)
    return False


def wait_for_holders(connection: Connection) -> None:
    """Wait for the end of every transaction that holds an epoch open; new ones wait for us."""
    _lock(connection, _HOLDERS)


def lock_steps(connection: Connection) -> None:
    """Wait for the operator who takes a step now, and have others wait for us."""
    _lock(connection, _OPERATORS)


def steps(connection: Connection) -> list[tuple[str, Step, datetime]]:
    """Every step that was taken, in the order of time."""
    query = select(epoch.c.key_id, epoch.c.step, epoch.c.at).order_by(epoch.c.at)
    return [(row.key_id, Step(row.step), row.at) for row in connection.execute(query)]


def add_step(
    connection: Connection, key_id: str, step: Step, *, at: datetime, event_id: EventId
) -> None:
    """Write a step down."""
    row = {"key_id": key_id, "step": step, "at": at, "audit_event_id": event_id}
    connection.execute(insert(epoch).values(row))


def _lock(connection: Connection, name: str) -> None:
    if connection.dialect.name == "postgresql":  # elsewhere a writer is alone anyway
        connection.execute(select(func.pg_advisory_xact_lock(_number(name))))


def _number(name: str) -> ColumnElement[int]:
    """The lock's number, another one in each schema."""
    return func.hashtextextended(func.concat(name, func.current_schema()), 0)
