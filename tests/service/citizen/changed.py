"""A log in which something was erased or changed, and the people it is about."""

from sqlalchemy import text

from audit.erasure import destroy_log_key
from audit.model import SYSTEM, Actor, Event, Kind
from audit.unit_of_work import begin
from policies.ids import AttributeId, ClientId, EventId, OrganisationId, PersonId, PurposeId
from policies.vocabulary import LegalBasis
from tests.service.house import House
from tests.unguarded import unguard

PROGRAM = ClientId("debt-counsel-1")


def released(house: House, person: PersonId, *, case: str = "2026/17") -> EventId:
    """An agency fetched something of the person."""
    with begin(house.runtime.ledger, actor=Actor.client(PROGRAM), now=house.clock()) as uow:
        return uow.record(
            Event(
                kind=Kind.DATA_RELEASED,
                subject=person,
                organisation=OrganisationId("debt-counsel"),
                client=PROGRAM,
                purpose=PurposeId("debt-advice"),
                basis=LegalBasis.CONSENT,
                attributes=(AttributeId("income.monthly_gross"),),
                case=case,
            )
        )


def sequence(house: House) -> None:
    """Give every line its place."""
    house.runtime.sequencer.run_once(house.clock())


def erase(house: House, person: PersonId) -> None:
    """Destroy the person's log key of this year."""
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        destroy_log_key(uow, person, period=f"{house.clock().year:04d}")


def change(house: House, table: str, statement: str, **values: object) -> None:
    """What only the owner of the database can do."""
    with house.runtime.ledger.engine.begin() as connection:
        unguard(connection, table)
        connection.execute(text(statement), values)


def cut(house: House, event_id: EventId) -> None:
    """Cut off the end of what is stored of an event."""
    with house.runtime.ledger.read() as connection:
        query = text("SELECT number FROM audit_event ORDER BY number")
        numbers = connection.execute(query).scalars().all()
        ids = [
            str(each).replace("-", "")
            for each in connection.execute(
                text("SELECT event_id FROM audit_event ORDER BY number")
            ).scalars()
        ]
    number = numbers[ids.index(event_id.hex)]
    change(
        house,
        "audit_event",
        "UPDATE audit_event SET sealed = substr(sealed, 1, 40) WHERE number = :number",
        number=number,
    )
