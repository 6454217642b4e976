"""Log keys: random, for each owner and year, kept wrapped; not the vault's keys.

Erasing a person's vault data must not blind her own log, and a year's entries must be able to
end without the rest: hence keys of their own, by person and period. Destroying a key (deleting
its row) leaves commitments that say nothing while every proof still holds.
"""

import hmac
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Protocol
from uuid import UUID, uuid4

from sqlalchemy import Connection

from audit.open_epoch import hold_open
from audit.store.keys import KeyRow, find_keys, insert_keys, keys_by_id
from policies.ids import PersonId

INSTALLATION = "installation"
"""Owner of the keys for events about nobody."""

PERSON_PREFIX = "person:"
"""What the names of owners begin with who are people."""

_REMEMBERED = 4096


class KeyWrapper(Protocol):
    """Wraps keys under a key-encryption key that never leaves its provider."""

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """The key, sealed and bound to the context."""
        ...

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        """The key again. Raises the provider's error when blob or context is not the one."""
        ...

    def wrapped_under(self, blob: bytes) -> str:
        """The key-encryption key that the blob names."""
        ...


@dataclass(frozen=True, slots=True)
class LogKey:
    """A key, opened, and whose it is. Its repr hides the key."""

    owner: str
    key: bytes = field(repr=False)


def owner_of(person: PersonId) -> str:
    """The owner name of a person's log keys."""
    return f"{PERSON_PREFIX}{person}"


def period_of(moment: datetime) -> str:
    """The year, UTC: keys end year by year, as retention does."""
    return f"{moment.year:04d}"


class RememberedKeys:
    """A key wrapper that remembers what it unwrapped, for the last few thousand keys.

    Only the unwrapping is remembered, by the wrapped bytes, which come from the key's row and
    are read anew each time: a destroyed key has no row, so it is never asked for again.
    """

    def __init__(self, wrapper: KeyWrapper) -> None:
        self.wrap = wrapper.wrap
        self.wrapped_under = wrapper.wrapped_under
        self.unwrap = lru_cache(maxsize=_REMEMBERED)(wrapper.unwrap)


def keys_for(
    connection: Connection,
    wrapper: KeyWrapper,
    owners: Sequence[str],
    *,
    period: str,
    found: Mapping[str, tuple[UUID, bytes]] | None = None,
) -> dict[str, tuple[UUID, bytes]]:
    """The owners' keys for the period (id and 32 bytes), made on first use.

    `found` is what has been looked up already. Two transactions that make the first one at once
    make two, on PostgreSQL, and both are good: each event names its key, and all keys of a period
    are destroyed together. If the second one waited for the first instead, the two would block
    each other for ever wherever they take a key and a person's row in different orders: many
    would, in the first minutes of a year.

    Raises EventNotWrittenError when the database does not give them.
    """
    known = find_keys(connection, owners, period=period) if found is None else found
    opened = {
        owner: (key_id, wrapper.unwrap(wrapped, context_of(key_id)))
        for owner, (key_id, wrapped) in known.items()
    }
    new = [owner for owner in dict.fromkeys(owners) if owner not in known]
    return opened | (_make_keys(connection, wrapper, new, period=period) if new else {})


def _make_keys(
    connection: Connection, wrapper: KeyWrapper, owners: Sequence[str], *, period: str
) -> dict[str, tuple[UUID, bytes]]:
    """A first key for each owner, written in one round trip."""
    made = {owner: (uuid4(), os.urandom(32)) for owner in owners}
    rows = []
    for owner, (key_id, key) in made.items():
        wrapped = wrapper.wrap(key, context_of(key_id))
        hold_open(connection, wrapper.wrapped_under(wrapped))
        rows.append(KeyRow(key_id, owner, period, wrapped))
    insert_keys(connection, rows)
    if find_keys(connection, owners, period=period).keys() != made.keys():
        raise RuntimeError("a log key vanished inside its own transaction")
    return made


def keys_of(
    connection: Connection, wrapper: KeyWrapper, key_ids: Collection[UUID]
) -> dict[UUID, LogKey]:
    """The keys with these ids; a destroyed one is absent."""
    return {
        key_id: LogKey(owner, wrapper.unwrap(wrapped, context_of(key_id)))
        for key_id, (owner, wrapped) in keys_by_id(connection, key_ids).items()
    }


def event_key(key: bytes, event_id: UUID) -> bytes:
    """The key of one event, 32 bytes."""
    return hmac.digest(key, b"consent-vault/event-key/v1\x00" + event_id.bytes, "sha256")


def context_of(key_id: UUID) -> bytes:
    """What the wrapping of this key is bound to."""
    return b"consent-vault/log-key/v1\x00" + key_id.bytes
