"""Which of several works: the one that holds a lock for as long as its transaction lives.

The others stand by and ask again at every interval, so that one takes over within it when the
worker ends, however it ends: the server lets go of the lock with the connection. The lock is held
by a transaction that is left open, not by the session, so that it holds behind a pooler as well,
which would give the session to others (PgBouncer's transaction mode); it has read nothing and
written nothing, so it keeps no row version alive. That only one batch is placed at a time does not
rest on this but on the lock inside the batch's transaction.
"""

from contextlib import suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from audit.store import tree as store


class Leadership:
    """The lead among the sequencers of one database, or among those who do other work (`of`).

    On SQLite there is but one process.
    """

    def __init__(self, engine: Engine, of: str = "") -> None:
        self._engine = engine
        self._of = of
        self._connection: Connection | None = None
        self._leads = False

    def taken(self) -> bool:
        """True when this process leads, or leads from now on because nobody did.

        Raises SQLAlchemyError when the database does not answer; the lead is lost then.
        """
        if self._engine.dialect.name == "sqlite":
            return True
        try:
            if self._connection is None:
                self._connection = _connection_of_its_own(self._engine)
            if self._leads:
                store.ping(self._connection)  # the lock lives as long as this transaction
            else:
                self._leads = store.take_lead(self._connection, self._of)
                if not self._leads:
                    self._connection.rollback()  # who stands by keeps no transaction open
        except SQLAlchemyError:
            self.give_up()
            raise
        return self._leads

    def give_up(self) -> None:
        """Let another one lead."""
        if self._connection is not None:
            with suppress(SQLAlchemyError):  # where the connection is lost, so is the lock
                self._connection.rollback()  # at once; the server closes in its own time
            self._connection.close()
        self._connection = None
        self._leads = False


def _connection_of_its_own(engine: Engine) -> Connection:
    """Outside our own pool, whose connections are counted."""
    connection = engine.connect()
    connection.detach()
    return connection
