"""A second verifier, written from the recursive definitions of RFC 9162 and from nothing of ours.

`audit.merkle` climbs as the RFC's algorithms do (sections 2.1.3.2 and 2.1.4.2); here the same
proofs are taken apart as sections 2.1.1, 2.1.3.1 and 2.1.4.1 put them together. Two ways to one
verdict: where they differ, one is wrong.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import cache

Subtree = Callable[[int, int], bytes]
"""MTH(D[start:end]) of one list of entries."""


class RefusedError(Exception):
    """The proof does not prove it."""


def hash_of_leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def subtree_hashes(entries: Sequence[bytes]) -> Subtree:
    """MTH of section 2.1.1 over any range of the entries; each range is computed once."""

    @cache
    def mth(start: int, end: int) -> bytes:
        if end == start:
            return hashlib.sha256(b"").digest()
        if end - start == 1:
            return hash_of_leaf(entries[start])
        middle = start + split(end - start)
        return _inner(mth(start, middle), mth(middle, end))

    return mth


def path(m: int, start: int, end: int, mth: Subtree) -> list[bytes]:
    """PATH(m, D[start:end]) of section 2.1.3.1."""
    if end - start == 1:
        return []
    k = split(end - start)
    if m < k:
        return [*path(m, start, start + k, mth), mth(start + k, end)]
    return [*path(m - k, start + k, end, mth), mth(start, start + k)]


def proof(m: int, start: int, end: int, mth: Subtree) -> list[bytes]:
    """PROOF(m, D[start:end]) of section 2.1.4.1."""
    return _subproof(m, start, end, mth, complete=True)


def check_path(m: int, n: int, leaf: bytes, hashes: Sequence[bytes], root: bytes) -> None:
    """Raises RefusedError unless `hashes` is PATH(m, D_n) of a tree with this leaf and root."""
    if not 0 <= m < n or _have_other_sizes([leaf, root, *hashes]):
        raise RefusedError
    if _root_over(m, n, leaf, list(hashes)) != root:
        raise RefusedError


def check_proof(m: int, n: int, old: bytes, new: bytes, hashes: Sequence[bytes]) -> None:
    """Raises RefusedError unless `hashes` is PROOF(m, D_n) between trees with these roots."""
    if not 0 < m <= n:
        raise RefusedError
    # Nothing is hashed where the sizes are the same: a published vector has texts for roots there.
    if m < n and _have_other_sizes([old, new, *hashes]):
        raise RefusedError
    if _both_roots(m, n, list(hashes), known=old) != (old, new):
        raise RefusedError


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def _subproof(m: int, start: int, end: int, mth: Subtree, *, complete: bool) -> list[bytes]:
    if m == end - start:
        return [] if complete else [mth(start, end)]
    k = split(end - start)
    if m <= k:
        return [
            *_subproof(m, start, start + k, mth, complete=complete),
            mth(start + k, end),
        ]
    return [*_subproof(m - k, start + k, end, mth, complete=False), mth(start, start + k)]


def _root_over(m: int, n: int, leaf: bytes, hashes: list[bytes]) -> bytes:
    """The root of n leaves, the last hash being the subtree that does not hold leaf m."""
    if n == 1:
        if hashes:
            raise RefusedError
        return leaf
    if not hashes:
        raise RefusedError
    *rest, other = hashes
    k = split(n)
    if m < k:
        return _inner(_root_over(m, k, leaf, rest), other)
    return _inner(other, _root_over(m - k, n - k, leaf, rest))


def _both_roots(m: int, n: int, hashes: list[bytes], *, known: bytes | None) -> tuple[bytes, bytes]:
    """The roots of the first m and of all n leaves; `known` is the former where it was given."""
    if m == n:
        if known is not None and not hashes:
            return known, known
        if known is None and len(hashes) == 1:
            return hashes[0], hashes[0]
        raise RefusedError
    if not hashes:
        raise RefusedError
    *rest, other = hashes
    k = split(n)
    if m <= k:
        old, new = _both_roots(m, k, rest, known=known)
        return old, _inner(new, other)
    old, new = _both_roots(m - k, n - k, rest, known=None)
    return _inner(other, old), _inner(other, new)


def _have_other_sizes(hashes: Sequence[bytes]) -> bool:
    return any(len(each) != hashlib.sha256().digest_size for each in hashes)


def _inner(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
