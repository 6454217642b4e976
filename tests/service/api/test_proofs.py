"""Proofs of inclusion for everybody; what an event says for those whom it concerns, no more."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from audit.disclosure import leaf
from audit.event_proof import EventProof, verify_event_proof
from audit.model import SYSTEM, Event, Kind
from audit.trust import Trust
from audit.unit_of_work import begin
from policies.ids import ClientId, EventId, OrganisationId, PersonId
from service.api.proofs import OF_AN_AGENCY, document_for_token
from service.api.protected import ProtectedResource
from service.runtime import Runtime
from tests.proving import proven
from tests.service.house import House, open_house
from tests.service.office import Office, header

CITIZEN = "010199-9012"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    opened = open_house(tmp_path_factory.mktemp("house"))
    yield opened
    opened.runtime.close()


def place(runtime: Runtime) -> None:
    while runtime.sequencer.run_once(runtime.now()) is not None:
        pass


def record(house: House, happened: Event) -> EventId:
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        return uow.record(happened)


def about(house: House, identifier: str) -> EventId:
    """An event about that person, placed in the log."""
    happened = Event(kind=Kind.RECEIPT_READ, subject=house.person(identifier), reference="r1")
    event_id = record(house, happened)
    place(house.runtime)
    return event_id


def trust(runtime: Runtime) -> Trust:
    return Trust.of(*runtime.log_signers.vkeys("2026h2"))


# For everybody


def test_whoever_knows_the_id_gets_the_proof_and_learns_nothing_else(house: House) -> None:
    event_id = about(house, CITIZEN)
    answer = house.visitor().get(f"/audit/proof/{event_id}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    with house.runtime.ledger.read() as connection:
        row = connection.exec_driver_sql(
            "SELECT commitment FROM audit_event WHERE event_id = ?", (event_id.hex,)
        ).one()
    verifiers = [each.verifier for each in house.runtime.log_signers.note_signers("2026h2")]
    proven(answer.text, leaf(row.commitment), verifiers)
    assert str(house.person(CITIZEN)) not in answer.text


@pytest.mark.parametrize("path", [f"/audit/proof/{UNKNOWN}", "/audit/proof/no-uuid"])
def test_an_id_that_no_event_has_gives_nothing(house: House, path: str) -> None:
    assert house.visitor().get(path).status_code in {400, 404}


def test_an_event_that_waits_for_its_place_has_no_proof_yet(house: House) -> None:
    event_id = record(house, Event(kind=Kind.RECEIPT_READ, subject=house.person(CITIZEN)))
    assert house.visitor().get(f"/audit/proof/{event_id}").status_code == 404


# For the agency


def asked(office: Office, token: str, event_id: object) -> tuple[int, str]:
    place(office.runtime)
    call = office.program.get(f"/api/v1/proofs/{event_id}", token)
    answer = document_for_token(
        ProtectedResource(office.server), call, EventId(UUID(str(event_id)))
    )
    return answer.status, answer.body.decode()


def test_an_agency_gets_its_own_fetch_with_what_it_knows_of_it(each_office: Office) -> None:
    token = each_office.tokens()["access_token"]
    event_id = header(each_office.fetch(token), "consent-vault-event")
    status, body = asked(each_office, token, event_id)
    assert status == 200
    proven = verify_event_proof(EventProof.parse(body), trust(each_office.runtime), file="event")
    assert proven.fields["kind"] == "data.released"
    assert proven.fields["client"] == "debt-counsel-1"
    assert proven.fields["case"] == "2026/17"
    assert set(proven.fields) <= OF_AN_AGENCY
    assert str(each_office.person) not in body


def test_an_agency_is_not_told_why_it_was_refused(office: Office) -> None:
    consent = office.given()
    token = office.tokens(consent)["access_token"]
    office.withdraw(consent)
    event_id = header(office.fetch(token), "consent-vault-event")
    _, body = asked(office, token, event_id)
    proven = verify_event_proof(EventProof.parse(body), trust(office.runtime), file="event")
    assert proven.fields["kind"] == "data.refused"
    assert "reason" not in proven.fields


def foreign(office: Office) -> EventId:
    """An event of another client of the same organisation about the same person."""
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        return uow.record(
            Event(
                kind=Kind.DATA_RELEASED,
                subject=PersonId(office.person),
                organisation=OrganisationId("debt-counsel"),
                client=ClientId("debt-counsel-2"),
            )
        )


def test_an_agency_gets_nothing_of_other_clients_and_each_try_is_recorded(office: Office) -> None:
    token = office.tokens()["access_token"]
    created = office.events(Kind.PERSON_CREATED)[0].event_id
    for wanted in (foreign(office), created, UNKNOWN):
        assert asked(office, token, wanted)[0] == 404
    assert [e.get("reason") for e in office.events(Kind.LOG_SEARCHED)] == ["not-in-log"] * 3


def test_a_token_without_its_proof_opens_no_document(office: Office) -> None:
    token = office.tokens()["access_token"]
    call = office.program.get(f"/api/v1/proofs/{UNKNOWN}", token, proofs=["nonsense"])
    resource = ProtectedResource(office.server)
    assert document_for_token(resource, call, EventId(UUID(UNKNOWN))).status == 401
