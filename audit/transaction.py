"""The one transaction that writes. It asks for no event: only `begin`, the sequencer and
the checker use it.

`begin` (audit.unit_of_work) adds the accounting that all other writing must go through. The
sequencer places events that have been recorded already, and the checker (audit.health) notes how
far it has read them, so their rows are no new happening. A test reads the whole source and refuses
any other user of this module.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from audit.database import WRITES


class WriterLock:
    """SQLite's one writer at a time, queued fairly enough and never nested.

    SQLite's own queue is unfair, and a second writing transaction of the same thread would wait
    for the first one for ever.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None

    def __enter__(self) -> None:
        if self._owner == threading.get_ident():
            raise RuntimeError("a unit of work cannot begin inside another one")
        self._lock.acquire()
        self._owner = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        self._owner = None
        self._lock.release()


class NoLock:
    """PostgreSQL lets writers run side by side."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


class Writer:
    """Opens writing transactions on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(**{WRITES: True})
        self._lock = WriterLock() if engine.dialect.name == "sqlite" else NoLock()

    @contextmanager
    def unaccounted_transaction(self) -> Iterator[Connection]:
        """Commit at the end of the block, roll back on any exception."""
        with self._lock, self._engine.connect() as connection, connection.begin():
            yield connection
