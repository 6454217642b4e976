"""The Merkle tree against published vectors, a plain recursive definition, and mutations."""

import base64
import hashlib
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.merkle import (
    EMPTY_ROOT,
    Node,
    ProofError,
    consistency_proof,
    fold,
    inclusion_proof,
    leaf_hash,
    node_hash,
    tree_hash,
    verify_consistency,
    verify_inclusion,
)

VECTORS = Path(__file__).parents[1] / "vectors"
PUBLISHED = json.loads((VECTORS / "tlog.json").read_text())["rfc6962_sha256"]
LEAVES = [bytes.fromhex(leaf) for leaf in PUBLISHED["leaf_inputs_hex"]]


def cases(kind: str) -> list[Any]:
    folder = VECTORS / "rfc6962" / kind
    return [
        pytest.param(json.loads(path.read_text()), id=str(path.relative_to(folder)))
        for path in sorted(folder.rglob("*.json"))
    ]


def raw(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def memory(hashes: Sequence[bytes]) -> Node:
    """A tree held as a list of leaf hashes."""
    return lambda level, index: fold(hashes[index << level : (index + 1) << level])


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162 section 2.1.1 as it is written, over the leaves' contents."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + mth(leaves[:split]) + mth(leaves[split:])).digest()


CONTENTS = [f"leaf {i}".encode() for i in range(300)]
HASHES = [leaf_hash(content) for content in CONTENTS]
ROOTS = [mth(CONTENTS[:size]) for size in range(301)]
NODE = memory(HASHES)


@pytest.mark.parametrize("case", cases("inclusion"))
def test_published_inclusion_vector(case: dict[str, Any]) -> None:
    def verify() -> None:
        verify_inclusion(
            index=case["leafIdx"],
            size=case["treeSize"],
            leaf=raw(case["leafHash"]),
            proof=[raw(each) for each in case["proof"] or []],
            root=raw(case["root"]),
        )

    if case["wantErr"]:
        with pytest.raises(ProofError):
            verify()
    else:
        verify()


@pytest.mark.parametrize("case", cases("consistency"))
def test_published_consistency_vector(case: dict[str, Any]) -> None:
    def verify() -> None:
        verify_consistency(
            old_size=case["size1"],
            old_root=raw(case["root1"]),
            new_size=case["size2"],
            new_root=raw(case["root2"]),
            proof=[raw(each) for each in case["proof"] or []],
        )

    if case["wantErr"]:
        with pytest.raises(ProofError):
            verify()
    else:
        verify()


def test_all_published_vectors_are_there() -> None:
    assert len(cases("inclusion")) + len(cases("consistency")) == 196


def test_published_hashes_and_roots() -> None:
    hashes = [leaf_hash(leaf) for leaf in LEAVES]
    assert [each.hex() for each in hashes] == PUBLISHED["leaf_hashes"]
    roots = [tree_hash(memory(hashes), 0, size).hex() for size in range(9)]
    assert roots == PUBLISHED["roots_by_size"]
    assert leaf_hash(b"L123456").hex() == PUBLISHED["leaf_hash_of_ascii"]["L123456"]
    assert node_hash(b"N123", b"N456").hex() == PUBLISHED["node_hash_of_ascii"]["N123,N456"]


@pytest.mark.parametrize("case", PUBLISHED["inclusion"])
def test_our_inclusion_proof_is_the_published_one(case: dict[str, Any]) -> None:
    node = memory([leaf_hash(leaf) for leaf in LEAVES])
    proof = inclusion_proof(node, case["leaf_index"], case["tree_size"])
    assert [each.hex() for each in proof] == case["proof"]


@pytest.mark.parametrize("case", PUBLISHED["consistency"])
def test_our_consistency_proof_is_the_published_one(case: dict[str, Any]) -> None:
    node = memory([leaf_hash(leaf) for leaf in LEAVES])
    proof = consistency_proof(node, case["size1"], case["size2"])
    assert [each.hex() for each in proof] == case["proof"]


@pytest.mark.parametrize("size", [*range(1, 70), 127, 128, 129, 255, 256, 257, 300])
def test_every_leaf_of_every_small_tree_is_proven(size: int) -> None:
    for index in range(size):
        proof = inclusion_proof(NODE, index, size)
        verify_inclusion(index=index, size=size, leaf=HASHES[index], proof=proof, root=ROOTS[size])


@pytest.mark.parametrize("new", [*range(1, 70), 128, 255, 256, 257, 300])
def test_every_older_size_is_proven_to_be_a_prefix(new: int) -> None:
    for old in range(1, new + 1):
        verify_consistency(
            old_size=old,
            old_root=ROOTS[old],
            new_size=new,
            new_root=ROOTS[new],
            proof=consistency_proof(NODE, old, new),
        )


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert tree_hash(NODE, 0, 0) == EMPTY_ROOT == ROOTS[0]


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_inclusion_proof_is_made_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        inclusion_proof(NODE, index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3), (0, 0), (-1, 2)])
def test_no_consistency_proof_is_made_for_sizes_out_of_order(old: int, new: int) -> None:
    with pytest.raises(ProofError):
        consistency_proof(NODE, old, new)


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(st.integers(2, 300))
    return draw(st.integers(0, size - 1)), size


def flip(hashes: list[bytes], bit: int) -> list[bytes]:
    which, at = divmod(bit % (len(hashes) * 256), 256)
    changed = bytearray(hashes[which])
    changed[at // 8] ^= 1 << at % 8
    return [*hashes[:which], bytes(changed), *hashes[which + 1 :]]


@settings(max_examples=200, deadline=None)
@given(places(), st.integers(0, 10**6))
def test_an_inclusion_proof_with_a_changed_bit_never_verifies(
    place: tuple[int, int], bit: int
) -> None:
    index, size = place
    proof = inclusion_proof(NODE, index, size)
    leaf, root, *changed = flip([HASHES[index], ROOTS[size], *proof], bit)
    with pytest.raises(ProofError):
        verify_inclusion(index=index, size=size, leaf=leaf, proof=changed, root=root)


@settings(max_examples=200, deadline=None)
@given(places(), st.integers(0, 299))
def test_an_inclusion_proof_never_verifies_for_another_place(
    place: tuple[int, int], other: int
) -> None:
    index, size = place
    proof = inclusion_proof(NODE, index, size)
    if other != index:
        with pytest.raises(ProofError):
            verify_inclusion(
                index=other, size=size, leaf=HASHES[index], proof=proof, root=ROOTS[size]
            )


@settings(max_examples=200, deadline=None)
@given(places(), st.sampled_from(["cut first", "cut last", "longer", "swapped", "reversed"]))
def test_an_inclusion_proof_of_another_shape_never_verifies(
    place: tuple[int, int], how: str
) -> None:
    index, size = place
    proof = inclusion_proof(NODE, index, size)
    changed = {
        "cut first": proof[1:],
        "cut last": proof[:-1],
        "longer": [*proof, ROOTS[1]],
        "swapped": [*proof[1:2], *proof[:1], *proof[2:]],
        "reversed": proof[::-1],
    }[how]
    if changed != proof:
        with pytest.raises(ProofError):
            verify_inclusion(
                index=index, size=size, leaf=HASHES[index], proof=changed, root=ROOTS[size]
            )


@settings(max_examples=200, deadline=None)
@given(places(), st.integers(0, 10**6))
def test_a_consistency_proof_with_a_changed_bit_never_verifies(
    place: tuple[int, int], bit: int
) -> None:
    old, new = place[0] + 1, place[1]
    proof = consistency_proof(NODE, old, new)
    old_root, new_root, *changed = flip([ROOTS[old], ROOTS[new], *proof], bit)
    with pytest.raises(ProofError):
        verify_consistency(
            old_size=old, old_root=old_root, new_size=new, new_root=new_root, proof=changed
        )


@settings(max_examples=200, deadline=None)
@given(places(), st.sampled_from(["cut first", "cut last", "longer", "reversed"]))
def test_a_consistency_proof_of_another_shape_never_verifies(
    place: tuple[int, int], how: str
) -> None:
    old, new = place[0] + 1, place[1]
    proof = consistency_proof(NODE, old, new)
    changed = {
        "cut first": proof[1:],
        "cut last": proof[:-1],
        "longer": [*proof, ROOTS[1]],
        "reversed": proof[::-1],
    }[how]
    if changed != proof:
        with pytest.raises(ProofError):
            verify_consistency(
                old_size=old,
                old_root=ROOTS[old],
                new_size=new,
                new_root=ROOTS[new],
                proof=changed,
            )


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=2, max_size=7))
def test_a_forked_history_is_never_consistent(growths: list[int]) -> None:
    sizes = [sum(growths[: i + 1]) for i in range(len(growths))]
    forked = memory([leaf_hash(b"forged"), *HASHES[1:]])
    for old, new in pairwise(sizes):
        with pytest.raises(ProofError):
            verify_consistency(
                old_size=old,
                old_root=ROOTS[old],
                new_size=new,
                new_root=tree_hash(forked, 0, new),
                proof=consistency_proof(forked, old, new),
            )
