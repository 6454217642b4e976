"""How the keys stand: which key-encryption keys (KEKs) there are, what needs them, what goes on.

The same for the operator at the terminal and for the program that watches an installation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.scope import EVERYONE
from service.runtime import Runtime
from vault.key_ring import Generation, KeyRing, Progress
from vault.resealing import Resealing, Rotation, last_rotation, resealing


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """All of it at one moment."""

    generations: Sequence[Generation]
    rotation: Rotation | None
    """The newest rotation of people's keys."""
    resealing: Resealing | None

    @property
    def rewrapping(self) -> Progress:
        """How many keys are under the KEK that wraps now."""
        done = sum(each.keys for each in self.generations if each.wraps)
        return Progress(done, sum(each.keys for each in self.generations))

    def as_json(self) -> dict[str, Any]:
        """For programs; times in RFC 3339."""
        wrapped = self.rewrapping
        return {
            "generations": [_generation(each) for each in self.generations],
            "rewrapped": {"done": wrapped.done, "total": wrapped.total},
            "person_keys": self._rotation(),
        }

    def _rotation(self) -> dict[str, Any] | None:
        if self.rotation is None or self.resealing is None:
            return None
        return {
            "rotation": self.rotation.number,
            "begun_at": _written(self.rotation.begun_at),
            "ended_at": _written(self.rotation.ended_at),
            "done": self.resealing.done,
            "total": self.resealing.total,
        }


def ring_of(runtime: Runtime) -> KeyRing:
    """The key ring of this installation."""
    return KeyRing(runtime.ledger, runtime.key_provider, runtime.vault)


def key_state(runtime: Runtime) -> KeyState:
    """How the keys of this installation stand. It counts every key. Raises KeyProviderError."""
    generations = ring_of(runtime).generations()
    with runtime.ledger.read(EVERYONE) as connection:
        rotation = last_rotation(connection)
        progress = None if rotation is None else resealing(connection, rotation)
    return KeyState(generations=generations, rotation=rotation, resealing=progress)


def _generation(each: Generation) -> dict[str, Any]:
    return {
        "key_id": each.key_id,
        "wraps": each.wraps,
        "in_provider": each.in_provider,
        "person_keys": each.person_keys,
        "log_keys": each.log_keys,
        "begun_at": _written(each.epoch.begun_at),
        "closed_at": _written(each.epoch.closed_at),
        "destroyed_at": _written(each.epoch.destroyed_at),
    }


def _written(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
