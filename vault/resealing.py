"""A new key for each person: all that was sealed under the old one is sealed anew, and that goes.

One person is one transaction: nobody ever meets her data half under one key and half under the
other, and whoever is killed in the middle has changed nothing of hers. Rows are never updated
(audit.insert_only), so the sealed versions are written anew in the place of the old ones, with all
that stands beside the seal as it was.

The event of a deposit has the digest of what was sealed then. So the event of sealing anew,
`data.resealed`, has one over the new digests of all deposits, and each of these is kept beside its
deposit: what stands in the tables can be held against the log as before (vault.sealed_check).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from audit.completeness import never
from audit.epochs import alone
from audit.model import Actor, Event, Kind
from audit.open_epoch import hold_open
from audit.scope import EVERYONE, turn_to
from audit.unit_of_work import Ledger, UnitOfWork, begin
from policies.ids import DatasetId, PersonId, RecordId
from vault.digests import deposit_digest, joint_digest
from vault.envelope import Place, SealError, seal, unseal
from vault.keys import wipe
from vault.payload import CONTENT_TYPE
from vault.people import seed_place
from vault.store import keys as store
from vault.store import people as people_store
from vault.store.keys import SealedVersion, Step
from vault.store.people import WrappedKey
from vault.vault import Vault

PAGE = 200
"""How many people are looked up at once."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """One time that the keys of all people are replaced: each key from before it is due."""

    number: int
    begun_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Resealing:
    """How far a rotation has come, in people."""

    done: int
    total: int
    unreadable: tuple[PersonId, ...] = ()
    """People of whom something does not open; all of theirs stays as it is."""


def last_rotation(connection: Connection) -> Rotation | None:
    """The newest rotation, None before the first one."""
    found: dict[int, dict[Step, datetime]] = defaultdict(dict)
    for number, step, at in store.rotation_steps(connection):
        found[number][step] = at
    if not found:
        return None
    number = max(found)
    return Rotation(number, found[number][Step.BEGUN], found[number].get(Step.ENDED))


def resealing(connection: Connection, rotation: Rotation) -> Resealing:
    """How far it has come. The connection sees everyone (audit.scope)."""
    left, total = store.count_older(connection, rotation.begun_at)
    return Resealing(total - left, total)


def begin_rotation(uow: UnitOfWork) -> Rotation:
    """Let every key from before now be due; gives the rotation that is under way where one is."""
    alone(uow)
    last = last_rotation(uow.connection)
    if last is not None and last.ended_at is None:
        return last
    number = 1 if last is None else last.number + 1
    _take(uow, number, Step.BEGUN, Kind.KEY_ROTATION_BEGUN)
    return Rotation(number, uow.now)


def reseal_everyone(
    ledger: Ledger,
    vault: Vault,
    rotation: Rotation,
    *,
    actor: Actor,
    clock: Callable[[], datetime],
    stop: Callable[[], bool] = never,
) -> Iterator[Resealing]:
    """Replace every key that is due, and tell after each person how far it has come.

    At the end the rotation ends, unless something did not open. Raises KeyProviderError.
    """
    with ledger.read(EVERYONE) as connection:
        start = resealing(connection, rotation)
    done, unreadable = start.done, list[PersonId]()
    for person in _due(ledger, rotation):
        if stop():
            return
        try:
            with begin(ledger, actor=actor, now=clock(), about=person) as uow:
                done += reseal(uow, vault, person, older_than=rotation.begun_at)
        except SealError:
            unreadable.append(person)
        yield Resealing(done, max(done + len(unreadable), start.total), tuple(unreadable))
    if not unreadable:
        with begin(ledger, actor=actor, now=clock(), about=EVERYONE) as uow:
            _end(uow, rotation)


def reseal(uow: UnitOfWork, vault: Vault, person: PersonId, *, older_than: datetime) -> bool:
    """Give the person a new key if hers is older, and seal everything of hers under it.

    False when there is nothing to do: her key is new already, or she has been erased. Raises a
    SealError when something does not open; then nothing is changed.
    """
    turn_to(uow.connection, person)
    newest = people_store.lock_person(uow.connection, person)
    if newest is None or not store.is_older(uow.connection, person, older_than):
        return False
    sealed = store.versions_of(uow.connection, person)
    key, wrapped = vault.new_person_key(person, newest.version + 1)
    new = WrappedKey(newest.version + 1, wrapped)
    hold_open(uow.connection, vault.wrapped_under(wrapped))
    try:
        rows, seed = _sealed_anew(uow.connection, vault, person, sealed, new, key)
    finally:
        wipe(key)
    _write(uow, person, new, rows, seed, at=max(uow.now, older_than))
    return True


def _due(ledger: Ledger, rotation: Rotation) -> Iterator[PersonId]:
    after: PersonId | None = None
    while page := _page(ledger, rotation, after):
        yield from page
        after = page[-1]


def _page(ledger: Ledger, rotation: Rotation, after: PersonId | None) -> list[PersonId]:
    with ledger.read(EVERYONE) as connection:
        return store.next_older(connection, rotation.begun_at, after=after, limit=PAGE)


def _end(uow: UnitOfWork, rotation: Rotation) -> None:
    """Unless somebody else did so, or somebody came into view meanwhile whose key is due."""
    alone(uow)
    last = last_rotation(uow.connection)
    left, _ = store.count_older(uow.connection, rotation.begun_at)
    if left == 0 and last is not None and last.number == rotation.number and not last.ended_at:
        _take(uow, rotation.number, Step.ENDED, Kind.KEY_ROTATION_ENDED)


def _take(uow: UnitOfWork, number: int, step: Step, kind: Kind) -> None:
    event_id = uow.record(Event(kind=kind, reference=str(number)))
    store.add_rotation_step(uow.connection, number, step, at=uow.now, event_id=event_id)


def _sealed_anew(
    connection: Connection,
    vault: Vault,
    person: PersonId,
    sealed: Sequence[SealedVersion],
    new: WrappedKey,
    key: bytearray,
) -> tuple[list[dict[str, Any]], bytes]:
    """The rows of the versions, and the seed, as they are under the new key."""
    with ExitStack() as opened:
        old = {
            each.version: opened.enter_context(vault.person_key(person, each.version, each.wrapped))
            for each in store.keys_of(connection, person)
        }
        rows = [_row(vault, person, each, old, new.version, key) for each in sealed]
        was, seed = store.seed_of(connection, person)
        plain = unseal(old[was], seed_place(vault, person, was), seed)
    return rows, seal(key, seed_place(vault, person, new.version), plain)


def _row(
    vault: Vault,
    person: PersonId,
    stored: SealedVersion,
    old: Mapping[int, bytearray],
    key_version: int,
    key: bytearray,
) -> dict[str, Any]:
    was = stored.row["key_version"]
    plain = unseal(old[was], _place(vault, person, stored, was), stored.row["sealed"])
    sealed = seal(key, _place(vault, person, stored, key_version), plain)
    return {**stored.row, "key_version": key_version, "sealed": sealed}


def _place(vault: Vault, person: PersonId, stored: SealedVersion, key_version: int) -> Place:
    return Place(
        installation=vault.installation,
        person=person,
        dataset=DatasetId(stored.dataset),
        record=RecordId(stored.row["record_id"]),
        version=stored.row["version"],
        field=stored.attribute,
        key_version=key_version,
        content_type=CONTENT_TYPE,
    )


def _write(
    uow: UnitOfWork,
    person: PersonId,
    new: WrappedKey,
    rows: Sequence[Mapping[str, Any]],
    seed: bytes,
    *,
    at: datetime,
) -> None:
    made = digests(rows)
    event_id = uow.record(
        Event(
            kind=Kind.DATA_RESEALED,
            subject=person,
            reference=str(new.version),
            digest=joint_digest(made.items()).hex(),
        )
    )
    store.put_key(uow.connection, person, new, seed=seed, now=at)
    store.put_versions(uow.connection, person, rows)
    store.add_resealed(uow.connection, person, made, key_version=new.version, event_id=event_id)


def digests(rows: Sequence[Mapping[str, Any]]) -> dict[UUID, bytes]:
    parts = defaultdict(list)
    for row in rows:
        parts[row["deposit_id"]].append((row["record_id"], row["version"], row["sealed"]))
    return {deposit: deposit_digest(deposit, each) for deposit, each in parts.items()}
