"""A disk that is full, or fails, below a command: how it is known, and what is said of it."""

import errno
import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError

from audit.not_written import EventNotWrittenError
from service.cli.failure import Failure

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_POSTGRESQL_FULL = "53100"
"""disk_full (PostgreSQL, appendix A)."""


def disk_failure(error: Exception) -> Failure | None:
    """What is said when the disk is to blame, None when something else is."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return _failure(error.filename or "a file", "the disk is full")
    cause = _of_driver(error)
    if isinstance(cause, psycopg.Error) and cause.sqlstate == _POSTGRESQL_FULL:
        return _failure("the database", "its disk is full")
    code = getattr(cause, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL:
        return _failure("the database", "its disk is full")
    # The first byte is the kind of the error, the rest says more (SQLite, Result Codes).
    if code is not None and code & 0xFF == sqlite3.SQLITE_IOERR:
        name = getattr(cause, "sqlite_errorname", "SQLITE_IOERR")
        return _failure("the database", f"its disk is full or fails ({name})")
    return None


def _of_driver(error: Exception) -> BaseException | None:
    """What the driver raised."""
    if isinstance(error, DBAPIError):
        return error.orig
    return error.__cause__ if isinstance(error, EventNotWrittenError) else None


def _failure(place: str, why: str) -> Failure:
    return Failure(
        f"The command has stopped: {place} cannot be written.",
        why=why,
        repair="make room there and run the command again: what it had committed stands, and"
        " nothing is half done",
    )
