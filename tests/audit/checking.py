"""A whole log held against itself, and a signer with which something happens."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, func, select

from audit.checkpoint import open_checkpoint
from audit.log_signers import LogSigners
from audit.merkle import fold, tree_hash
from audit.proofs import latest_checkpoint
from audit.store import tables
from audit.store import tree as store
from audit.unit_of_work import Ledger
from tests.audit.sample import LOG, LOG_NAME, signer, signers


def check_log(ledger: Ledger, *logs: str) -> int:
    """Hold everything against everything, in these logs (shards); gives the number of leaves."""
    with ledger.read() as connection:
        size = sum(_check_one(connection, log) for log in logs or (LOG,))
        numbers = connection.execute(select(tables.leaf.c.number)).scalars().all()
        placed = [number for number in numbers if number is not None]
        assert len(numbers) == size
        assert len(set(placed)) == len(placed)
        waiting = store.queued(connection, 10**6)
        events = connection.execute(select(func.count()).select_from(tables.event)).scalar_one()
        assert len(placed) + len(waiting) == events
    return size


def _check_one(connection: Connection, log: str) -> int:
    verifiers, origin = signers().verifiers(log), signers().origin(log)
    rows = store.leaves(connection, log, 0, 10**9)
    assert [row.index for row in rows] == list(range(len(rows)))
    hashes = [row.leaf_hash for row in rows]
    signed = select(tables.checkpoint.c.note).where(tables.checkpoint.c.log == log)
    for note in connection.execute(signed).scalars():
        opened = open_checkpoint(note, verifiers, origin=origin)
        root = tree_hash(lambda n, i: fold(hashes[i << n : (i + 1) << n]), 0, opened.size)
        assert root == opened.root
    last = latest_checkpoint(connection, log=log)
    size = 0 if last is None else open_checkpoint(last, verifiers, origin=origin).size
    assert size == len(rows)
    return size


class ActingSigner(LogSigners):
    """The log's key, with something that happens when it is asked to sign."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__(LOG_NAME, [signer()._key])
        self._act = act

    def sign(self, log: str, text: str, now: datetime) -> bytes:
        self._act()
        return super().sign(log, text, now)
