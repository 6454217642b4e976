"""The page of one consent: its history, and what can be done to it, each with one press."""

from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from consent.model import Status
from consent.reading import consent
from consent.receipts import receipts_of
from policies.ids import ConsentId
from tests.service.citizen.given import fetch, give, token, withdraw
from tests.service.house import VILLE, House, form_of, words_of


@pytest.fixture(autouse=True)
def data(house: House) -> None:
    house.deposit(house.person())


def press(browser: TestClient, consent_id: ConsentId, what: str) -> str:
    """Press a button of the page; the words of the page where it leads."""
    page = f"/en/consents/{consent_id}"
    fields = form_of(browser.get(page).text, f"{page}/{what}")
    answer = browser.post(f"{page}/{what}", data=fields)
    assert answer.status_code == 303, answer.text
    assert urlsplit(answer.headers["location"]).path == page
    return words_of(browser.get(answer.headers["location"]).text)


def status(house: House, consent_id: ConsentId) -> Status:
    with house.runtime.ledger.read() as connection:
        found = consent(connection, consent_id)
    assert found is not None
    return found.status


def test_the_page_says_what_was_given_and_what_has_happened(house: House) -> None:
    browser = house.signed_in()
    consent_id, _ = give(house, browser)
    assert f'href="/en/consents/{consent_id}"' in browser.get("/en/consents").text
    page = words_of(browser.get(f"/en/consents/{consent_id}").text)
    assert "Monthly pay before tax, Benefits per month, Household size" in page
    assert "You gave your consent or permission." in page


def test_one_press_pauses_it_and_one_lets_it_go_on(house: House) -> None:
    browser = house.signed_in()
    consent_id, _ = give(house, browser)
    held = token(house, consent_id)
    assert fetch(house, held)
    page = press(browser, consent_id, "pause")
    assert "can fetch nothing on this until you let it go on" in page
    assert "You wanted the pause yourself." in page
    assert status(house, consent_id) is Status.SUSPENDED
    assert not fetch(house, held)
    assert "can fetch the data below again" in press(browser, consent_id, "resume")
    assert status(house, consent_id) is Status.ACTIVE


def test_each_press_gives_a_receipt(house: House) -> None:
    browser = house.signed_in()
    consent_id, _ = give(house, browser)
    press(browser, consent_id, "pause")
    press(browser, consent_id, "resume")
    with house.runtime.ledger.read() as connection:
        versions = [each.version for each in receipts_of(connection, house.person())]
    assert sorted(versions) == [1, 2, 3]
    html = browser.get(f"/en/consents/{consent_id}").text
    assert html.count('href="/en/receipts/') == 3


def test_nothing_can_be_done_to_what_has_ended(house: House) -> None:
    browser = house.signed_in()
    consent_id, _ = give(house, browser)
    withdraw(browser, consent_id)
    html = browser.get(f"/en/consents/{consent_id}").text
    assert "What you can do" not in html


@pytest.mark.parametrize("what", ["pause", "resume"])
def test_what_is_not_possible_is_refused_and_changes_nothing(house: House, what: str) -> None:
    browser = house.signed_in()
    consent_id, _ = give(house, browser)
    page = f"/en/consents/{consent_id}"
    pausing = form_of(browser.get(page).text, f"{page}/pause")
    press(browser, consent_id, "pause")
    resuming = form_of(browser.get(page).text, f"{page}/resume")
    withdraw(browser, consent_id)
    answer = browser.post(f"{page}/{what}", data=resuming if what == "resume" else pausing)
    assert answer.status_code == 409
    assert status(house, consent_id) is Status.WITHDRAWN


def test_giving_less_takes_out_what_is_ticked(house: House) -> None:
    browser = house.signed_in()
    consent_id = house.request(house.person(), "debt-advice")
    request = f"/en/requests/{consent_id}"
    fields = form_of(browser.get(request).text, request)
    ticked = {**fields, "decision": "give", "attribute": "income.yearly_total"}
    assert browser.post(request, data=ticked).status_code == 303
    page = f"/en/consents/{consent_id}"
    html = browser.get(page).text
    assert "checked" not in html
    assert html.count('type="checkbox"') == 1
    fields = form_of(html, f"{page}/narrow")
    nothing = browser.post(f"{page}/narrow", data=fields)
    assert nothing.status_code == 409
    assert "Tick at least one piece of data" in words_of(nothing.text)
    fields = form_of(nothing.text, f"{page}/narrow")
    answer = browser.post(f"{page}/narrow", data={**fields, "attribute": "income.yearly_total"})
    shown = words_of(browser.get(answer.headers["location"]).text)
    assert "You give less now" in shown
    assert "Pay in the year" not in shown.partition("What has happened")[0]


def test_a_strangers_consent_is_none(house: House) -> None:
    browser, stranger = house.signed_in(), house.signed_in(VILLE)
    consent_id, _ = give(house, browser)
    page = f"/en/consents/{consent_id}"
    assert stranger.get(page).status_code == 404
    fields = form_of(browser.get(page).text, f"{page}/pause")
    assert stranger.post(f"{page}/pause", data=fields).status_code == 400
    assert status(house, consent_id) is Status.ACTIVE
