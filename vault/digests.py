"""The digest of what a deposit is sealed as, for the log. Pure.

Logged, so that a row that was put back or exchanged can be found out later.
"""

import hashlib
from collections.abc import Iterable
from uuid import UUID

SealedPart = tuple[UUID, int, bytes]
"""Record, version and sealed bytes."""


def deposit_digest(deposit_id: UUID, parts: Iterable[SealedPart]) -> bytes:
    """SHA-256 over the deposit's id and each record, version and SHA-256 of the sealed bytes."""
    total = hashlib.sha256(deposit_id.bytes)
    for record, version, sealed in sorted(parts):
        total.update(record.bytes + version.to_bytes(8, "big"))
        total.update(hashlib.sha256(sealed).digest())
    return total.digest()


def joint_digest(digests: Iterable[tuple[UUID, bytes]]) -> bytes:
    """SHA-256 over the ids and digests of several deposits."""
    total = hashlib.sha256()
    for deposit_id, digest in sorted(digests):
        total.update(deposit_id.bytes + digest)
    return total.digest()
