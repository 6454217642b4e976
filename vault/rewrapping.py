"""Wrapping keys anew under the newest key-encryption key (KEK), a batch at a time.

The keys themselves stay what they are, so nothing that is sealed under them is touched. A batch is
read and wrapped outside any transaction, since a provider may be slow; then each row is changed
only if it still holds what was read (audit.wrapped_keys). So several may do this at once, a person
may be erased meanwhile, and whoever is killed goes on from what the rows say.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.model import Actor, Event, Kind
from audit.open_epoch import hold_open
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from audit.wrapped_keys import RowId, WrappedKeys, WrappedRow
from vault.envelope import SealError
from vault.keys import KeyProvider

BATCH = 500

UNKNOWN = "unknown"
"""Under what a key is wrapped whose header says nothing to this provider."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch came to."""

    last: RowId | None
    """Where the next one goes on; None at the end."""
    rewrapped: int
    unreadable: tuple[RowId, ...]
    """Rows whose key does not open; they stay as they are."""


def wrapped_under(provider: KeyProvider, header: bytes) -> str:
    """The KEK that a header names."""
    try:
        return provider.wrapped_under(header)
    except SealError:
        return UNKNOWN


def counts(connection: Connection, provider: KeyProvider, keys: WrappedKeys) -> dict[str, int]:
    """How many keys of the table are wrapped under each KEK."""
    found: dict[str, int] = {}
    for header, number in keys.headers(connection).items():
        key_id = wrapped_under(provider, header)
        found[key_id] = found.get(key_id, 0) + number
    return found


def old_headers(
    connection: Connection, provider: KeyProvider, keys: WrappedKeys
) -> frozenset[bytes]:
    """The headers of all KEKs of the provider but the one that wraps now.

    What is wrapped under a KEK that is gone is gone with it.
    """
    *old, _ = provider.key_ids()
    return frozenset(
        header for header in keys.headers(connection) if wrapped_under(provider, header) in old
    )


def rewrap_batch(
    ledger: Ledger,
    provider: KeyProvider,
    keys: WrappedKeys,
    *,
    headers: Collection[bytes],
    after: RowId | None,
    actor: Actor,
    now: datetime,
    limit: int = BATCH,
) -> Batch:
    """Wrap the next keys under these headers anew. Raises KeyProviderError."""
    with ledger.read(EVERYONE) as connection:
        rows = keys.page(connection, headers, after, limit)
    last = rows[-1].id if len(rows) == limit else None
    wrapped, unreadable = _wrapped(provider, rows)
    if not wrapped:
        return Batch(last, 0, unreadable)
    key_ids = sorted({provider.wrapped_under(new) for _, new in wrapped})
    with begin(ledger, actor=actor, now=now, about=EVERYONE) as uow:
        # As everybody who writes a key: the epoch first, then the keys in their order.
        for key_id in key_ids:
            hold_open(uow.connection, key_id)
        changed = keys.replace(uow.connection, wrapped)
        for key_id in key_ids if changed else ():
            uow.record(Event(kind=Kind.KEYS_REWRAPPED, reason=keys.reason, reference=key_id))
    return Batch(last, changed, unreadable)


def _wrapped(
    provider: KeyProvider, rows: Sequence[WrappedRow]
) -> tuple[list[tuple[WrappedRow, bytes]], tuple[RowId, ...]]:
    wrapped, unreadable = [], []
    for row in rows:
        try:
            key = provider.unwrap(row.wrapped, row.context)
        except SealError:
            unreadable.append(row.id)
        else:
            wrapped.append((row, provider.wrap(key, row.context)))
    return wrapped, tuple(unreadable)
