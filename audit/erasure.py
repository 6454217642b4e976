"""Destroying a log key: the events under it say nothing any more, and every proof still holds.

The event about it comes first and names nobody, so that the proof of forgetting is not itself a
memory of the forgotten.
"""

from audit.keys import owner_of
from audit.model import Event, Kind
from audit.store.keys import delete_keys
from audit.unit_of_work import UnitOfWork
from policies.ids import PersonId


def destroy_log_key(uow: UnitOfWork, person: PersonId, *, period: str) -> bool:
    """Destroy the person's keys of that year; False when there was none (recorded all the same)."""
    uow.record(Event(kind=Kind.KEYS_DESTROYED, reference=period))
    return delete_keys(uow.connection, owner=owner_of(person), period=period) > 0
