"""What the witness remembers: for each log the checkpoint that it cosigned last.

A database of its own (SQLite, synchronous FULL), which no other program writes. One row a log,
replaced in the transaction in which it was checked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Column, Engine, LargeBinary, MetaData, String, Table, select
from sqlalchemy.dialects.sqlite import insert

from audit.checkpoint import Checkpoint
from audit.database import WRITES, Instant, open_engine
from audit.note import split_note
from audit.witness import Cosigned

metadata = MetaData()

_log = Table(
    "witness_log",
    metadata,
    Column("origin", String(1024), primary_key=True),
    Column("note", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Known:
    """What was cosigned last for one log, and when."""

    checkpoint: Checkpoint
    note: bytes
    at: datetime


Decide = Callable[[Known | None], Cosigned]
"""Decides over what is known; raises to keep it as it is."""


class WitnessState:
    """The state in one file. Safe for several threads and processes: SQLite's lock decides."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open_or_create(cls, path: Path) -> "WitnessState":
        """The state in this file, empty when there is none yet."""
        engine = open_engine(f"sqlite:///{path}")
        metadata.create_all(engine)
        path.chmod(0o600)
        return cls(engine)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def known(self, origin: str) -> Known | None:
        """What was cosigned last for this log."""
        with self._engine.connect() as connection:
            row = connection.execute(select(_log).where(_log.c.origin == origin)).one_or_none()
        return None if row is None else _known(row.note, row.at)

    def all(self) -> list[Known]:
        """What was cosigned last for each log."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(_log).order_by(_log.c.origin)).all()
        return [_known(row.note, row.at) for row in rows]

    def replace(self, origin: str, at: datetime, decide: Decide) -> Cosigned:
        """Decide, and keep what was decided, with nobody between; on the disk when it returns."""
        with self._engine.connect().execution_options(**{WRITES: True}) as connection:
            with connection.begin():
                row = connection.execute(select(_log).where(_log.c.origin == origin)).one_or_none()
                decided = decide(None if row is None else _known(row.note, row.at))
                values = {"origin": origin, "note": decided.note, "at": at}
                new = insert(_log).values(values)
                connection.execute(
                    new.on_conflict_do_update(index_elements=["origin"], set_=values)
                )
            return decided


def _known(note: bytes, at: datetime) -> Known:
    return Known(Checkpoint.parse(split_note(note)[0]), note, at)
