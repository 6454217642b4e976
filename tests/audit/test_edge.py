"""The growing right edge against the whole tree."""

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.edge import Edge
from audit.merkle import EMPTY_ROOT, fold, leaf_hash, tree_hash
from audit.tiles import split_hashes

HASHES = [leaf_hash(i.to_bytes(4, "big")) for i in range(66_000)]


def root_of(size: int) -> bytes:
    return tree_hash(lambda n, i: fold(HASHES[i << n : (i + 1) << n]), 0, size)


def test_an_empty_edge_is_an_empty_tree() -> None:
    assert Edge().root() == EMPTY_ROOT
    assert Edge().partial(0) == []


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 400), max_size=6))
def test_any_growth_gives_the_root_and_tiles_of_the_whole_tree(growths: list[int]) -> None:
    edge, tiles = Edge(), []
    for growth in growths:
        tiles += edge.append(HASHES[edge.size : edge.size + growth])
        assert edge.root() == root_of(edge.size)
    zero = [each for each in tiles if each.level == 0]
    assert [each.index for each in zero] == list(range(edge.size // 256))
    for each in zero:
        hashes = HASHES[each.index * 256 : (each.index + 1) * 256]
        assert split_hashes(each.hashes) == hashes
        assert each.root == fold(hashes)


def test_the_tile_above_is_filled_by_the_last_one_below() -> None:
    edge = Edge()
    tiles = edge.append(HASHES[:65_536])
    assert [(each.level, each.index) for each in tiles[-2:]] == [(0, 255), (1, 0)]
    assert edge.partial(2) == [tiles[-1].root] == [edge.root()]
    assert tiles[-1].hashes == b"".join(each.root for each in tiles[:-1])
    edge.append(HASHES[65_536:])
    assert edge.root() == root_of(66_000)


def test_a_copy_grows_alone() -> None:
    edge = Edge()
    edge.append(HASHES[:300])
    grown = edge.copy()
    grown.append(HASHES[300:600])
    assert (edge.size, grown.size) == (300, 600)
    assert edge.root() == root_of(300)
