"""What tests of a replay do: a person with data, and the journal gone through again."""

from datetime import timedelta

from audit.model import SYSTEM
from audit.replaying import Replayed, is_behind
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from policies.ids import PersonId
from tests.vault.erasing import keep_two_data_sets
from tests.vault.given import NOW
from vault.merging import merge_people
from vault.people import IDENTITY_SCHEME, enrol
from vault.replay import replay, words
from vault.vault import Vault

LATER = NOW + timedelta(hours=3)


def known_person(ledger: Ledger, vault: Vault, identifier: str) -> PersonId:
    """Somebody of whom two data sets are kept."""
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        person = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=identifier)
    keep_two_data_sets(ledger, vault, person)
    return person


def joined(ledger: Ledger, vault: Vault, first: PersonId, other: PersonId) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW, about=EVERYONE) as uow:
        merge_people(uow, vault, first=first, other=other)


def replayed(ledger: Ledger, vault: Vault) -> Replayed:
    """A database is behind its journal until it is replayed, and not after it."""
    assert ledger.journal is not None
    behind = is_behind_journal(ledger, vault)
    found = replay(ledger, vault, ledger.journal, now=LATER)
    assert behind is bool(found.done)
    assert not is_behind_journal(ledger, vault)
    return found


def is_behind_journal(ledger: Ledger, vault: Vault) -> bool:
    assert ledger.journal is not None
    with ledger.read(EVERYONE) as connection:
        return is_behind(connection, words(vault), ledger.journal)
