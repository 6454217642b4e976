"""What tests of erasure start from, do and look at."""

from dataclasses import replace

from sqlalchemy import func, select

from audit.model import Actor
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from policies.catalogue import Catalogue
from policies.ids import DatasetId, PersonId
from policies.text import Text
from tests.vault.given import GLUCOSE, NOW, catalogue, deposited, fact
from vault.erasure import Erasure, Request, erase_person
from vault.store.erasures import of_people
from vault.store.tables import person_key
from vault.vault import Vault


def keep_two_data_sets(ledger: Ledger, vault: Vault, person: PersonId) -> None:
    """Income and glucose, one value of each."""
    deposited(ledger, vault, person, fact())
    deposited(ledger, vault, person, fact(GLUCOSE, 64))


def erased(
    ledger: Ledger, vault: Vault, person: PersonId, request: Request | None = None
) -> Erasure:
    """Everything about the person is erased, at her own wish where nothing else is said."""
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        return erase_person(uow, vault, person, request or Request.by_wish())


def rows(ledger: Ledger, person: PersonId) -> dict[str, int]:
    """How many rows each of the vault's tables holds about the person."""
    with ledger.read(EVERYONE) as connection:
        counts = {
            table.name: connection.execute(
                select(func.count()).select_from(table).where(table.c.person_id == person)
            ).scalar_one()
            for table in of_people()
        }
    return {name: count for name, count in counts.items() if count}


def wrapped_keys(ledger: Ledger, person: PersonId) -> set[bytes]:
    """The keys that open what is held about the person."""
    query = select(person_key.c.wrapped).where(person_key.c.person_id == person)
    with ledger.read(EVERYONE) as connection:
        return set(connection.execute(query).scalars())


def kept_by_law(dataset: DatasetId) -> Catalogue:
    """The catalogue, had a law this data set kept."""
    known = catalogue()
    found = known.dataset(dataset)
    law = Text(fi="Laki 1/2026", sv="Lag 1/2026", en="Act 1/2026")
    kept = replace(found, retention=replace(found.retention, law=law))
    return replace(known, datasets={**known.datasets, dataset: kept})
