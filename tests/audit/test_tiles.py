"""Tile paths, geometry and bytes, with C2SP's own examples first."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.tiles import (
    TileError,
    TileName,
    entry_bundles_of,
    pack_entries,
    split_hashes,
    tiles_of,
    unpack_entries,
)

PUBLISHED = json.loads((Path(__file__).parents[1] / "vectors" / "tlog.json").read_text())[
    "tile_paths"
]


def test_the_published_path() -> None:
    assert TileName(0, 1234067).path == f"tile/0/{PUBLISHED['index_1234067']}"
    assert TileName(None, 1234067, 5).path == "tile/entries/x001/x234/067.p/5"


def test_the_published_geometry_of_70000_leaves() -> None:
    expected = PUBLISHED["tree_size_70000"]
    tiles = list(tiles_of(70_000))
    rows = [[each for each in tiles if each.level == level] for level in range(3)]
    assert len(rows[0]) == expected["level0_full"] + 1
    assert rows[0][-1].width == expected["level0_partial_width"]
    assert rows[1] == [TileName(1, 0), TileName(1, 1, expected["level1_partial_width"])]
    assert rows[2] == [TileName(2, 0, expected["level2_partial_width"])]
    assert len(tiles) == sum(map(len, rows))


def test_the_published_geometry_of_256_leaves() -> None:
    assert list(tiles_of(256)) == [TileName(0, 0), TileName(1, 0, 1)]
    assert list(entry_bundles_of(256)) == [TileName(None, 0)]


def test_an_empty_tree_has_no_tiles() -> None:
    assert [*tiles_of(0), *entry_bundles_of(0)] == []


@given(st.one_of(st.none(), st.integers(0, 7)), st.integers(0, 10**12), st.integers(1, 256))
def test_a_path_reads_back(level: int | None, index: int, width: int) -> None:
    name = TileName(level, index, width)
    assert TileName.parse(name.path) == name


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/1",
        "tile/0/0001",
        "tile/0/x000/001",
        "tile/00/001",
        "tile/100/001",
        "tile/-1/001",
        "tile/0/001.p/0",
        "tile/0/001.p/01",
        "tile/0/001.p/256",
        "tile/0/001.p/257",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/entries/",
        "tile/0/٠٠١",
        "tile/0/../001",
        "tile/0/001\n",
        "TILE/0/001",
    ],
)
def test_a_path_in_another_spelling_is_refused(path: str) -> None:
    with pytest.raises(TileError):
        TileName.parse(path)


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_entries_read_back(entries: list[bytes]) -> None:
    assert unpack_entries(pack_entries(entries)) == entries


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_cut_bundle_of_entries_is_refused(cut: int) -> None:
    with pytest.raises(TileError):
        unpack_entries(pack_entries([b"one", b""])[:cut])


def test_hashes_are_split_in_order() -> None:
    assert split_hashes(bytes(32) + b"x" * 32) == [bytes(32), b"x" * 32]
