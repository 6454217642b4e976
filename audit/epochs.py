"""Epochs: how long each key-encryption key (KEK) is in use, and how one comes to its end for good.

The keys in the tables of this room and of the vault are wrapped under a KEK of the provider. An
epoch begins with a new KEK, all keys are wrapped anew, the old KEK's epoch is closed once nothing
needs it, and only then is the KEK destroyed: no copy of the database from before opens any more.
Each step is a row with its event, and a step once taken is never taken back.

A transaction that holds a key wrapped a moment ago, not committed yet, must not find its KEK gone.
So whoever writes a wrapped key holds the epoch open until the end of its transaction
(audit.open_epoch), and `close_epoch` waits for all of these before it looks whether anything needs
the KEK. On SQLite there is one writer at a time anyway.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.model import Event, Kind
from audit.store import epochs as store
from audit.store.epochs import Step
from audit.unit_of_work import UnitOfWork


class StillNeededError(Exception):
    """Keys are wrapped under the KEK still, so its epoch cannot be closed."""

    def __init__(self, key_id: str, keys: int) -> None:
        super().__init__(f"{keys} keys are wrapped under {key_id}")
        self.key_id = key_id
        self.keys = keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """What has happened to one KEK. The first one of an installation was never begun here."""

    key_id: str
    begun_at: datetime | None = None
    closed_at: datetime | None = None
    destroyed_at: datetime | None = None


def alone(uow: UnitOfWork) -> None:
    """Let no other operator take a step before this unit of work ends."""
    store.lock_steps(uow.connection)


def epochs(connection: Connection) -> dict[str, Epoch]:
    """What has happened to every KEK that a step was taken for."""
    found: dict[str, dict[Step, datetime]] = {}
    for key_id, step, at in store.steps(connection):
        found.setdefault(key_id, {})[step] = at
    return {
        key_id: Epoch(
            key_id=key_id,
            begun_at=steps.get(Step.BEGUN),
            closed_at=steps.get(Step.CLOSED),
            destroyed_at=steps.get(Step.DESTROYED),
        )
        for key_id, steps in found.items()
    }


def begin_epoch(uow: UnitOfWork, key_id: str) -> None:
    """Write down that the KEK wraps from now on."""
    _take(uow, key_id, Step.BEGUN, Kind.EPOCH_BEGUN)


def close_epoch(uow: UnitOfWork, key_id: str, needed: Callable[[Connection], int]) -> None:
    """Let nothing be wrapped under the KEK any more; `needed` counts what is wrapped under it.

    Raises StillNeededError.
    """
    store.wait_for_holders(uow.connection)
    if keys := needed(uow.connection):
        raise StillNeededError(key_id, keys)
    _take(uow, key_id, Step.CLOSED, Kind.EPOCH_CLOSED)


def end_epoch(uow: UnitOfWork, key_id: str) -> None:
    """Write down that the KEK is destroyed."""
    _take(uow, key_id, Step.DESTROYED, Kind.EPOCH_ENDED)


def _take(uow: UnitOfWork, key_id: str, step: Step, kind: Kind) -> None:
    event_id = uow.record(Event(kind=kind, reference=key_id))
    store.add_step(uow.connection, key_id, step, at=uow.now, event_id=event_id)
