"""Bring a database to the newest revision, once, whoever starts first."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from audit.database import WRITES
from audit.partitions import tend_each
from service.migrations import row_security
from service.migrations.guards import restore

_LOCK = 0x636F6E73656E74
"""Advisory lock of the migrations on PostgreSQL: the letters of "consent"."""


def head() -> str:
    """The newest revision that this program knows."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    if found is None:
        raise RuntimeError("the program holds no revision")
    return found


def knows(revision: str) -> bool:
    """Whether this program has the revision; one that is unknown comes from a newer program."""
    revisions = ScriptDirectory.from_config(_config()).walk_revisions()
    return any(each.revision == revision for each in revisions)


def current(connection: Connection) -> str | None:
    """The revision of the database, None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine) -> bool:
    """Run what is missing, all or nothing. True when something ran."""
    with _alone(engine) as connection:
        before = current(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        restore(connection)  # also where an owner took one away, or a table was made anew
        row_security.restore(connection)
    tend_each(lambda: _alone(engine), datetime.now(UTC))
    return before != head()


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A writing transaction. Two servers starting at once must not both migrate: the second one
    waits here."""
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        yield connection


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "service:migrations")
    return config
