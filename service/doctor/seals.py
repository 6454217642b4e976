"""The doctor's look at what is sealed: whether it is what the log says that was sealed."""

from sqlalchemy import Connection, Engine

from audit.scope import EVERYONE
from audit.seal import SealedEventError
from policies.ids import PersonId, new_uuid
from service.doctor.finding import Finding
from service.doctor.ledger import ledger_of
from service.settings import Settings
from vault.sealed_check import differing_deposits, people_after

LOOKED_AT = 200
"""People, from a random one on: ids are random, so another part of all each time."""
_REPAIR = "stop, keep the database as it is, and tell the auditor: consent-vault audit check"


def check_seals(engine: Engine, settings: Settings) -> Finding:
    """Of some people all, chosen anew each time; the completeness check looks at everybody's."""
    with ledger_of(engine, settings) as ledger, ledger.read(EVERYONE) as connection:
        people = _some_people(connection)
        try:
            differ = sum(len(differing_deposits(connection, ledger, each)) for each in people)
        except SealedEventError:
            return Finding("seals", "an event about a person is not as it was written", _REPAIR)
    if differ:
        return Finding("seals", f"{differ} deposits are not what the log says", _REPAIR)
    return Finding("seals", f"what is kept of {len(people)} people is what the log says")


def _some_people(connection: Connection) -> set[PersonId]:
    after = people_after(connection, (PersonId(new_uuid()),), LOOKED_AT)
    first = people_after(connection, None, LOOKED_AT - len(after))
    return {person for _, person in (*after, *first)}
