"""What is held about a person, without opening anything."""

from sqlalchemy import Connection

from audit.scope import turn_to
from policies.ids import PersonId
from vault.model import Holding
from vault.store import records as store


def describe(connection: Connection, person: PersonId) -> list[Holding]:
    """One entry for each attribute and source, by data set and attribute, the best source first.

    Where sources differ, all of them stand here; a release gives the first one.
    """
    turn_to(connection, person)
    return store.holdings(connection, person)
