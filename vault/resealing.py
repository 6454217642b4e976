"""A new key for each person: all that was sealed under the old one is sealed anew, and that goes.

All of a person's is done in one transaction: nobody ever meets her data half under one key and half
under the other, and whoever is killed in the middle has changed nothing of hers. Rows are never
updated (audit.insert_only), so the sealed versions are written anew in the place of the old ones,
with all that stands beside the seal as it was.

The event of a deposit has the digest of what was sealed then. So the event of sealing anew,
`data.resealed`, has one over the new digests of all deposits, and each of these is kept beside its
deposit: what stands in the tables can be held against the log as before (vault.sealed_check).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from audit.completeness import never
from audit.epochs import alone
from audit.model import Actor, Event, Kind
from audit.open_epoch import hold_open
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, UnitOfWork, begin
from policies.ids import DatasetId, PersonId, RecordId
from vault.digests import deposit_digest, joint_digest
from vault.envelope import Place, SealError, seal, unseal
from vault.keys import wipe
from vault.payload import CONTENT_TYPE
from vault.people import seed_place
from vault.store import keys as store
from vault.store.keys import SealedUnder, SealedVersion, Step
from vault.store.locks import lock_people
from vault.store.people import WrappedKey
from vault.vault import Vault

AT_ONCE = 20
"""How many people one transaction takes: a commit costs as much as sealing some of them."""


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


@dataclass(frozen=True, slots=True)
class _Anew:
    """What is to be written for one person."""

    person: PersonId
    key: WrappedKey
    seed: bytes = field(repr=False)
    rows: Sequence[Mapping[str, Any]] = field(repr=False)


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
    at_once: int = AT_ONCE,
) -> Iterator[Resealing]:
    """Replace every key that is due, and tell after each commit how far it has come.

    At the end the rotation ends, unless something did not open. Raises KeyProviderError.
    """
    with ledger.read(EVERYONE) as connection:
        start = resealing(connection, rotation)
    done, unreadable = start.done, tuple[PersonId, ...]()
    for people in _due(ledger, rotation, at_once):
        if stop():
            return
        with begin(ledger, actor=actor, now=clock(), about=EVERYONE) as uow:
            made = reseal(uow, vault, people, older_than=rotation.begun_at)
        done += made.done
        unreadable += made.unreadable
        yield Resealing(done, max(done + len(unreadable), start.total), unreadable)
    if not unreadable:
        with begin(ledger, actor=actor, now=clock(), about=EVERYONE) as uow:
            _end(uow, rotation)


def reseal(
    uow: UnitOfWork, vault: Vault, people: Sequence[PersonId], *, older_than: datetime | None
) -> Resealing:
    """Give each person whose key is older a new one, and seal everything of theirs under it.

    None for however new it is: no clock tells whether a key is older than what is erased now.
    Nothing is done for those whose key is new already, or who have been erased; and of a person of
    whom something does not open, nothing is changed. The unit of work is about everyone, or about
    the one person.
    """
    here = [*lock_people(uow.connection, people)]
    under = store.sealed_under(uow.connection, here)
    due = [each for each in here if older_than is None or under[each].since < older_than]
    sealed = store.versions_of(uow.connection, due)
    made, unreadable = list[_Anew](), list[PersonId]()
    for person in due:
        try:
            made.append(_sealed_anew(vault, person, under[person], sealed.get(person, [])))
        except SealError:
            unreadable.append(person)
    if made:
        _write(uow, vault, made, at=max(uow.now, older_than or uow.now))
    return Resealing(len(made), len(people), tuple(unreadable))


def _due(ledger: Ledger, rotation: Rotation, at_once: int) -> Iterator[list[PersonId]]:
    after: PersonId | None = None
    while people := _next(ledger, rotation, after, at_once):
        yield people
        after = people[-1]


def _next(
    ledger: Ledger, rotation: Rotation, after: PersonId | None, at_once: int
) -> list[PersonId]:
    with ledger.read(EVERYONE) as connection:
        return store.next_older(connection, rotation.begun_at, after=after, limit=at_once)


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
    vault: Vault, person: PersonId, old: SealedUnder, sealed: Sequence[SealedVersion]
) -> _Anew:
    """What is to be written for a person. Raises a SealError."""
    key, wrapped = vault.new_person_key(person, old.newest + 1)
    new = WrappedKey(old.newest + 1, wrapped)
    with ExitStack() as stack:
        stack.callback(wipe, key)
        keys = {
            each.version: stack.enter_context(vault.person_key(person, each.version, each.wrapped))
            for each in old.keys
        }
        rows = [_row(vault, person, each, keys, new.version, key) for each in sealed]
        plain = unseal(keys[old.newest], seed_place(vault, person, old.newest), old.seed)
        seed = seal(key, seed_place(vault, person, new.version), plain)
    return _Anew(person, new, seed, rows)


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


def _write(uow: UnitOfWork, vault: Vault, made: Sequence[_Anew], *, at: datetime) -> None:
    for key_id in {vault.wrapped_under(each.key.wrapped) for each in made}:
        hold_open(uow.connection, key_id)
    kept = [row for each in made for row in _record(uow, each)]
    keys = [store.NewKey(each.person, each.key, each.seed, at) for each in made]
    store.put_keys(uow.connection, keys)
    rows = [row for each in made for row in each.rows]
    store.put_versions(uow.connection, [each.person for each in made], rows)
    store.add_resealed(uow.connection, kept)


def _record(uow: UnitOfWork, each: _Anew) -> list[dict[str, Any]]:
    """The event, and the rows that it covers."""
    found = digests(each.rows)
    event_id = uow.record(
        Event(
            kind=Kind.DATA_RESEALED,
            subject=each.person,
            reference=str(each.key.version),
            digest=joint_digest(found.items()).hex(),
        )
    )
    return [
        {
            "person_id": each.person,
            "deposit_id": deposit_id,
            "key_version": each.key.version,
            "digest": digest,
            "audit_event_id": event_id,
        }
        for deposit_id, digest in found.items()
    ]


def digests(rows: Sequence[Mapping[str, Any]]) -> dict[UUID, bytes]:
    parts = defaultdict(list)
    for row in rows:
        parts[row["deposit_id"]].append((row["record_id"], row["version"], row["sealed"]))
    return {deposit: deposit_digest(deposit, each) for deposit, each in parts.items()}
