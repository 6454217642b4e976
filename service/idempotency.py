"""Requests that may safely be sent again (draft-ietf-httpapi-idempotency-key-header-07).

A client that got no answer cannot know whether its request had its effect. Under the same key the
same request has its effect once: what was done is written in the transaction of the effect, so that
the key is as durable as what it stands for, also when we end between commit and answer.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from audit.unit_of_work import UnitOfWork
from policies.ids import ClientId, EventId
from service.exchange import Call
from service.store import idempotency as store

KEPT_FOR = timedelta(hours=24)
"""How long a key is remembered."""

_HEADER = b"idempotency-key"
_STRING = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,128})"')
"""A String of Structured Field Values (RFC 9651 section 3.3.3)."""


class KeyFault(StrEnum):
    """Why a request does not have the effect that it asks for."""

    MISSING = "idempotency-key-missing"
    IN_USE = "idempotency-key-in-use"
    REUSED = "idempotency-key-reused"


class IdempotencyKeyError(ValueError):
    """The request's key is missing, in use, or belongs to another request."""

    def __init__(self, fault: KeyFault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Claimed:
    """A key that nobody else uses until the transaction ends."""

    client: ClientId
    key: bytes = field(repr=False)
    request: bytes = field(repr=False)
    done: EventId | None
    """The event of the effect that the request had before."""

    def keep(self, uow: UnitOfWork, event_id: EventId) -> None:
        """Write down that the request has had its effect."""
        done, expires_at = store.Done(self.request, event_id), uow.now + KEPT_FOR
        store.add(uow.connection, self.client, self.key, done, expires_at=expires_at)


def claim(uow: UnitOfWork, call: Call, client: ClientId, *, request: bytes) -> Claimed:
    """Take the request's key; `request` is a digest of all that the request says.

    Raises IdempotencyKeyError.
    """
    named = _STRING.fullmatch(_only(call.values(_HEADER)))
    if named is None:
        raise IdempotencyKeyError(KeyFault.MISSING)
    key = hashlib.sha256(f"{client}\x00{named[1]}".encode()).digest()
    if not store.claim(uow.connection, key):
        raise IdempotencyKeyError(KeyFault.IN_USE)
    found = store.find(uow.connection, client, key, now=uow.now)
    if found is not None and found.request != request:
        raise IdempotencyKeyError(KeyFault.REUSED)
    return Claimed(client, key, request, None if found is None else found.event)


def _only(values: list[str]) -> str:
    return values[0] if len(values) == 1 else ""
