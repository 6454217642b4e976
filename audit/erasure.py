"""Destroying log keys: the events under them say nothing any more, and every proof still holds.

The event about it names nobody, so that the proof of forgetting is not itself a memory of the
forgotten. With the keys goes what the index says in clear: recipient, purpose and ground of those
events, and for a person who is forgotten whole also which events they are. Kind and time stay: the
completeness check needs them, and they lead to nobody.

A year's keys are destroyed when its retention has ended. While it runs, only an order from outside
does it, whose number the event holds.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from audit.journal_line import log_forgotten
from audit.keys import PERSON_PREFIX, owner_of
from audit.model import Actor, Event, Kind
from audit.store import erasure as store
from audit.store.keys import delete_keys_of_period
from audit.unit_of_work import Ledger, UnitOfWork, begin
from policies.ids import PersonId

ORDERED: Final = "erasure-ordered"
RETENTION_ENDED: Final = "retention-ended"
ALL_YEARS: Final = "all-years"
BATCH = 5_000
"""Keys, or rows of the index, that one transaction takes at most."""


def retention_runs(year: int, *, years: int | None, now: datetime) -> bool:
    """Whether entries of that year must still be kept: to the end of the year that is so many
    `years` later. Without a retention period they are kept without end."""
    return years is None or year + years >= now.year


def destroy_log_key(
    uow: UnitOfWork,
    person: PersonId,
    *,
    period: str,
    reason: str | None = None,
    order: str | None = None,
) -> bool:
    """Destroy the person's keys of that year; False when there was none (recorded all the same).

    Her list goes on to say that there were entries; `order` is the number of what asks for it.
    """
    uow.record(Event(kind=Kind.KEYS_DESTROYED, reason=reason, reference=period, case=order))
    store.blank(uow.connection, store.numbers_about(uow.connection, person, period))
    return delete_keys_of_period(uow.connection, owner=owner_of(person), period=period) > 0


def forget(uow: UnitOfWork, person: PersonId, *, order: str | None = None) -> bool:
    """Destroy all log keys of the person, and with them which events are about her; False when
    there was nothing of her (recorded all the same).

    What she does afterwards begins a new chain. The journal outside is told, so that a restored
    backup does not bring it back; raises JournalError where it cannot be.
    """
    return _forget(uow, person, order=order, at=uow.now)


def forget_again(uow: UnitOfWork, person: PersonId, *, before: datetime) -> bool:
    """What a restored database has forgotten to forget; False when there is nothing of that time.

    What the person has done since she was forgotten stays, so the journal is told of that time
    again: told of now, it would want what comes with the same replay to be forgotten too.
    """
    if not is_remembered(uow.connection, person, before=before):
        return False
    return _forget(uow, person, order=None, at=before)


def _forget(uow: UnitOfWork, person: PersonId, *, order: str | None, at: datetime) -> bool:
    reason = None if order is None else ORDERED
    uow.record(Event(kind=Kind.KEYS_DESTROYED, reason=reason, reference=ALL_YEARS, case=order))
    uow.tell_outside(log_forgotten(person, at=at), may_be_late=False)
    store.blank(uow.connection, store.numbers_about(uow.connection, person))
    return store.delete_person(uow.connection, person, owner=owner_of(person)) > 0


def is_remembered(connection: Connection, person: PersonId, *, before: datetime) -> bool:
    """Whether there is a key of the person from that time or earlier."""
    return store.has_until(connection, person, before)


def years_of(uow: UnitOfWork, person: PersonId) -> list[int]:
    """Years from which there are keys of the person, oldest first."""
    return store.periods(uow.connection, owner_of(person))


def destroy_ended_years(
    ledger: Ledger, *, before: int, actor: Actor, now: datetime, batch: int = BATCH
) -> int:
    """Destroy all keys of people from years before that one; gives how many they were.

    A batch at a time, each with its event, which counts and names nobody. Keys of the installation
    stay: what they seal is about nobody.
    """
    with ledger.read() as connection:
        ended = store.periods_before(connection, f"{before:04d}", prefix=PERSON_PREFIX)
    return sum(_destroy_year(ledger, period, actor, now, batch) for period in ended)


def _destroy_year(ledger: Ledger, period: str, actor: Actor, now: datetime, batch: int) -> int:
    """The index before the keys: a year that has no keys any more is not looked at again."""
    since: datetime | None = None
    found = [*range(batch)]
    while len(found) == batch:
        with begin(ledger, actor=actor, now=now) as uow:
            found, since = store.numbers_in(uow.connection, period, since=since, limit=batch)
            _record_ended(uow, period, "entries", store.blank(uow.connection, found))
    total, gone = 0, batch
    while gone == batch:
        with begin(ledger, actor=actor, now=now) as uow:
            gone = store.delete_keys_of(uow.connection, period, prefix=PERSON_PREFIX, limit=batch)
            _record_ended(uow, period, "keys", gone)
        total += gone
    return total


def _record_ended(uow: UnitOfWork, period: str, what: str, number: int) -> None:
    if number:
        reference = f"{period} {what}={number}"
        uow.record(Event(kind=Kind.KEYS_DESTROYED, reason=RETENTION_ENDED, reference=reference))
