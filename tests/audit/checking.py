"""A whole log held against itself, and a signer with which something happens."""

from collections.abc import Callable

from sqlalchemy import func, select

from audit.checkpoint import open_checkpoint
from audit.merkle import fold, tree_hash
from audit.note import NoteSigner
from audit.proofs import latest_checkpoint
from audit.store import tables
from audit.store import tree as store
from audit.unit_of_work import Ledger
from tests.audit.sample import ORIGIN, signer


def check_log(ledger: Ledger) -> int:
    """Hold everything against everything; gives the size."""
    with ledger.read() as connection:
        rows = store.leaves(connection, 0, 10**9)
        numbers = connection.execute(select(tables.leaf.c.number)).scalars().all()
        assert [row.index for row in rows] == list(range(len(rows)))
        assert len(set(numbers)) == len(rows)
        waiting = store.queued(connection, 10**6)
        events = connection.execute(select(func.count()).select_from(tables.event)).scalar_one()
        assert len(rows) + len(waiting) == events
        hashes = [row.leaf_hash for row in rows]
        signed = connection.execute(select(tables.checkpoint.c.note)).scalars().all()
        for note in signed:
            opened = open_checkpoint(note, [signer().verifier], origin=ORIGIN)
            root = tree_hash(lambda n, i: fold(hashes[i << n : (i + 1) << n]), 0, opened.size)
            assert root == opened.root
        last = latest_checkpoint(connection)
        size = 0 if last is None else open_checkpoint(last, [signer().verifier], origin=ORIGIN).size
        assert size == len(rows)
    return size


class ActingSigner(NoteSigner):
    """The log's key, with something that happens when it is asked to sign."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__(ORIGIN, signer()._key)
        self._act = act

    def signature_line(self, text: str) -> str:
        self._act()
        return super().signature_line(text)
