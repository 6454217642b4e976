"""The key ring: all that is wrapped by the provider, and the steps of an epoch (audit.epochs).

`begin` has the provider make a new key-encryption key (KEK), `rewrap` brings every key of people
and of the log under it, and `finish` closes the old KEK's epoch and destroys the KEK, once nothing
needs it. From then on no copy of the database from before the epoch opens any more: that is how
erasure reaches backups. Every step may be taken twice, by two operators at once, and again by
whoever finds it half done.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from audit.completeness import never
from audit.epochs import Epoch, alone, begin_epoch, close_epoch, end_epoch, epochs
from audit.model import Actor
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from audit.wrapped_keys import LOG_KEYS, RowId, WrappedKeys
from vault.keys import KeyProvider, UnknownKeyError
from vault.rewrapping import BATCH, Batch, counts, old_headers, rewrap_batch
from vault.store.keys import person_keys
from vault.vault import Vault

DELAY = timedelta(hours=1)
"""How old an epoch is at least before the KEK of the one before is destroyed: time to take a backup
that opens without it, and for every worker to have let go of it."""

Clock = Callable[[], datetime]


class NothingToFinishError(Exception):
    """There is no older KEK, so there is none to destroy."""


class NotBegunError(Exception):
    """A newer KEK is there whose epoch was never begun: `begin` does so."""


class TooEarlyError(Exception):
    """The epoch has begun too short a time ago."""

    def __init__(self, ready_at: datetime) -> None:
        super().__init__(f"the older keys can be destroyed from {ready_at.isoformat()} on")
        self.ready_at = ready_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One KEK: what is wrapped under it, and what has happened to it."""

    key_id: str
    in_provider: bool
    wraps: bool
    """Whether new keys are wrapped under it."""
    person_keys: int
    log_keys: int
    epoch: Epoch

    @property
    def keys(self) -> int:
        return self.person_keys + self.log_keys


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the wrapping has come, in keys."""

    done: int
    total: int
    unreadable: int = 0
    """Keys that do not open, so that they stay as they are."""


class KeyRing:
    """What is wrapped by one provider in one database."""

    def __init__(self, ledger: Ledger, provider: KeyProvider, vault: Vault) -> None:
        self._ledger = ledger
        self._provider = provider
        self._person_keys = person_keys(vault.key_context)
        self._tables: Sequence[WrappedKeys] = (self._person_keys, LOG_KEYS)

    def generations(self) -> list[Generation]:
        """Every KEK that there is, was, or that something is wrapped under, oldest first."""
        with self._ledger.read(EVERYONE) as connection:
            people = counts(connection, self._provider, self._person_keys)
            log = counts(connection, self._provider, LOG_KEYS)
            steps = epochs(connection)
        here = self._provider.key_ids()
        gone = [each for each in {**steps, **people, **log} if each not in here]
        return [
            Generation(
                key_id=key_id,
                in_provider=key_id in here,
                wraps=key_id == here[-1],
                person_keys=people.get(key_id, 0),
                log_keys=log.get(key_id, 0),
                epoch=steps.get(key_id) or Epoch(key_id=key_id),
            )
            for key_id in (*gone, *here)
        ]

    def progress(self) -> Progress:
        """How many keys are wrapped under the newest KEK, of how many."""
        found = self.generations()
        return Progress(found[-1].keys, sum(each.keys for each in found))

    def begin(self, *, actor: Actor, now: datetime) -> str:
        """Have a new KEK wrap, unless the one before is not finished yet; gives its id.

        A KEK that the operator has brought himself, or that was made and not written down when the
        machine stopped, begins its epoch now. Raises KeyProviderError.
        """
        with begin(self._ledger, actor=actor, now=now, about=EVERYONE) as uow:
            alone(uow)
            # Inside the transaction, since the lock is what makes two operators add one KEK.
            key_ids = self._provider.key_ids()
            newest = self._provider.add_key() if len(key_ids) == 1 else key_ids[-1]
            if newest not in epochs(uow.connection):
                begin_epoch(uow, newest)
        return newest

    def rewrap(
        self, *, actor: Actor, clock: Clock, stop: Callable[[], bool] = never, limit: int = BATCH
    ) -> Iterator[Progress]:
        """Bring everything under the newest KEK, and tell after each batch how far it has come.

        Begins again until a whole round finds nothing to do, since keys may have been made under
        the old KEK meanwhile. Raises KeyProviderError.
        """
        changed = True
        while changed and not stop():
            changed = False
            start, unreadable = self.progress(), 0
            done = start.done
            for keys in self._tables:
                for batch in self._round(keys, actor=actor, clock=clock, stop=stop, limit=limit):
                    done += batch.rewrapped
                    unreadable += len(batch.unreadable)
                    changed = changed or batch.rewrapped > 0
                    yield Progress(done, max(done, start.total), unreadable)

    def finish(self, *, actor: Actor, now: datetime, delay: timedelta = DELAY) -> list[str]:
        """Close the older epochs and destroy their KEKs for good; gives their ids.

        Raises NothingToFinishError, NotBegunError, TooEarlyError, StillNeededError and
        KeyProviderError; then every KEK that anything needs is still there.
        """
        closed = self._close(actor, now, delay)
        for key_id in closed:
            self._destroy(key_id, actor, now)
        return closed

    def _round(
        self, keys: WrappedKeys, *, actor: Actor, clock: Clock, stop: Callable[[], bool], limit: int
    ) -> Iterator[Batch]:
        with self._ledger.read(EVERYONE) as connection:
            headers = old_headers(connection, self._provider, keys)
        after: RowId | None = None
        ended = not headers
        while not ended and not stop():
            batch = rewrap_batch(
                self._ledger,
                self._provider,
                keys,
                headers=headers,
                after=after,
                actor=actor,
                now=clock(),
                limit=limit,
            )
            yield batch
            after, ended = batch.last, batch.last is None

    def _close(self, actor: Actor, now: datetime, delay: timedelta) -> list[str]:
        with begin(self._ledger, actor=actor, now=now, about=EVERYONE) as uow:
            alone(uow)
            steps = epochs(uow.connection)
            *old, newest = self._provider.key_ids()
            waiting = [e.key_id for e in steps.values() if e.closed_at and not e.destroyed_at]
            if not old and not waiting:
                raise NothingToFinishError
            _check_age(steps.get(newest), now, delay)
            for key_id in old:
                if key_id not in waiting:
                    close_epoch(uow, key_id, self._needed(key_id))
        return list(dict.fromkeys([*waiting, *old]))

    def _needed(self, key_id: str) -> Callable[[Connection], int]:
        def needed(connection: Connection) -> int:
            found = (counts(connection, self._provider, keys) for keys in self._tables)
            return sum(each.get(key_id, 0) for each in found)

        return needed

    def _destroy(self, key_id: str, actor: Actor, now: datetime) -> None:
        """Outside any transaction; whoever finds it half done does the rest."""
        if key_id in self._provider.key_ids():
            with suppress(UnknownKeyError):  # another operator was quicker
                self._provider.destroy(key_id)
        with begin(self._ledger, actor=actor, now=now, about=EVERYONE) as uow:
            alone(uow)
            if epochs(uow.connection)[key_id].destroyed_at is None:
                end_epoch(uow, key_id)


def _check_age(newest: Epoch | None, now: datetime, delay: timedelta) -> None:
    if newest is None or newest.begun_at is None:
        raise NotBegunError
    if now - newest.begun_at < delay:
        raise TooEarlyError(newest.begun_at + delay)
