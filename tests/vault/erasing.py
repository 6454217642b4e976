"""What tests of erasure look at."""

from sqlalchemy import func, select

from audit.scope import EVERYONE
from audit.unit_of_work import Ledger
from policies.ids import PersonId
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
