"""After a restore: do again what the journal tells and the restored database has forgotten.

Whoever was erased is erased again, with her consents, tokens and keys; a consent that had ended
ends again, at latest in the state in which it had ended. Each line that is done is a unit of work
of its own with its events, so a replay that is stopped goes on where it stopped, and one that runs
twice finds nothing to do. Nobody may be let in before it has ended.

The journal is written before the commit, so it may tell of what then failed to commit: the person
had asked for it, was told that it failed, and now it is done. It never tells of too little.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.erasure import forget_again, is_remembered
from audit.journal_line import JournalEntry, Told
from audit.model import SYSTEM, Actor, Event, Kind
from audit.outside_journal import Fault, OutsideJournal
from audit.scope import turn_to
from audit.unit_of_work import Ledger, UnitOfWork, begin
from consent.ending import end_again, stands
from policies.ids import ConsentId, DatasetId, PersonId
from vault.erasure import Request, blinded_dataset, erase_dataset, erase_person
from vault.store import erasures as store
from vault.vault import Vault

Also = Callable[[UnitOfWork, PersonId], None]
"""What else goes with an erased person, in the rooms above."""


def nothing_else(uow: UnitOfWork, person: PersonId) -> None:
    """Where there are no rooms above."""


class UnknownDatasetError(LookupError):
    """The journal tells of a data set that this catalogue does not have: bring its file back."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found and did."""

    erased: int
    ended: int
    nothing_to_do: int
    """Lines that the database knew already, or that are about what it is too old to hold."""
    faults: tuple[Fault, ...]
    """What is wrong with the journal itself; all lines that are whole were replayed."""


def replay(
    ledger: Ledger,
    vault: Vault,
    journal: OutsideJournal,
    *,
    now: datetime,
    actor: Actor = SYSTEM,
    also: Also = nothing_else,
) -> Replayed:
    """Do again what the restored database has forgotten.

    Raises JournalError, UnknownDatasetError, and KeyNotRenewedError when something of a person does
    not open whose data set is to be erased.
    """
    content = journal.read()
    done: list[Told] = []
    for entry in content.entries:
        with begin(ledger, actor=actor, now=now) as uow:
            if _again(uow, vault, entry, also):
                done.append(entry.what)
    with begin(ledger, actor=actor, now=now) as uow:
        uow.record(Event(kind=Kind.JOURNAL_REPLAYED, digest=content.digest))
    erased = sum(each in _ERASURES or each is Told.LOG_FORGOTTEN for each in done)
    return Replayed(
        erased=erased,
        ended=len(done) - erased,
        nothing_to_do=len(content.entries) - len(done),
        faults=content.faults,
    )


def is_behind(connection: Connection, journal: OutsideJournal) -> bool:
    """Whether the journal tells of something that this database has forgotten: an older copy of it
    stands here, whoever brought it. The connection sees everyone. Raises JournalError."""
    return any(_is_forgotten(connection, entry) for entry in journal.read().entries)


def _is_forgotten(connection: Connection, entry: JournalEntry) -> bool:
    if entry.what in _ERASURES:
        erasure, person = entry.id_at(0), PersonId(entry.id_at(1))
        known = store.is_known(connection, person, erasure)
        return not known and store.is_here(connection, person)
    if entry.what is Told.LOG_FORGOTTEN:
        return is_remembered(connection, PersonId(entry.id_at(0)), before=entry.at)
    return stands(connection, ConsentId(entry.id_at(0)))


_ERASURES = frozenset({Told.PERSON_ERASED, Told.DATASET_ERASED})


def _again(uow: UnitOfWork, vault: Vault, entry: JournalEntry, also: Also) -> bool:
    """Whether there was anything to do about the line."""
    if entry.what in _ERASURES:
        return _erase_again(uow, vault, entry, also)
    if entry.what is Told.LOG_FORGOTTEN:
        return forget_again(uow, PersonId(entry.id_at(0)), before=entry.at)
    withdrawn = entry.what is Told.CONSENT_WITHDRAWN
    return end_again(uow, ConsentId(entry.id_at(0)), withdrawn=withdrawn)


def _erase_again(uow: UnitOfWork, vault: Vault, entry: JournalEntry, also: Also) -> bool:
    erasure, person = entry.id_at(0), PersonId(entry.id_at(1))
    turn_to(uow.connection, person)
    if store.is_known(uow.connection, person, erasure) or not store.is_here(uow.connection, person):
        return False
    request = Request.again(erasure)
    if entry.what is Told.PERSON_ERASED:
        erase_person(uow, vault, person, request)
        also(uow, person)
    else:
        erase_dataset(uow, vault, person, _dataset(vault, person, entry), request)
    return True


def _dataset(vault: Vault, person: PersonId, entry: JournalEntry) -> DatasetId:
    """Which data set the line stands for. Raises UnknownDatasetError."""
    for each in vault.catalogue.datasets:
        if hmac.compare_digest(blinded_dataset(vault, person, each).hex(), entry.about[2]):
            return each
    raise UnknownDatasetError
