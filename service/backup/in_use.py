"""Whether anybody else works on the PostgreSQL database that a restore is about to replace.

What they write meanwhile would be lost, and they would go on with a database that knows nothing of
what has ended. On SQLite the file itself can be locked (service.backup.restoring).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text

from audit.leadership import Leadership
from service.backup.errors import BackupError
from service.jobs import Lead

_OTHERS = text(
    """\
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND application_name = current_setting('application_name')"""
)
_LOOKS, _PAUSE_SECONDS = 10, 0.2
_REPAIR = "stop the service on every host first, and commands beside it"


@contextmanager
def nobody_else(engine: Engine, *, pooled: bool) -> Iterator[None]:
    """Refuse to go on while somebody is there, and let nobody take up the work meanwhile.

    Sessions have a name (audit.database), but not behind a pooler, where the sequencer and who does
    the jobs are still found by their lead. Raises BackupError.
    """
    others = 0 if pooled else _sessions(engine)
    if others:
        raise BackupError(f"{others} sessions of consent-vault are open on the database", _REPAIR)
    sequencer, jobs = Leadership(engine), Lead(engine)
    try:
        if not (sequencer.taken() and jobs.taken()):
            raise BackupError("a process of the service works on the database", _REPAIR)
        yield
    finally:
        jobs.give_up()
        sequencer.give_up()


def _sessions(engine: Engine) -> int:
    """How many others there are, once those that are ending have ended."""
    engine.dispose()  # what we have open ourselves is nobody else
    with engine.connect() as connection:
        others, looks = 1, _LOOKS
        while others and looks:
            time.sleep(_PAUSE_SECONDS if looks < _LOOKS else 0)
            others, looks = int(connection.execute(_OTHERS).scalar_one()), looks - 1
            connection.rollback()  # a transaction goes on seeing what it saw first
    return others
