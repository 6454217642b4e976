"""Every proof of every tree up to 260 leaves against a second verifier that shares no code."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.merkle import (
    ProofError,
    consistency_proof,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)
from tests.audit.second_verifier import (
    RefusedError,
    check_path,
    check_proof,
    hash_of_leaf,
    path,
    proof,
    subtree_hashes,
)

LARGEST = 260
GROUPS = list(pairwise([1, *range(60, LARGEST, 20), LARGEST + 1]))
"""Sizes from the first to before the second: pieces of work that may run beside each other."""

ENTRIES = [f"entry {i}".encode() for i in range(LARGEST)]
LEAVES = [hash_of_leaf(each) for each in ENTRIES]
MTH = subtree_hashes(ENTRIES)
PUBLISHED = Path(__file__).parents[1] / "vectors" / "rfc6962"


def node(level: int, index: int) -> bytes:
    return MTH(index << level, (index + 1) << level)


def accepts(verify: Callable[[], None]) -> bool:
    try:
        verify()
    except (ProofError, RefusedError):
        return False
    return True


def includes(index: int, size: int, leaf: bytes, hashes: Sequence[bytes], root: bytes) -> bool:
    """The verdict of both on an inclusion proof, which must be one."""
    ours = accepts(
        lambda: verify_inclusion(index=index, size=size, leaf=leaf, proof=hashes, root=root)
    )
    assert ours == accepts(lambda: check_path(index, size, leaf, hashes, root))
    return ours


def extends(old_size: int, new_size: int, old: bytes, new: bytes, hashes: Sequence[bytes]) -> bool:
    """The verdict of both on a consistency proof, which must be one."""
    ours = accepts(
        lambda: verify_consistency(
            old_size=old_size, old_root=old, new_size=new_size, new_root=new, proof=hashes
        )
    )
    assert ours == accepts(lambda: check_proof(old_size, new_size, old, new, hashes))
    return ours


@pytest.mark.parametrize(("first", "end"), GROUPS)
def test_every_inclusion_proof_is_the_one_of_the_definition_and_passes_both(
    first: int, end: int
) -> None:
    for size in range(first, end):
        root = MTH(0, size)
        for index in range(size):
            made = inclusion_proof(node, index, size)
            assert made == path(index, 0, size, MTH), (index, size)
            assert includes(index, size, LEAVES[index], made, root), (index, size)


@pytest.mark.parametrize(("first", "end"), GROUPS)
def test_every_consistency_proof_is_the_one_of_the_definition_and_passes_both(
    first: int, end: int
) -> None:
    for new in range(first, end):
        for old in range(1, new + 1):
            made = consistency_proof(node, old, new)
            assert made == proof(old, 0, new, MTH), (old, new)
            assert extends(old, new, MTH(0, old), MTH(0, new), made), (old, new)


@pytest.mark.parametrize(("first", "end"), GROUPS)
def test_no_proof_passes_for_the_place_size_or_root_beside_its_own(first: int, end: int) -> None:
    for size in range(max(first, 2), end):
        root, index = MTH(0, size), (size * 7) % size if size % 7 else size // 2
        made = inclusion_proof(node, index, size)
        other = (index + 1) % size
        assert not includes(other, size, LEAVES[index], made, root)
        assert not includes(index, size, LEAVES[other], made, root)
        assert not includes(index, size, LEAVES[index], made, MTH(0, size - 1))
        old = (index % (size - 1)) + 1
        made = consistency_proof(node, old, size)
        assert not extends(old, size, MTH(0, size), MTH(0, old), made)
        assert not extends(old, size, MTH(0, old), MTH(0, size - 1), made)
        assert not extends(old, size, MTH(0, old), MTH(0, size), [*made, root])
        assert not extends(old, size, MTH(0, old), MTH(0, size), made[:-1])


@pytest.mark.parametrize("short", [b"", bytes(31), bytes(33)])
def test_a_text_that_is_no_hash_proves_nothing_where_it_would_fit(short: bytes) -> None:
    root = hashlib.sha256(b"\x01" + LEAVES[0] + short).digest()
    assert not includes(0, 2, LEAVES[0], [short], root)
    root = hashlib.sha256(b"\x01" + MTH(0, 2) + short).digest()
    assert not extends(2, 3, MTH(0, 2), root, [short])


def test_a_proof_that_goes_on_above_the_root_proves_nothing() -> None:
    def above(root: bytes) -> bytes:
        return hashlib.sha256(b"\x01" + LEAVES[9] + root).digest()

    assert not includes(0, 1, LEAVES[0], [LEAVES[9]], above(LEAVES[0]))
    longer = [*proof(3, 0, 4, MTH), LEAVES[9]]
    assert not extends(3, 4, above(MTH(0, 3)), above(MTH(0, 4)), longer)


hashes = st.sampled_from([*LEAVES[:4], MTH(0, 2), MTH(2, 4), MTH(0, 4), MTH(4, 6), MTH(0, 7), b""])
small = st.integers(-1, 9)


@settings(max_examples=600, deadline=None)
@given(small, small, hashes, st.lists(hashes, max_size=5), hashes)
def test_any_made_up_inclusion_proof_gets_one_verdict(
    index: int, size: int, leaf: bytes, made_up: list[bytes], root: bytes
) -> None:
    includes(index, size, leaf, made_up, root)


@settings(max_examples=600, deadline=None)
@given(small, small, hashes, hashes, st.lists(hashes, max_size=5))
def test_any_made_up_consistency_proof_gets_one_verdict(
    old_size: int, new_size: int, old: bytes, new: bytes, made_up: list[bytes]
) -> None:
    extends(old_size, new_size, old, new, made_up)


def raw(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def verdict_of_both(case: dict[str, Any]) -> bool:
    made = [raw(each) for each in case["proof"] or []]
    if "leafIdx" in case:
        leaf, root = raw(case["leafHash"]), raw(case["root"])
        return includes(case["leafIdx"], case["treeSize"], leaf, made, root)
    return extends(case["size1"], case["size2"], raw(case["root1"]), raw(case["root2"]), made)


def test_both_give_the_published_verdict_on_every_published_proof() -> None:
    cases = [json.loads(file.read_text()) for file in sorted(PUBLISHED.rglob("*.json"))]
    assert len(cases) == 196
    assert [verdict_of_both(case) for case in cases] == [not case["wantErr"] for case in cases]
