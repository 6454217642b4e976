"""After a restore: what this room does again of what the journal tells (audit.replaying).

Whoever was erased is erased again, with her consents, tokens and keys; two records that had become
one become one again; and what was disputed bears its mark again (`vault.disputes_again`).
"""

import hmac
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from audit.erasure import forget_again, is_remembered
from audit.journal_line import JournalEntry, Told
from audit.model import SYSTEM, Actor
from audit.outside_journal import OutsideJournal
from audit.replaying import Replayed, Word, Words, replay_words
from audit.scope import EVERYONE, turn_to
from audit.unit_of_work import Ledger, UnitOfWork
from consent.replay import WORDS as OF_CONSENT
from policies.ids import DatasetId, PersonId
from vault.disputes_again import of_disputes
from vault.erasure import Request, blinded_dataset, erase_dataset, erase_person
from vault.merging import merge_people
from vault.store import erasures
from vault.vault import Vault

Also = Callable[[UnitOfWork, PersonId], None]
"""What else goes with a person who is erased or joined to another, in the rooms above."""


def nothing_else(uow: UnitOfWork, person: PersonId) -> None:
    """Where there are no rooms above."""


class UnknownDatasetError(LookupError):
    """The journal tells of a data set that this catalogue does not have: bring its file back."""


def words(vault: Vault, *, also: Also = nothing_else) -> Words:
    """The words of this room and of those below it."""
    return {
        **OF_CONSENT,
        Told.PERSON_ERASED: Word(_is_not_erased, partial(_erase, vault, also)),
        Told.DATASET_ERASED: Word(_is_not_erased, partial(_erase_dataset, vault)),
        Told.LOG_FORGOTTEN: Word(_is_not_forgotten, _forget),
        Told.PEOPLE_MERGED: Word(_are_two, partial(_merge, vault, also), about=EVERYONE),
        **of_disputes(vault),
    }


def replay(
    ledger: Ledger,
    vault: Vault,
    journal: OutsideJournal,
    *,
    now: datetime,
    actor: Actor = SYSTEM,
    also: Also = nothing_else,
) -> Replayed:
    """Do again what the restored database has forgotten of what these rooms know.

    Raises JournalError, UnknownDatasetError, and a SealError when something of a person does not
    open whose data set is to be erased, or whose record is to become another's.
    """
    return replay_words(ledger, words(vault, also=also), [journal], now=now, actor=actor)


def _is_not_erased(connection: Connection, entry: JournalEntry) -> bool:
    erasure, person = entry.id_at(0), PersonId(entry.id_at(1))
    turn_to(connection, person)
    known = erasures.is_known(connection, person, erasure)
    return not known and erasures.is_here(connection, person)


def _erase(vault: Vault, also: Also, uow: UnitOfWork, entry: JournalEntry) -> None:
    person = PersonId(entry.id_at(1))
    erase_person(uow, vault, person, Request.again(entry.id_at(0)))
    also(uow, person)


def _erase_dataset(vault: Vault, uow: UnitOfWork, entry: JournalEntry) -> None:
    person = PersonId(entry.id_at(1))
    dataset = _dataset(vault, person, entry)
    erase_dataset(uow, vault, person, dataset, Request.again(entry.id_at(0)))


def _dataset(vault: Vault, person: PersonId, entry: JournalEntry) -> DatasetId:
    """Which data set the line stands for. Raises UnknownDatasetError."""
    for each in vault.catalogue.datasets:
        if hmac.compare_digest(blinded_dataset(vault, person, each).hex(), entry.about[2]):
            return each
    raise UnknownDatasetError


def _is_not_forgotten(connection: Connection, entry: JournalEntry) -> bool:
    return is_remembered(connection, PersonId(entry.id_at(0)), before=entry.at)


def _forget(uow: UnitOfWork, entry: JournalEntry) -> None:
    forget_again(uow, PersonId(entry.id_at(0)), before=entry.at)


def _pair(entry: JournalEntry) -> tuple[PersonId, PersonId]:
    return PersonId(entry.id_at(0)), PersonId(entry.id_at(1))


def _are_two(connection: Connection, entry: JournalEntry) -> bool:
    return all(erasures.is_here(connection, each) for each in _pair(entry))


def _merge(vault: Vault, also: Also, uow: UnitOfWork, entry: JournalEntry) -> None:
    first, other = _pair(entry)
    merge_people(uow, vault, first=first, other=other)
    also(uow, other)
