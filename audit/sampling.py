"""A random sample of the log that anybody can draw again from its seed. Pure.

The method, so that another program can do the same: for the counter c = 0, 1, 2 … take SHA-256
over the seed's UTF-8 bytes followed by c as 8 bytes, big-endian. The first 8 bytes of the digest,
big-endian, are a number. With n = size - start, a number not below the largest multiple of n that
fits into 2^64 is passed over, since it would favour the low indexes; else start + (number mod n)
is drawn. An index that was drawn before is passed over. The sample is sorted by index.

An auditor who does not trust the operator brings a seed of her own, fixed before the size was: one
that the operator chose after the fact could be picked so that a bad entry is not among the drawn.
"""

import hashlib
import secrets
from dataclasses import dataclass

METHOD = "sha256-counter/v1"
LARGEST = 1000
"""Entries in one sample at most."""
_SPACE = 2**64
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


class SampleError(ValueError):
    """A sample that cannot be drawn; `member` says which of its numbers is wrong."""

    def __init__(self, member: str) -> None:
        super().__init__(member)
        self.member = member


@dataclass(frozen=True, slots=True)
class Sample:
    """What a sample is drawn from and how: all that is needed to draw it again."""

    seed: str
    size: int
    """Size of the signed tree."""
    count: int
    start: int = 0
    """The first index that may be drawn."""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.size:
            raise SampleError("start")
        if not 1 <= self.count <= LARGEST:
            raise SampleError("count")

    def indexes(self) -> list[int]:
        """The drawn indexes in order; all of them when there are no more than `count`."""
        number = self.size - self.start
        if number <= self.count:
            return list(range(self.start, self.size))
        fair = _SPACE - _SPACE % number
        drawn: set[int] = set()
        counter = 0
        while len(drawn) < self.count:
            value = _value(self.seed, counter)
            counter += 1
            if value < fair:
                drawn.add(self.start + value % number)
        return sorted(drawn)


def new_seed() -> str:
    """A fresh seed, 128 bits, in letters: some digits would look like an identity code, which is
    refused wherever a case or a seed is typed."""
    return secrets.token_hex(16).translate(_LETTERS)


def _value(seed: str, counter: int) -> int:
    digest = hashlib.sha256(seed.encode() + counter.to_bytes(8, "big")).digest()
    return int.from_bytes(digest[:8], "big")
