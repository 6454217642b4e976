"""A short life of the log on SQLite, to be run under a tracer that makes the disk fail.

`python -m tests.faults.storage FILE` writes events and sequences them a few times and tells each
acknowledged event and each published checkpoint on standard output. Whatever fails, it goes on: a
disk may fail once and then work again.
"""

import os
import sys
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from audit.checkpoint import Checkpoint
from audit.database import open_engine
from audit.model import SYSTEM
from audit.not_written import EventNotWrittenError
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger, begin
from tests.audit.sample import NOW, signers, viewed

ROUNDS, EVENTS = 3, 3


class FixedWrapper:
    """Satisfies `audit.keys.KeyWrapper`; nothing here is secret, and the next process must open."""

    def wrap(self, key: bytes, _context: bytes) -> bytes:
        return key

    def unwrap(self, blob: bytes, _context: bytes) -> bytes:
        return blob

    def wrapped_under(self, _blob: bytes) -> str:
        return "fixed:1"


def tell(line: str) -> None:
    """At once and whole: what was told is known to somebody."""
    os.write(1, f"{line}\n".encode())


def main(file: str) -> None:
    tell(f"began {datetime.now(UTC).isoformat()}")
    ledger = Ledger(open_engine(f"sqlite:///{file}"), FixedWrapper())

    def publish(checkpoint: Checkpoint, _note: bytes) -> None:
        tell(f"published {checkpoint.size} {checkpoint.root.hex()}")

    sequencer = Sequencer(ledger, signers(), publish=[publish])
    for _ in range(ROUNDS):
        for _ in range(EVENTS):
            write(ledger)
        try:
            sequencer.run_once(NOW)
        except SQLAlchemyError as error:
            tell(f"failed {type(error).__name__}")
    ledger.engine.dispose()


def write(ledger: Ledger) -> None:
    try:
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            event_id = uow.record(viewed())
    except (SQLAlchemyError, EventNotWrittenError) as error:
        tell(f"failed {type(error).__name__}")
    else:
        tell(f"acknowledged {event_id}")


if __name__ == "__main__":
    main(sys.argv[1])
