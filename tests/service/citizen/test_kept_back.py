"""A use that a law keeps back for thirty days: nowhere before that, and everywhere afterwards."""

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from audit.model import SYSTEM, Actor, Kind
from audit.reader import search
from audit.unit_of_work import begin
from consent.authorization_details import AuthorizationDetails
from consent.decisions import Permit, decide_fetch
from consent.grants import Grant
from consent.purposes import register_purpose
from consent.tokens import access, issue_statutory_token
from policies.ids import AttributeId, EventId, PurposeId
from policies.purposes import KeptBack
from policies.text import Text
from policies.vocabulary import Role
from tests.consent.flow import JKT
from tests.service.auditor.asking import Auditor
from tests.service.house import VILLE, House, words_of
from vault.release import release

LAW = PurposeId("kela-income-check")
DAYS = 30
PLACES = (
    "/en/",
    "/en/log",
    "/en/log?show=all",
    "/en/log.csv",
    "/en/log.json",
    "/en/log.tracker.json",
    "/api/tracker/v2/findUsage",
)


@pytest.fixture
def used(house: House) -> EventId:
    """Kela has fetched by a law that keeps it back; gives the event of the release."""
    person, client = house.person(), house.clients[LAW]
    house.deposit(person)
    declared = house.runtime.catalogue.purpose(LAW)
    law = Text(fi="Laki 1/2026, 2 §", sv="Lag 1/2026, 2 §", en="Act 1/2026, section 2")
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        later = replace(
            declared, version=declared.version + 1, kept_back=KeptBack(days=DAYS, law=law)
        )
        register_purpose(uow, later, house.runtime.catalogue)
    gross = AttributeId("income.monthly_gross")
    details = AuthorizationDetails(purpose=LAW, attributes=(gross,), case="K/1")
    with begin(house.runtime.ledger, actor=Actor.client(client.id), now=house.clock()) as uow:
        grant = issue_statutory_token(uow, client, details, person, jkt=JKT)
        assert isinstance(grant, Grant)
        held = access(uow.connection, grant.access_token)
        assert held is not None
        permit = decide_fetch(uow, held, [gross])
        assert isinstance(permit, Permit)
        event_id = release(uow, house.runtime.vault, permit).event_id
    house.runtime.sequencer.run_once(house.clock())
    return event_id


def told(house: House, browser: TestClient, place: str) -> bool:
    """Whether the place tells of Kela's use."""
    answer = browser.get(place)
    assert answer.status_code == 200, place
    return house.runtime.catalogue.purpose(LAW).name.en in answer.text


def test_before_its_time_no_place_tells_of_it_and_afterwards_each_does(
    house: House, used: EventId
) -> None:
    aino = house.signed_in()
    assert [place for place in PLACES if told(house, aino, place)] == []
    assert aino.get(f"/en/log/{used}").status_code == 404
    assert aino.get(f"/en/log/{used}/proof.json").status_code == 404
    assert "is missing" not in words_of(aino.get("/en/log?show=all").text)
    house.clock.advance(days=DAYS)
    aino = house.signed_in()
    assert [place for place in PLACES if not told(house, aino, place)] == []
    assert "This line is proven" in aino.get(f"/en/log/{used}").text


def test_afterwards_the_line_says_that_a_law_kept_it_back(house: House, used: EventId) -> None:
    del used
    house.clock.advance(days=DAYS)
    words = words_of(house.signed_in().get("/en/log").text)
    assert "A law kept this from you until 24/12/2026" in words


@pytest.mark.usefixtures("used")
def test_that_such_uses_are_shown_later_is_told_before(house: House) -> None:
    words = words_of(house.signed_in().get("/en/by-law").text)
    assert "When your log shows it 30 days after the use" in words
    assert "Act 1/2026, section 2" in words


def test_the_auditor_sees_it_at_once_and_a_look_does_not_betray_it(
    house: House, used: EventId
) -> None:
    auditor = Auditor(house, house.signed_in(VILLE, role=Role.AUDITOR))
    (entry,) = auditor.ask(event=str(used)).json()["entries"]
    assert entry["visible_from"] == "2026-12-24T09:00:00.000000+00:00"
    rules = f"sha256:{house.runtime.catalogue.digest}"
    version = house.runtime.catalogue.purpose(LAW).version + 1
    assert entry["policy"][:2] == [rules, f"{LAW}@{version}"]
    assert (entry["mandate"], entry["on_behalf_of"]) == (None, None)
    aino = house.signed_in()
    assert str(used) not in aino.get("/en/log.json").text
    assert "log.inspected" not in aino.get("/en/log.json").text
    house.clock.advance(days=DAYS)
    assert "log.inspected" in house.signed_in().get("/en/log.json").text


@pytest.mark.usefixtures("used")
def test_an_entry_of_each_decision_names_the_rules(house: House) -> None:
    with house.runtime.ledger.read() as connection:
        for kind in (Kind.TOKEN_ISSUED, Kind.DATA_RELEASED):
            (found,) = search(connection, house.runtime.ledger, kind=kind)
            assert found.many("policy")[0] == f"sha256:{house.runtime.catalogue.digest}"
