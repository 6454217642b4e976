"""A vault with keys in memory, and one person in it."""

import pytest

from audit.model import SYSTEM
from audit.unit_of_work import Ledger, begin
from policies.ids import PersonId
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
