"""Values whose time is over go by themselves: how long is said in the catalogue, by data set.

A value that counts goes when it is older than its data set allows, and with it all that came before
it; a value that a newer one has replaced may go earlier. While the person disputes a value, or has
its use restricted, it stays. What has left the catalogue is over at once: no purpose asks for it.
A mark that protects her stays, whatever it stands at, as long as other data here tells where she
is. What is left gets a new key, as after any erasure.

The journal outside is not told: a restored backup holds what is over already, and this finds it
again by the same rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from audit.model import Event, Kind
from audit.scope import turn_to
from audit.unit_of_work import UnitOfWork
from policies.catalogue import Catalogue
from policies.erasure import Held, has_left, is_over, needs_mark, was_replaced_long_ago
from policies.ids import AttributeId, PersonId
from policies.vocabulary import Label
from vault.erasure import renew_key
from vault.store import retention as store
from vault.store.locks import lock_person
from vault.store.retention import Cutoffs, Kept
from vault.vault import Vault


@dataclass(frozen=True, slots=True)
class _Over:
    """What is to go: whole records, and single versions of others."""

    records: frozenset[UUID]
    versions: frozenset[tuple[UUID, int]]


def due(
    connection: Connection, vault: Vault, *, now: datetime, after: PersonId | None, limit: int
) -> list[PersonId]:
    """The next people of whom something may be over. The connection sees everyone (audit.scope)."""
    cutoffs = {
        each.id: Cutoffs(
            stated=now - timedelta(days=each.retention.days),
            replaced=now - timedelta(days=each.retention.history_days),
        )
        for each in vault.catalogue.datasets.values()
    }
    attributes = frozenset(vault.catalogue.attributes)
    return store.due(connection, cutoffs, attributes, after=after, limit=limit)


def expire(uow: UnitOfWork, vault: Vault, person: PersonId) -> tuple[AttributeId, ...]:
    """Erase what is over of one person; gives the attributes of which something went.

    Raises KeyNotRenewedError when something of hers does not open; then nothing is erased.
    """
    turn_to(uow.connection, person)
    if lock_person(uow.connection, person) is None:
        return ()
    kept = store.kept(uow.connection, person)
    over = _over(vault.catalogue, kept, uow.now)
    gone = {
        each.attribute: None
        for each in kept
        if each.record in over.records or (each.record, each.version) in over.versions
    }
    if not gone:
        return ()
    uow.record(Event(kind=Kind.DATA_EXPIRED, subject=person, attributes=tuple(gone)))
    store.delete_records(uow.connection, person, over.records)
    store.delete_versions(uow.connection, person, over.versions)
    store.delete_empty_deposits(uow.connection, person)
    renew_key(uow, vault, person)
    return tuple(gone)


def _over(catalogue: Catalogue, kept: list[Kept], now: datetime) -> _Over:
    records = frozenset(_old_records(catalogue, kept, now))
    versions = frozenset(
        (each.record, each.version)
        for each in kept
        if not each.counts
        and each.record not in records
        and (_has_left(catalogue, each) or _was_replaced(catalogue, each, now))
    )
    return _Over(records, versions)


def _old_records(catalogue: Catalogue, kept: list[Kept], now: datetime) -> Iterator[UUID]:
    """Records whose value that counts is over, but for one whose mark is still needed."""
    counting = [each for each in kept if each.counts]
    old = [each for each in counting if _has_left(catalogue, each) or _is_old(catalogue, each, now)]
    left = [_held(each) for each in counting if each not in old]
    marks_stay = needs_mark(catalogue, left)
    for each in old:
        if not (marks_stay and Label.PROTECTED in each.labels):
            yield each.record


def _has_left(catalogue: Catalogue, each: Kept) -> bool:
    return has_left(catalogue, dataset=each.dataset, attribute=each.attribute, labels=each.labels)


def _was_replaced(catalogue: Catalogue, each: Kept, now: datetime) -> bool:
    dataset = catalogue.datasets.get(each.dataset)
    return dataset is not None and was_replaced_long_ago(
        days=dataset.retention.history_days,
        received_at=each.received_at,
        labels=each.labels,
        now=now,
    )


def _is_old(catalogue: Catalogue, each: Kept, now: datetime) -> bool:
    dataset = catalogue.datasets.get(each.dataset)
    return dataset is not None and is_over(
        days=dataset.retention.days,
        observed_at=each.observed_at,
        valid_to=each.valid_to,
        labels=each.labels,
        now=now,
    )


def _held(each: Kept) -> Held:
    return Held(each.attribute, each.labels)
