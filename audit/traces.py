"""What the files of a database still hold of rows that were deleted, as far as it is in our hands.

SQLite overwrites what is deleted (`secure_delete`), but its write-ahead log keeps whole pages as
they were until they have been brought into the file. On PostgreSQL dead rows go with VACUUM and
old pages with the archived write-ahead log: both are the operator's (docs/operator.md).
"""

import sqlite3
from contextlib import closing, suppress

from sqlalchemy import Engine

_PATIENCE_SECONDS = 0.5


def drop_traces(engine: Engine) -> bool:
    """Cut SQLite's write-ahead log; False while that cannot be: ask again later.

    Somebody still reads from it, or the disk is full. What was deleted is committed before this
    is called, so whoever asked for it is told so and of no error.
    """
    if engine.dialect.name != "sqlite":
        return True
    # A connection of its own: those of the pool would wait much longer for the readers.
    apart = sqlite3.connect(str(engine.url.database), timeout=_PATIENCE_SECONDS)
    with closing(apart), suppress(sqlite3.OperationalError):
        busy, _, _ = apart.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
    return False
