"""The one transaction that writes. It asks for no event: only `begin` and the log's work in the
background use it.

`begin` (audit.unit_of_work) adds the accounting that all other writing must go through. The
sequencer places events that have been recorded already, and others note how far they have been
read (audit.health) and what the world outside says of them (audit.witnessing, audit.timestamping),
so their rows are no new happening. A test reads the whole source and refuses any other user of
this module.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event

from audit.database import KEPT, WRITES, is_alive
from audit.scope import Scope, set_scope


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
        self._kept: deque[Connection] = deque()
        event.listen(engine, "engine_disposed", self._let_go)

    @contextmanager
    def unaccounted_transaction(self, scope: Scope | None = None) -> Iterator[Connection]:
        """Commit at the end of the block, roll back on any exception.

        Without a scope it touches no row of a person (audit.scope).
        """
        with self._lock:
            connection = self._connection()
            set_scope(connection, scope)
            try:
                with connection.begin():
                    yield connection
            except BaseException:
                connection.close()  # whatever state it is in: the pool sees to it
                raise
            self._keep(connection)

    def _connection(self) -> Connection:
        """A connection that was kept, if the server has not closed it meanwhile, or a new one.

        To take one from the pool and to give it back costs as much CPU as two statements.
        """
        while self._kept:
            connection = self._kept.pop()
            if is_alive(connection):
                return connection
            connection.invalidate()
            connection.close()
        return self._engine.connect()

    def _keep(self, connection: Connection) -> None:
        if len(self._kept) < KEPT:
            self._kept.append(connection)
        else:
            connection.close()

    def _let_go(self, _engine: Engine) -> None:
        while self._kept:
            connection = self._kept.pop()
            connection.invalidate()
            connection.close()
