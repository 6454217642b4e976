"""The Merkle tree of RFC 9162 section 2.1: hashes, verification, and the making of proofs.

Pure: the tree is given as a function from (level, index) to the hash of that complete subtree,
so that memory, tiles and databases are all the same to it. Verification is stricter than the
RFC where the published vectors ask for it: hashes are exactly 32 bytes, and a consistency proof
from an empty tree proves nothing and is refused.
"""

import hashlib
from collections.abc import Callable, Sequence

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Node = Callable[[int, int], bytes]
"""Hash of the complete subtree over leaves [index << level, (index + 1) << level)."""


class ProofError(ValueError):
    """A proof that does not prove what it should."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a leaf (RFC 9162 section 2.1.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node (RFC 9162 section 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """Root over 2^n hashes that stand side by side at one level."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[i], level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


def tree_hash(node: Node, start: int, end: int) -> bytes:
    """MTH(D[start:end]) of RFC 9162 section 2.1.1; `start` begins a subtree of that width."""
    width = end - start
    if width <= 0:
        return EMPTY_ROOT
    level = width.bit_length() - 1
    if width == 1 << level:
        return node(level, start >> level)
    split = start + (1 << level)
    return node_hash(tree_hash(node, start, split), tree_hash(node, split, end))


def inclusion_proof(node: Node, index: int, size: int) -> list[bytes]:
    """PATH(index, D[size]) of RFC 9162 section 2.1.3.1."""
    if not 0 <= index < size:
        raise ProofError("index outside the tree")
    return _path(node, index, 0, size)


def consistency_proof(node: Node, old_size: int, new_size: int) -> list[bytes]:
    """PROOF(old_size, D[new_size]) of RFC 9162 section 2.1.4.1."""
    if not 0 < old_size <= new_size:
        raise ProofError("sizes out of order")
    return _subproof(node, old_size, 0, new_size, known=True)


def verify_inclusion(
    *, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """RFC 9162 section 2.1.3.2, `leaf` being the leaf's hash. Raises ProofError."""
    _check_hashes([leaf, root, *proof])
    if not 0 <= index < size:
        raise ProofError("index outside the tree")
    place, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError("proof too long")
        if place & 1 or place == last:
            current = node_hash(sibling, current)
            place, last = _climb_as_right_child(place, last)
        else:
            current = node_hash(current, sibling)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise ProofError("proof too short")
    if current != root:
        raise ProofError("root differs")


def verify_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """RFC 9162 section 2.1.4.2. Raises ProofError, also where there is nothing to prove."""
    if not 0 < old_size <= new_size:
        raise ProofError("sizes out of order")
    if old_size == new_size:
        _check_same(old_root, new_root, proof)
        return
    _check_hashes([old_root, new_root, *proof])
    if not proof:
        raise ProofError("proof too short")
    if old_size & (old_size - 1) == 0:  # the old root itself is a node of the new tree
        proof = [old_root, *proof]
    _check_roots(old_size - 1, new_size - 1, old_root, new_root, proof)


def _check_roots(
    place: int, last: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Steps 3 to 8 of RFC 9162 section 2.1.4.2."""
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = proof[0]
    for sibling in proof[1:]:
        if last == 0:
            raise ProofError("proof too long")
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            place, last = _climb_as_right_child(place, last)
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise ProofError("proof too short")
    if old != old_root or new != new_root:
        raise ProofError("root differs")


def _check_same(old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    if proof:
        raise ProofError("proof too long")
    if old_root != new_root:
        raise ProofError("root differs")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(each) != HASH_SIZE for each in hashes):
        raise ProofError("not a SHA-256 hash")


def _climb_as_right_child(place: int, last: int) -> tuple[int, int]:
    """Skip the levels at which a node at the right edge has no sibling."""
    while not place & 1 and place:
        place, last = place >> 1, last >> 1
    return place, last


def _split(start: int, end: int) -> int:
    """`start` plus the largest power of two smaller than the width."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def _path(node: Node, index: int, start: int, end: int) -> list[bytes]:
    if end - start == 1:
        return []
    middle = _split(start, end)
    if index < middle:
        return [*_path(node, index, start, middle), tree_hash(node, middle, end)]
    return [*_path(node, index, middle, end), tree_hash(node, start, middle)]


def _subproof(node: Node, old: int, start: int, end: int, *, known: bool) -> list[bytes]:
    """SUBPROOF(old - start, D[start:end], known) of RFC 9162 section 2.1.4.1."""
    if old == end:
        return [] if known else [tree_hash(node, start, end)]
    middle = _split(start, end)
    if old <= middle:
        left = _subproof(node, old, start, middle, known=known)
        return [*left, tree_hash(node, middle, end)]
    right = _subproof(node, old, middle, end, known=False)
    return [*right, tree_hash(node, start, middle)]
