"""The guard of the record's head: who read an older state does not write over a newer one."""

from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from audit.model import SYSTEM
from audit.unit_of_work import Ledger, UnitOfWork, begin
from policies.ids import PersonId, RecordId
from tests.vault.given import GROSS, INCOME, NOW, TAX, deposited, fact
from vault.store.depositing import (
    ConcurrentDepositError,
    DepositKey,
    NewVersion,
    record_move,
    record_row,
    write,
)
from vault.store.heads import heads_of
from vault.vault import Vault

KEY = DepositKey(INCOME, TAX, bytes(32))


def new(record: RecordId, version: int) -> NewVersion:
    return NewVersion(
        fact=fact(),
        record=record,
        version=version,
        current=version,
        protected=False,
        sealed=b"sealed",
    )


def move(uow: UnitOfWork, person: PersonId, made: NewVersion) -> None:
    begun = [record_row(person, KEY, made)] if made.version == 1 else []
    moved = [record_move(person, made)] if made.version > 1 else []
    write(uow.connection, deposits=[], begun=begun, moved=moved, versions=[])


@pytest.mark.parametrize("version", [1, 3])
def test_a_version_that_does_not_follow_the_last_is_refused(
    ledger: Ledger, vault: Vault, person: PersonId, version: int
) -> None:
    deposited(ledger, vault, person, fact())
    with ledger.read() as connection:
        record = heads_of(connection, {person})[person, TAX][GROSS].record
    with (
        pytest.raises((ConcurrentDepositError, IntegrityError)),
        begin(ledger, actor=SYSTEM, now=NOW) as uow,
    ):
        move(uow, person, new(record, version))


def test_a_record_that_is_not_there_does_not_move(ledger: Ledger, person: PersonId) -> None:
    nowhere = RecordId(UUID(int=404))
    with pytest.raises(ConcurrentDepositError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        move(uow, person, new(nowhere, 2))
