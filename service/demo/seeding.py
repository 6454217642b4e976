"""What a demo begins with: purposes, agencies, people and their documents.

Everything goes through the doors that a real installation uses: declarations are registered,
documents are read by the connectors and deposited in the vault, roles are granted.
"""

from audit.model import Actor, ActorKind
from audit.unit_of_work import begin
from connectors.demo_data.people import DemoPerson, demo_people
from connectors.demo_data.registers import DemoRegister
from connectors.sources import SOURCES
from consent.clients import clients
from consent.purposes import register_purpose
from policies.ids import PersonId
from policies.vocabulary import Role
from service.demo import sources
from service.demo.agencies import AGENCIES, register
from service.demo.folder import DemoFolder
from service.pulling import pull
from service.roles import grant_role
from service.runtime import Runtime
from vault.people import IDENTITY_SCHEME, enrol

SEEDER = Actor(ActorKind.SYSTEM, "demo-seeding")


def register_purposes(runtime: Runtime) -> int:
    """Put every declaration of the catalogue in force."""
    with begin(runtime.ledger, actor=SEEDER, now=runtime.now()) as uow:
        for declaration in runtime.catalogue.purposes.values():
            register_purpose(uow, declaration, runtime.catalogue)
    return len(runtime.catalogue.purposes)


def register_agencies(runtime: Runtime, folder: DemoFolder) -> int:
    """Register the clients of agencies and of a source.

    Those that an interrupted start registered stay.
    """
    with runtime.ledger.read() as connection:
        there = {each.id for each in clients(connection)}
    for asking in AGENCIES:
        if asking.client_id not in there:
            with begin(runtime.ledger, actor=SEEDER, now=runtime.now()) as uow:
                register(uow, folder, runtime.catalogue, asking)
    if sources.CLIENT not in there:
        with begin(runtime.ledger, actor=SEEDER, now=runtime.now()) as uow:
            sources.register(uow, folder, runtime.catalogue)
    return len(AGENCIES)


def bring_in_people(runtime: Runtime) -> dict[str, PersonId]:
    """Enrol the invented people, give them their roles and deposit their documents."""
    return {person.key: _bring_in(runtime, person) for person in demo_people()}


def _bring_in(runtime: Runtime, person: DemoPerson) -> PersonId:
    with begin(runtime.ledger, actor=SEEDER, now=runtime.now()) as uow:
        enrolled = enrol(
            uow, runtime.vault, scheme=IDENTITY_SCHEME, identifier=person.identity_code
        )
        for role in set(person.roles) - {Role.CITIZEN}:
            grant_role(uow, enrolled, role)
    for source in SOURCES:
        pull(runtime, DemoRegister(source), identity_code=person.identity_code)
    return enrolled
