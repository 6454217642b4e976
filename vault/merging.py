"""Two records of one person become one: what was kept under the other goes on under the first.

Who decides it is not settled here (service.merging asks two operators). All of it is one unit of
work, so that nobody ever meets a person half moved. What was sealed for the other person opens only
there, so it is opened and sealed anew in its new place, as when a key is replaced; no value leaves,
and the other person's keys are destroyed with all that was hers. Then:

- identifiers and pseudonyms lead to the first person, with their history;
- records go on as hers. Where both have what one source says of one attribute, the versions of the
  other come after the first one's, and what counts is what counts among all of them;
- what the first one wants no copy of does not come, and what the other wants no copy of goes on
  being refused, unless the first one holds it;
- consents do not go along. Each was given for what was held then, by one who saw only that: they
  end with their tokens, and who needs one asks again. Receipts and the log stay as they were
  written;
- the old id leads to the first person (`vault.names`), since other people's records may name it;
- organisations that know the other by a pseudonym hear who that is now (`vault.renaming`).
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from audit.journal_line import people_merged
from audit.model import Event, Kind
from audit.scope import turn_to
from audit.unit_of_work import UnitOfWork
from consent.ending import end_consents, end_tokens
from consent.lifecycle import Party
from policies.ids import DatasetId, EventId, PersonId, RecordId
from vault.digests import deposit_digest, joint_digest
from vault.envelope import Place, seal, unseal
from vault.names import subjects_of
from vault.payload import CONTENT_TYPE
from vault.people import UnknownPersonError
from vault.principals import OtherKindError, kind_of
from vault.renaming import tell_of_new_name
from vault.store import merging as store
from vault.store.locks import lock_person
from vault.store.merging import Kept, Row, Version
from vault.store.people import WrappedKey
from vault.vault import Vault

MERGED_AWAY = "merged-away"


class SamePersonError(ValueError):
    """A person cannot be joined to herself."""


def merge_people(uow: UnitOfWork, vault: Vault, *, first: PersonId, other: PersonId) -> EventId:
    """Let everything of the other person be the first one's; gives the first one's event.

    The unit of work is about everyone (audit.scope). Raises SamePersonError, UnknownPersonError,
    OtherKindError, and a SealError when something does not open; the unit of work raises
    JournalError at its end. Then nothing is changed.
    """
    if first == other:
        raise SamePersonError
    # Locked in this order everywhere: consents, then people, and those by their ids.
    end_consents(uow, other, by=Party.SYSTEM)
    keys = {person: _lock(uow, person) for person in sorted((first, other))}
    if kind_of(uow.connection, first) is not kind_of(uow.connection, other):
        raise OtherKindError
    had, has = store.kept(uow.connection, other), store.kept(uow.connection, first)
    plan = _plan(has, had)
    versions = _sealed_anew(vault, plan, keys[first], first, had)
    knew = subjects_of(uow.connection, other).keys()
    event_id = _tell(uow, first, other)
    store.move(uow.connection, has, had, plan.records, versions, first, uow.now, event_id)
    end_tokens(uow, other)
    tell_of_new_name(uow, first, knew, about=event_id)
    # A restored backup would bring back two records, and under the other's id what has ended.
    uow.tell_outside(people_merged(first, other, at=uow.now), may_be_late=False)
    _tell_of_sealing(uow, first, versions, key_version=keys[first].version)
    return event_id


@dataclass(frozen=True, slots=True)
class _Moved:
    """A version of the other person, and where it comes to stand."""

    stored: Version
    record: UUID
    version: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """The records of the first person as they will be, and the versions that come to them."""

    records: Sequence[Row]
    versions: Sequence[_Moved]


def _lock(uow: UnitOfWork, person: PersonId) -> WrappedKey:
    turn_to(uow.connection, person)
    key = lock_person(uow.connection, person)
    if key is None:
        raise UnknownPersonError(person)
    return key


def _tell_of_sealing(
    uow: UnitOfWork, first: PersonId, versions: Sequence[Row], *, key_version: int
) -> None:
    """What was sealed anew, as when a key is replaced: so it is held against the log as before."""
    made = {
        deposit: deposit_digest(
            deposit,
            [
                (row["record_id"], row["version"], row["sealed"])
                for row in versions
                if row["deposit_id"] == deposit
            ],
        )
        for deposit in {row["deposit_id"] for row in versions}
    }
    if made:
        event = Event(
            kind=Kind.DATA_RESEALED,
            subject=first,
            reference=str(key_version),
            digest=joint_digest(made.items()).hex(),
        )
        store.add_resealed(
            uow.connection, first, made, key_version=key_version, event_id=uow.record(event)
        )


def _tell(uow: UnitOfWork, first: PersonId, other: PersonId) -> EventId:
    uow.record(
        Event(kind=Kind.PERSON_MERGED, subject=other, reason=MERGED_AWAY, reference=str(first))
    )
    return uow.record(Event(kind=Kind.PERSON_MERGED, subject=first, reference=str(other)))


def _plan(has: Kept, had: Kept) -> _Plan:
    """Which records come out of both. Pure."""
    mine = {(row["attribute"], row["source"]): row for row in has.records}
    records, versions = [], list[_Moved]()
    for row in had.records:
        if row["dataset"] in has.unwanted:
            continue
        same = mine.get((row["attribute"], row["source"]))
        into = row if same is None else same
        offset = 0 if same is None else same["latest"]
        records.append(row if same is None else _both(same, row, has, had))
        versions += [
            _Moved(each, into["record_id"], each.row["version"] + offset)
            for each in had.versions
            if each.row["record_id"] == row["record_id"]
        ]
    return _Plan(records, versions)


def _both(mine: Row, theirs: Row, has: Kept, had: Kept) -> Row:
    """One record out of two of the same source: what counts is the stronger, then the newer."""
    counts = has.rank(mine) >= had.rank(theirs)
    return {
        **mine,
        "current": mine["current"] if counts else mine["latest"] + theirs["current"],
        "latest": mine["latest"] + theirs["latest"],
        "protected": mine["protected"] if counts else theirs["protected"],
        "disputed": mine["disputed"] or theirs["disputed"],
        "restricted": mine["restricted"] or theirs["restricted"],
    }


def _sealed_anew(
    vault: Vault, plan: _Plan, key: WrappedKey, first: PersonId, had: Kept
) -> list[dict[str, Any]]:
    """The rows of the versions that come, sealed where they will stand."""
    with ExitStack() as opened:
        new = opened.enter_context(vault.person_key(first, key.version, key.wrapped))
        old = {
            each.version: opened.enter_context(
                vault.person_key(had.person, each.version, each.wrapped)
            )
            for each in had.keys
        }
        return [
            _row(vault, each, key.version, new, old, first, had.person) for each in plan.versions
        ]


def _row(
    vault: Vault,
    moved: _Moved,
    key_version: int,
    new: bytearray,
    old: Mapping[int, bytearray],
    first: PersonId,
    other: PersonId,
) -> dict[str, Any]:
    row = moved.stored.row
    there = {
        **row,
        "person_id": first,
        "record_id": moved.record,
        "version": moved.version,
        "key_version": key_version,
    }
    plain = unseal(old[row["key_version"]], _place(vault, other, moved.stored, row), row["sealed"])
    return {**there, "sealed": seal(new, _place(vault, first, moved.stored, there), plain)}


def _place(vault: Vault, person: PersonId, stored: Version, row: Mapping[str, Any]) -> Place:
    return Place(
        installation=vault.installation,
        person=person,
        dataset=DatasetId(stored.dataset),
        record=RecordId(row["record_id"]),
        version=row["version"],
        field=stored.attribute,
        key_version=row["key_version"],
        content_type=CONTENT_TYPE,
    )
