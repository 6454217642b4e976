"""Proofs of inclusion: for whom the event concerns, and nobody else."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from audit.model import SYSTEM, Event, Kind
from audit.unit_of_work import begin
from policies.ids import EventId
from policies.vocabulary import Role
from service.api.proofs import proof_for_token
from service.api.protected import ProtectedResource
from tests.consent.flow import events
from tests.service.house import House, open_house
from tests.service.office import Office, header

CITIZEN, OTHER, AUDITOR = "010199-9012", "150688-9551", "170269-938M"


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    opened = open_house(tmp_path_factory.mktemp("house"))
    yield opened
    opened.runtime.close()


def place(house: House) -> None:
    while house.runtime.sequencer.run_once(house.clock()) is not None:
        pass


def about(house: House, identifier: str) -> EventId:
    """An event about that person, placed in the log."""
    person = house.person(identifier)
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        event_id = uow.record(Event(kind=Kind.RECEIPT_READ, subject=person))
    place(house)
    return event_id


def test_a_person_gets_the_proof_of_her_own_event(house: House) -> None:
    event_id = about(house, CITIZEN)
    answer = house.signed_in(CITIZEN).get(f"/audit/proof/{event_id}")
    assert answer.status_code == 200
    assert answer.text.startswith("c2sp.org/tlog-proof@v1\n")
    assert answer.headers["cache-control"] == "no-store"


def test_another_person_and_nobody_learn_nothing(house: House) -> None:
    event_id = about(house, CITIZEN)
    unknown = "00000000-0000-4000-8000-000000000000"
    browser = house.signed_in(OTHER)
    answers = [
        browser.get(f"/audit/proof/{event_id}"),
        browser.get(f"/audit/proof/{unknown}"),
        house.visitor().get(f"/audit/proof/{event_id}"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1


def test_an_auditor_gets_it_and_that_is_recorded(house: House) -> None:
    event_id = about(house, CITIZEN)
    browser = house.signed_in(AUDITOR, role=Role.AUDITOR)
    assert browser.get(f"/audit/proof/{event_id}").status_code == 200
    (entry,) = events(house.runtime.ledger, Kind.LOG_SEARCHED)
    assert entry.get("reference") == str(event_id)


def test_an_event_that_waits_for_its_place_has_no_proof_yet(house: House) -> None:
    person = house.person(CITIZEN)
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        event_id = uow.record(Event(kind=Kind.RECEIPT_READ, subject=person))
    assert house.signed_in(CITIZEN).get(f"/audit/proof/{event_id}").status_code == 404


def test_an_agency_gets_the_proof_of_its_own_fetch_only(office: Office) -> None:
    token = office.tokens()["access_token"]
    event_id = header(office.fetch(token), "consent-vault-event")
    foreign = office.events(Kind.PERSON_CREATED)[0].event_id
    while office.runtime.sequencer.run_once(office.clock()) is not None:
        pass
    resource = ProtectedResource(office.server)
    for wanted, status in ((event_id, 200), (foreign, 404)):
        call = office.program.get(f"/audit/proof/{wanted}", token)
        answer = proof_for_token(resource, call, EventId(UUID(str(wanted))))
        assert answer.status == status
    assert [e.get("reason") for e in office.events(Kind.LOG_SEARCHED)] == [None, "not-in-log"]
