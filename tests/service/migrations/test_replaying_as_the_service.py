"""A start on an older copy under the role of the service on PostgreSQL: every word is heard."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from audit.journal_line import (
    Told,
    client_keys_replaced,
    client_suspended,
    declaration_stepped,
    dispute_settled,
    people_merged,
    role_revoked,
    value_disputed,
)
from audit.model import SYSTEM
from audit.unit_of_work import begin
from consent.clients import client
from consent.declared import DeclarationKind, DeclarationStatus
from consent.model import ClientStatus
from consent.store import declarations
from policies.ids import ClientId, DisputeId, PersonId, RecordId, new_uuid
from policies.vocabulary import Role
from service.behind import catch_up, journal_of
from service.roles import grant_role, roles_of
from tests.service.migrations.serving import migrated, office_as_the_service
from tests.service.office import Office
from vault.disputes import blinded_outcome, blinded_saying, disputes_of
from vault.model import DisputeReason, Outcome
from vault.names import who_now
from vault.people import enrol

DISPUTE = DisputeId(new_uuid())


@pytest.fixture
def owner(postgresql_url: str) -> Iterator[Engine]:
    with migrated(postgresql_url) as engine:
        yield engine


@pytest.fixture
def office(owner: Engine, tmp_path: Path) -> Iterator[Office]:
    with office_as_the_service(owner, tmp_path) as opened:
        yield opened


def record_of(owner: Engine, person: PersonId) -> RecordId:
    query = "SELECT record_id FROM vault_record WHERE person_id = :p AND attribute = :a"
    with owner.connect() as connection:
        given = {"p": person, "a": "income.monthly_gross"}
        return RecordId(connection.execute(text(query), given).scalar_one())


def test_all_that_was_taken_away_since_is_taken_away_again(office: Office, owner: Engine) -> None:
    runtime, person = office.runtime, office.person
    office.tokens()
    with begin(runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        first = enrol(uow, runtime.vault, scheme="test", identifier="first")
        grant_role(uow, first, Role.AUDITOR)
    office.clock.advance(minutes=1)
    at, vault = office.clock(), runtime.vault
    with runtime.ledger.read() as connection:
        purpose = declarations.every(connection, DeclarationKind.PURPOSE)[0]
    said = blinded_saying(vault, DISPUTE, DisputeReason.WRONG, restricts=True)
    journal_of(runtime).append(
        [
            value_disputed(DISPUTE, person, record_of(owner, person), said, at=at),
            client_suspended(ClientId("kela-1"), at=at),
            client_keys_replaced(ClientId("debt-counsel-1"), "0" * 64, at=at),
            role_revoked(first, Role.AUDITOR, at=at),
            declaration_stepped(Told.DECLARATION_SUSPENDED, purpose.name, at=at),
            people_merged(first, person, at=at),
            dispute_settled(DISPUTE, first, blinded_outcome(vault, DISPUTE, Outcome.KEPT), at=at),
        ]
    )
    office.clock.advance(minutes=1)
    catch_up(runtime)
    with runtime.ledger.read(first) as connection:
        (found,) = disputes_of(connection, first)
        assert (found.id, found.restricts, found.outcome) == (DISPUTE, True, Outcome.KEPT)
    with runtime.ledger.read() as connection:
        assert who_now(connection, [person]) == {person: first}
        assert roles_of(connection, first) == {Role.CITIZEN}
        stopped = [client(connection, ClientId(each)) for each in ("kela-1", "debt-counsel-1")]
        assert [each.status for each in stopped if each] == [
            ClientStatus.SUSPENDED,
            ClientStatus.AWAITING_KEYS,
        ]
        purpose_now = declarations.lock_in_force(connection, purpose.kind, purpose.id)
        assert purpose_now is not None
        assert purpose_now.status is DeclarationStatus.SUSPENDED
