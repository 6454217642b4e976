"""The operator writes down what others decide of a consent: found by its number, nothing preset."""

import pytest
from starlette.testclient import TestClient

from audit.model import Kind
from consent.flagging import open_assessments
from consent.model import Consent, Status
from consent.reading import consent
from policies.ids import ConsentId
from policies.vocabulary import Role
from tests.consent.flow import events
from tests.service.citizen.given import fetch, give, token
from tests.service.house import VILLE, House, form_of, words_of


@pytest.fixture
def given(house: House) -> ConsentId:
    house.deposit(house.person())
    return give(house, house.signed_in())[0]


@pytest.fixture
def operator(house: House) -> TestClient:
    return house.signed_in(VILLE, role=Role.OPERATOR)


def found(operator: TestClient, consent_id: object) -> str:
    return operator.get(f"/en/operator/consents?consent={consent_id}").text


def forms(html: str) -> dict[str, dict[str, str]]:
    """The hidden fields of each decision on the page."""
    parts = html.split('<form method="post"')[1:]
    made = [form_of('<form method="post"' + each, each.split('"')[1]) for each in parts]
    return {each["command"]: each for each in made if "command" in each}


def decided(operator: TestClient, consent_id: ConsentId, which: str, **chosen: str) -> int:
    fields = forms(found(operator, consent_id))[which]
    answer = operator.post(f"/en/operator/consents/{consent_id}", data={**fields, **chosen})
    return answer.status_code


def standing(house: House, consent_id: ConsentId) -> Consent:
    with house.runtime.ledger.read() as connection:
        now = consent(connection, consent_id)
    assert now is not None
    return now


def test_it_is_found_by_its_number_and_shows_nothing_of_the_person(
    operator: TestClient, given: ConsentId, house: House
) -> None:
    html = found(operator, given)
    assert set(forms(html)) == {"suspend", "revoke", "invalidate"}
    assert " checked>" not in html
    for secret in (str(house.person()), "3,150", "Esimerkkitila", "Aino"):
        assert secret not in html


@pytest.mark.parametrize("number", ["5b0e3a52-6a0c-4d5e-9a43-0c6d7f1e2b90", "nonsense"])
def test_what_is_no_number_of_one_is_not_found(operator: TestClient, number: str) -> None:
    assert "There is no permission of that number" in words_of(found(operator, number))


def test_it_is_stopped_and_goes_on_by_the_same_party(
    operator: TestClient, given: ConsentId, house: House
) -> None:
    held = token(house, given)
    assert decided(operator, given, "suspend", party="supervisor", ground="breach") == 303
    assert not fetch(house, held)
    assert set(forms(found(operator, given))) == {"resume", "revoke", "invalidate"}
    assert decided(operator, given, "resume", party="system") == 409
    assert decided(operator, given, "resume", party="supervisor") == 303
    assert standing(house, given).status is Status.ACTIVE


def test_the_person_sees_who_decided_and_why(
    operator: TestClient, given: ConsentId, house: House
) -> None:
    assert decided(operator, given, "revoke", party="court", ground="court-order") == 303
    browser = house.signed_in()
    page = words_of(browser.get(f"/en/consents/{given}").text)
    assert "Somebody other than you decided to revoke the consent. A court ordered it." in page
    assert "A court ordered it." in words_of(browser.get("/en/log").text)


def test_what_was_never_valid_marks_its_releases_and_is_assessed(
    operator: TestClient, given: ConsentId, house: House
) -> None:
    assert fetch(house, token(house, given))
    assert decided(operator, given, "invalidate", party="system", ground="fraud") == 303
    html = found(operator, given)
    assert "Nothing can be decided about it any more." in words_of(html)
    address = f"/en/operator/consents/{given}/assessment"
    assert "to be decided by 27/11/2026" in words_of(html)
    fields = form_of(html, address)
    assert operator.post(address, data=fields).status_code == 400
    answer = operator.post(address, data={**fields, "outcome": "no-risk"})
    assert answer.status_code == 303
    assert "The assessment is written down" in words_of(
        operator.get(answer.headers["location"]).text
    )
    with house.runtime.ledger.read() as connection:
        assert open_assessments(connection) == []
    (released,) = events(house.runtime.ledger, Kind.DATA_RELEASED)
    line = words_of(house.signed_in().get(f"/en/log/{released.event_id}").text)
    assert "So this release is marked" in line


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"party": "supervisor"},
        {"ground": "breach"},
        {"party": "court", "ground": "breach"},
        {"party": "supervisor", "ground": "art18"},
        {"party": "supervisor", "ground": "court-order"},
        {"party": "supervisor", "ground": "breach", "command": "withdraw"},
    ],
)
def test_what_is_not_chosen_or_not_possible_decides_nothing(
    operator: TestClient, given: ConsentId, house: House, chosen: dict[str, str]
) -> None:
    assert decided(operator, given, "suspend", **chosen) == 400
    assert standing(house, given).status is Status.ACTIVE
    assert events(house.runtime.ledger, Kind.CONSENT_SUSPENDED) == []


def test_a_form_of_one_decision_makes_no_other(
    operator: TestClient, given: ConsentId, house: House
) -> None:
    fields = forms(found(operator, given))["suspend"]
    other = {**fields, "command": "revoke", "party": "court", "ground": "court-order"}
    answer = operator.post(f"/en/operator/consents/{given}", data=other)
    assert answer.status_code == 400
    assert standing(house, given).status is Status.ACTIVE


def test_nobody_decides_about_an_own_permission(house: House, given: ConsentId) -> None:
    herself = house.signed_in(role=Role.OPERATOR)
    assert decided(herself, given, "revoke", party="court", ground="court-order") == 404
    assert standing(house, given).status is Status.ACTIVE
