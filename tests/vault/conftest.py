"""A vault with keys in memory, one person in it, and a journal for what it erases."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit.model import SYSTEM
from audit.outside_journal import OutsideJournal
from audit.unit_of_work import Ledger, begin
from policies.ids import PersonId
from tests.database_backup import DatabaseBackup
from tests.vault.erasing import keep_two_data_sets
from tests.vault.given import AINO, NOW, new_vault
from vault.people import IDENTITY_SCHEME, enrol
from vault.vault import Vault


@pytest.fixture
def vault() -> Vault:
    """A vault of its own for each test."""
    return new_vault()


@pytest.fixture
def person(ledger: Ledger, vault: Vault) -> PersonId:
    """Somebody whom the vault knows."""
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=AINO)


@pytest.fixture
def held(ledger: Ledger, vault: Vault, person: PersonId) -> PersonId:
    """The person, when two data sets of hers are kept."""
    keep_two_data_sets(ledger, vault, person)
    return person


@pytest.fixture
def journal(tmp_path: Path) -> OutsideJournal:
    """A journal outside the database; the ledger of a test does not know it by itself."""
    return OutsideJournal(tmp_path / "journal", bytes(range(32)))


@pytest.fixture
def backup(engine: Engine, tmp_path: Path) -> DatabaseBackup:
    """A copy of the database, to be taken and brought back."""
    return DatabaseBackup(engine, tmp_path)
