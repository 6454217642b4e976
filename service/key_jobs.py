"""Keys in the background: a destroyed one leaves this process, and a rotation that stopped goes on.

Nothing begins here: an operator begins a rotation and destroys the old main key (KEK)
(`consent-vault keys rotate`). When the command is killed or its machine goes, the rest comes here.
"""

from datetime import datetime

import structlog

from audit.model import SYSTEM
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger
from service.jobs import Job
from vault.key_ring import KeyRing
from vault.keys import KeyProvider
from vault.resealing import last_rotation, reseal_everyone, resealing
from vault.vault import Vault

PAUSE_SECONDS = 0.01
"""Between two pieces, so that requests go first."""

_log = structlog.get_logger(__name__)


class FreshKeysJob(Job):
    """Looks which KEKs there are now, in every process: one that is destroyed is forgotten here."""

    name = "fresh-keys"
    interval_seconds = 60.0

    def __init__(self, provider: KeyProvider) -> None:
        super().__init__()
        self._provider = provider

    def run_once(self, now: datetime) -> tuple[str, ...]:
        """The KEKs as they are now."""
        del now
        return self._provider.key_ids()


class KeyRotationJob(Job):
    """Goes on with what an operator has begun, in one of the processes that serve."""

    name = "key-rotation"
    interval_seconds = 600.0

    def __init__(self, ledger: Ledger, provider: KeyProvider, vault: Vault) -> None:
        super().__init__()
        self._ledger = ledger
        self._provider = provider
        self._vault = vault

    def run_once(self, now: datetime) -> tuple[int, int]:
        """Go on until all is done or the job is to stop; how many keys and people that was."""
        keys, people = self._rewrap(now), self._reseal(now)
        if keys or people:
            _log.info("keys-rotated", keys=keys, people=people)
        return keys, people

    def _rewrap(self, now: datetime) -> int:
        if len(self._provider.key_ids()) == 1:
            return 0
        ring = KeyRing(self._ledger, self._provider, self._vault)
        before = done = ring.progress().done
        for progress in ring.rewrap(actor=SYSTEM, clock=lambda: now, stop=self._waits):
            done = progress.done
        return done - before

    def _reseal(self, now: datetime) -> int:
        with self._ledger.read(EVERYONE) as connection:
            rotation = last_rotation(connection)
            if rotation is None or rotation.ended_at is not None:
                return 0
            before = done = resealing(connection, rotation).done
        for progress in reseal_everyone(
            self._ledger,
            self._vault,
            rotation,
            actor=SYSTEM,
            clock=lambda: now,
            stop=self._waits,
        ):
            done = progress.done
        return done - before

    def _waits(self) -> bool:
        return self._stop.wait(PAUSE_SECONDS)
