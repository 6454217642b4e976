"""The stored tree at any size, its edge included."""

import pytest
from sqlalchemy import insert

from audit.edge import Edge
from audit.merkle import leaf_hash
from audit.store import tables
from audit.store import tree as store
from audit.tree import StoredTree, TreeDamagedError
from audit.unit_of_work import Ledger
from tests.audit.sample import LOG

HASHES = [leaf_hash(i.to_bytes(4, "big")) for i in range(66_100)]
SIZES = [0, 1, 2, 255, 256, 257, 511, 512, 700, 65_535, 65_536, 65_537, 66_100]


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """66,100 leaves: full tiles at levels 0 and 1, a partial one at each of levels 0 and 2."""
    with ledger.engine.begin() as connection:
        store.insert_leaves(connection, LOG, 0, range(1, len(HASHES) + 1), HASHES)
        store.insert_tiles(connection, LOG, Edge().append(HASHES))
    return ledger


def test_root_and_edge_at_many_sizes(filled: Ledger) -> None:
    with filled.read() as connection:
        for size in SIZES:
            grown = Edge()
            grown.append(HASHES[:size])
            tree = StoredTree(connection, LOG, size)
            assert tree.root() == grown.root()
            rebuilt = tree.edge()
            assert (rebuilt.size, rebuilt.root()) == (size, grown.root())
            assert [rebuilt.partial(level) for level in range(3)] == [
                grown.partial(level) for level in range(3)
            ]


def test_more_leaves_than_there_are_is_damage(filled: Ledger) -> None:
    with filled.read() as connection:
        with pytest.raises(TreeDamagedError):
            StoredTree(connection, LOG, 66_101).root()
        with pytest.raises(TreeDamagedError):
            StoredTree(connection, LOG, 70_000).edge()


def test_a_leaf_has_one_place_only(filled: Ledger) -> None:
    with (
        pytest.raises(Exception, match=r"(?i)unique|insert-only"),
        filled.engine.begin() as connection,
    ):  # each driver has its own
        connection.execute(
            insert(tables.leaf).values(log=LOG, index=70_000, number=1, leaf_hash=HASHES[0])
        )
