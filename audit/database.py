"""The two engines: SQLite in one file (embedded) and PostgreSQL (the way to grow).

SQLite runs in WAL mode with synchronous FULL: NORMAL may lose the last commits on power loss,
which a log must not. A writing transaction takes the write lock at once (BEGIN IMMEDIATE), so
that two of them queue instead of failing half way.
"""

import select
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Dialect, Engine, Integer, create_engine, event
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.types import DateTime, TypeDecorator, TypeEngine

from audit.driver import prepare_nothing
from audit.scope import forget_scope, tell

KEPT = 4
"""How many connections are kept between writing transactions: one for each thread of the hot paths.
The pool holds as many more, so that those who read do not lack them."""

WRITES = "consent_vault_writes"
"""Execution option of a connection whose transaction will write."""

RowNumber = BigInteger().with_variant(Integer(), "sqlite")
"""A growing row number: SQLite gives one only to a column of type INTEGER."""

_NAME_SESSION = """\
SELECT set_config('application_name',
  concat('consent-vault/', left(md5(current_schema()), 12)), false)"""
"""Another name in each schema; in pg_stat_activity everybody sees it, whatever else is hidden."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA busy_timeout=10000",
    "PRAGMA secure_delete=ON",
    "PRAGMA cache_size=-65536",
)


class Instant(TypeDecorator[datetime]):
    """A moment in UTC: timestamptz on PostgreSQL, microseconds since 1970 on SQLite."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "postgresql":
            return value.astimezone(UTC)  # type: ignore[no-any-return]  # psycopg gives datetime
        return _EPOCH + timedelta(microseconds=value)


def open_engine(url: str, *, pooled: bool = False) -> Engine:
    """An engine for a `sqlite:///…` or `postgresql+psycopg://…` URL, with our settings applied.

    `pooled`: a pooler stands before PostgreSQL and gives each transaction another session of the
    server (PgBouncer's transaction mode), so that nothing may be prepared on one.
    """
    # Parameters hold people's data; they must not come into an error's text and so into a log.
    engine = create_engine(url, hide_parameters=True, pool_size=5 + KEPT)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _prepare_postgresql)
        event.listen(engine, "connect", prepare_nothing if pooled else _name_session)
        event.listen(engine, "checkout", _refuse_closed)
        event.listen(engine, "before_cursor_execute", tell)
    event.listen(engine, "checkin", forget_scope)
    return engine


def is_alive(connection: Connection) -> bool:
    """False when the server has closed the connection since it was last used."""
    return connection.dialect.name == "sqlite" or not _has_last_words(connection.connection)


def _refuse_closed(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
    """Have the pool open a new connection when the server has closed this one."""
    if _has_last_words(dbapi_connection):
        raise DisconnectionError


def _has_last_words(dbapi_connection: Any) -> bool:
    """An idle connection's socket becomes readable at the server's last words.

    To look at it costs two microseconds; the customary ping is one more round trip for every
    transaction.
    """
    last_words = select.poll()
    last_words.register(dbapi_connection.fileno(), select.POLLIN)
    return bool(last_words.poll(0))


def _prepare_postgresql(dbapi_connection: Any, _record: Any) -> None:
    # What psycopg prepares by itself it throws away at every rollback, and all that others have
    # prepared on the connection with it. What is worth it is prepared by audit.driver.
    dbapi_connection.prepare_threshold = None


def _name_session(dbapi_connection: Any, _record: Any) -> None:
    """Say whose session it is, so that who replaces the database finds us on it.

    Not behind a pooler: there the name would stay on a session that nobody uses any more.
    """
    dbapi_connection.autocommit = True
    dbapi_connection.execute(_NAME_SESSION)
    dbapi_connection.autocommit = False


def _prepare_sqlite(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in _PRAGMAS:
        dbapi_connection.execute(pragma)


def _begin_sqlite(connection: Any) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    statement = "BEGIN IMMEDIATE" if writes else "BEGIN"
    driver = connection.connection.driver_connection  # a tenth of exec_driver_sql's cost
    try:
        driver.execute(statement)
    except sqlite3.Error as error:
        # Nobody wraps it for us here, and unwrapped it would end the sequencer's thread for good
        # when another process holds the database for longer than the busy timeout.
        raise OperationalError(statement, None, error) from error
