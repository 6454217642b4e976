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
from audit.store.keys import find_keys, insert_key, keys_by_id
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
    known = dict(find_keys(connection, owners, period=period) if found is None else found)
    new = [owner for owner in owners if owner not in known]
    if new:
        for owner in new:
            key_id = uuid4()
            wrapped = wrapper.wrap(os.urandom(32), context_of(key_id))
            hold_open(connection, wrapper.wrapped_under(wrapped))
            insert_key(connection, key_id=key_id, owner=owner, period=period, wrapped=wrapped)
        known |= find_keys(connection, new, period=period)
    if len(known) < len(set(owners)):
        raise RuntimeError("a log key vanished inside its own transaction")
    return {
        owner: (key_id, wrapper.unwrap(wrapped, context_of(key_id)))
        for owner, (key_id, wrapped) in known.items()
    }


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
