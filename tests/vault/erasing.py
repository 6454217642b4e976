"""What tests of erasure look at."""

from dataclasses import replace

from sqlalchemy import func, select

from audit.scope import EVERYONE
from audit.unit_of_work import Ledger
from policies.catalogue import Catalogue
from policies.ids import DatasetId, PersonId
from policies.text import Text
from tests.vault.given import catalogue
from vault.store.erasures import of_people


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


def kept_by_law(dataset: DatasetId) -> Catalogue:
    """The catalogue, had a law this data set kept."""
    known = catalogue()
    found = known.dataset(dataset)
    law = Text(fi="Laki 1/2026", sv="Lag 1/2026", en="Act 1/2026")
    kept = replace(found, retention=replace(found.retention, law=law))
    return replace(known, datasets={**known.datasets, dataset: kept})
