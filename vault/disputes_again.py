"""Disputes that a restored database has forgotten: what a person restricted must go nowhere again.

A line of the journal names the record, whose id is random: the same value, deposited anew after an
erasure, is another record, and the line says nothing of it. What she said, and how it ended, stands
there as a keyed digest, and is found by trying all that can be said.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from itertools import product

from sqlalchemy import Connection

from audit.journal_line import JournalEntry, Told
from audit.replaying import Word, Words
from audit.scope import turn_to
from audit.unit_of_work import UnitOfWork
from policies.ids import DisputeId, PersonId, RecordId
from vault.disputes import (
    Said,
    blinded_outcome,
    blinded_saying,
    lock,
    write_down,
    write_settlement,
)
from vault.model import Dispute, DisputeReason, Outcome
from vault.names import is_known
from vault.store import disputes as store
from vault.vault import Vault


def of_disputes(vault: Vault) -> Words:
    """The words of disputes."""
    return {
        Told.VALUE_DISPUTED: Word(_bears_no_mark, partial(_dispute, vault)),
        Told.DISPUTE_SETTLED: Word(_is_open, partial(_settle, vault)),
    }


def left_unmarked(
    connection: Connection, left: Iterable[JournalEntry], *, since: datetime
) -> list[PersonId]:
    """People whose value that they dispute is not in this copy, which is as old as `since`: when
    its source sends it again, it bears no mark. The connection sees everyone (audit.scope)."""
    newer = [entry for entry in left if entry.at > since]
    settled = {entry.about[0] for entry in newer if entry.what is Told.DISPUTE_SETTLED}
    return [
        PersonId(entry.id_at(1))
        for entry in newer
        if entry.what is Told.VALUE_DISPUTED
        and entry.about[0] not in settled
        and is_known(connection, PersonId(entry.id_at(1)))
        and _found(connection, entry) is None
    ]


def _bears_no_mark(connection: Connection, entry: JournalEntry) -> bool:
    """Whether the record is here and the dispute is not.

    Not one that bears the mark of another dispute: where two records of one person have become
    one, that one stands for both (vault.merging).
    """
    undisputed = _found(connection, entry) is None
    person, record = PersonId(entry.id_at(1)), RecordId(entry.id_at(2))
    return undisputed and store.is_undisputed(connection, person, record)


def _dispute(vault: Vault, uow: UnitOfWork, entry: JournalEntry) -> None:
    dispute_id, person = DisputeId(entry.id_at(0)), PersonId(entry.id_at(1))
    lock(uow, person)
    found = store.lock_record(uow.connection, person, RecordId(entry.id_at(2)))
    sayings = {
        blinded_saying(vault, dispute_id, reason, restricts=restricts).hex(): (reason, restricts)
        for reason, restricts in product(DisputeReason, (True, False))
    }
    write_down(uow, vault, person, Said(dispute_id, *sayings[entry.about[3]], entry.at), found)


def _is_open(connection: Connection, entry: JournalEntry) -> bool:
    found = _found(connection, entry)
    return found is not None and found.outcome is None


def _settle(vault: Vault, uow: UnitOfWork, entry: JournalEntry) -> None:
    person = PersonId(entry.id_at(1))
    lock(uow, person)
    found = store.the(uow.connection, person, entry.id_at(0))
    outcomes = {blinded_outcome(vault, found.id, each).hex(): each for each in Outcome}
    write_settlement(uow, vault, person, found, outcomes[entry.about[2]], at=entry.at)


def _found(connection: Connection, entry: JournalEntry) -> Dispute | None:
    person = PersonId(entry.id_at(1))
    turn_to(connection, person)
    return store.find(connection, person, entry.id_at(0))
