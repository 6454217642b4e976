"""Statements at the driver, for the hot paths: past SQLAlchemy's and psycopg's own execution.

Through SQLAlchemy Core a statement costs some 70 µs of CPU on SQLite and 140 on PostgreSQL, the
statement itself 10. On PostgreSQL they go to libpq: each text is prepared once for a connection
and run by its name from then on, which costs a fifth of what a cursor does; and several of them
share one round trip (libpq's pipeline mode), the BEGIN of a transaction, what it is told of its
scope (audit.scope) and its COMMIT included.
"""

import select
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from sqlalchemy import Connection

from audit.scope import TELL, due

DRIVER_ERRORS = (sqlite3.Error, psycopg.Error)
"""What `run` raises when the database refuses."""

COMMIT = "COMMIT"
_BEGIN = "BEGIN"
_NAMES = "consent_vault_prepared"
_PREPARES = "consent_vault_prepares"
_TEXT, _BINARY = pq.Format.TEXT, pq.Format.BINARY
_IDLE = pq.TransactionStatus.IDLE
_GOOD = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class Statement(NamedTuple):
    """A text with the placeholders of its driver (`?` on SQLite, `$1` on PostgreSQL)."""

    text: str
    values: Sequence[Any] = ()


_Call = tuple[bytes, list[Any], list[Any]]
"""The name of what was prepared, or the text; values; their forms."""


class Ran(NamedTuple):
    """What a statement gave."""

    rows: list[tuple[Any, ...]]
    affected: int
    """How many rows it gave or changed."""
    last_id: int | None
    """The row number that SQLite gave to an inserted row."""
    tag: str
    """PostgreSQL's name for what was done, for example `INSERT 0 1`."""


def prepare_nothing(_driver: Any, record: Any) -> None:
    """Send each text with its values: for `connect`, where the server's sessions change below us.

    It costs the server the parsing and planning each time, and still one round trip.
    """
    record.info[_PREPARES] = False


def run(connection: Connection, statements: Sequence[Statement]) -> list[Ran]:
    """Run the statements one after the other, on PostgreSQL in one round trip.

    Raises one of DRIVER_ERRORS at the first that fails; those after it are not run.
    """
    driver: Any = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        return [_on_sqlite(driver, each) for each in statements]
    return _on_postgresql(driver, connection.info, statements)


def _on_sqlite(driver: sqlite3.Connection, statement: Statement) -> Ran:
    cursor = driver.execute(statement.text, statement.values)
    return Ran(cursor.fetchall(), cursor.rowcount, cursor.lastrowid, "")


def _on_postgresql(driver: Any, info: dict[str, Any], statements: Sequence[Statement]) -> list[Ran]:
    names = info.setdefault(_NAMES, {}) if info.get(_PREPARES, True) else None
    if driver.autocommit:
        return _on_postgresql_in_order(driver, names, statements)
    before = []
    begins = driver.pgconn.transaction_status == _IDLE
    if begins and driver.isolation_level is not None:
        driver.execute("")  # psycopg says BEGIN, with the level
    elif begins:
        before.append(Statement(_BEGIN))
    told = due(info, begins=begins)
    if told is not None:
        before.append(Statement(TELL, told))
    return _on_postgresql_in_order(driver, names, [*before, *statements])[len(before) :]


def _on_postgresql_in_order(
    driver: Any, names: dict[str, bytes] | None, statements: Sequence[Statement]
) -> list[Ran]:
    calls = []
    for text, values in statements:
        known = text.encode() if names is None else names.get(text) or _prepare(driver, names, text)
        sent = [_sent(value) for value in values]
        calls.append((known, [each for each, _ in sent], [form for _, form in sent]))
    if len(calls) == 1:
        return [_ran(driver, _alone(driver.pgconn, calls[0], prepared=names is not None))]
    results = _together(driver.pgconn, calls, prepared=names is not None)
    return [_ran(driver, result) for result in results]


def _alone(libpq: Any, call: _Call, *, prepared: bool) -> Any:
    known, values, forms = call
    if prepared:
        return libpq.exec_prepared(known, values, forms, _BINARY)
    return libpq.exec_params(known, values, None, forms, _BINARY)


def _prepare(driver: Any, names: dict[str, bytes], text: str) -> bytes:
    if driver.info.encoding != "utf-8":
        raise RuntimeError("a connection to PostgreSQL must speak UTF-8")
    name = b"cv_%d" % len(names)
    _check(driver.pgconn, driver.pgconn.prepare(name, text.encode()))
    names[text] = name
    return name


def _together(libpq: Any, calls: Sequence[_Call], *, prepared: bool) -> list[Any]:
    """The results of calls that are sent at once."""
    libpq.enter_pipeline_mode()
    for known, values, forms in calls:
        if prepared:
            libpq.send_query_prepared(known, values, forms, _BINARY)
        else:
            libpq.send_query_params(known, values, None, forms, _BINARY)
    libpq.pipeline_sync()
    socket = select.poll()
    socket.register(libpq.socket, select.POLLIN | select.POLLOUT)
    while libpq.flush():
        socket.poll()
        libpq.consume_input()
    socket.modify(libpq.socket, select.POLLIN)
    results = []
    for _ in calls:
        results.append(_result(libpq, socket))
        _result(libpq, socket)  # None: the end of this one's results
    _result(libpq, socket)  # the end of the pipeline
    libpq.exit_pipeline_mode()
    return results


def _result(libpq: Any, socket: select.poll) -> Any:
    """The next result, waited for without the interpreter's lock: `get_result` would keep it, and
    so keep from going on whoever holds the row that the server waits for."""
    while libpq.is_busy():
        socket.poll()
        libpq.consume_input()
    return libpq.get_result()


def _ran(driver: Any, result: Any) -> Ran:
    _check(driver.pgconn, result)
    rows = []
    if result.status == pq.ExecStatus.TUPLES_OK:
        loader = Transformer(driver)
        loader.set_pgresult(result)
        rows = loader.load_rows(0, result.ntuples, tuple)
    tag = (result.command_status or b"").decode()
    return Ran(rows, result.command_tuples or 0, None, tag)


def _check(libpq: Any, result: Any) -> None:
    if result is not None and result.status in _GOOD:
        return
    if result is None or libpq.status == pq.ConnStatus.BAD:
        raise psycopg.OperationalError("the connection is lost")
    raise error_from_result(result)


def _sent(value: Any) -> tuple[bytes | None, pq.Format]:
    """A value in the form in which it goes to the server, which knows its type from the text."""
    match value:
        case None:
            return None, _TEXT
        case bytes():
            return value, _BINARY
        case psycopg.Binary():
            return value.obj, _BINARY
        case UUID():
            return value.bytes, _BINARY
        case _:
            return _written(value).encode(), _TEXT


def _written(value: Any) -> str:
    match value:
        case str():
            if "\0" in value:  # libpq would stop reading there
                raise psycopg.DataError("PostgreSQL has no text with NUL in it")
            return value
        case datetime():
            return value.isoformat()
        case int():  # a boolean too, which PostgreSQL reads from 1 and 0
            return str(int(value))
        case _:
            raise TypeError(f"no form for a {type(value).__name__}")
