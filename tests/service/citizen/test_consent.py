"""The page of one consent: its history, and what can be done to it, each with one press."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from audit.model import SYSTEM
from audit.unit_of_work import begin
from consent.model import Status
from consent.purposes import register_purpose
from consent.reading import consent
from consent.receipts import receipts_of
from policies.ids import ConsentId, PurposeId
from policies.text import Text
from tests.service.citizen.given import fetch, give, token, withdraw
from tests.service.house import VALUES, VILLE, House, form_of, words_of


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


def test_near_its_end_it_can_be_let_go_on_or_let_end(house: House) -> None:
    browser = house.signed_in()
    consent_id, _ = give(house, browser)
    page = f"/en/consents/{consent_id}"
    assert f"{page}/renew" not in browser.get(page).text
    assert browser.get(f"{page}/renew").status_code == 409
    house.clock.advance(days=80)
    browser = house.signed_in()
    assert f"{page}/renew" in browser.get(page).text
    html = browser.get(f"{page}/renew").text
    assert "If you do nothing, it ends then." in words_of(html)
    assert "Nothing. The terms are the same." in words_of(html)
    fields = form_of(html, f"{page}/renew")
    hidden = browser.post(f"{page}/renew", data={**fields, "decision": "show"})
    assert hidden.status_code == 200
    answer = browser.post(f"{page}/renew", data={**fields, "decision": "renew"})
    assert answer.headers["location"].startswith("/en/receipts/")
    assert "13/5/2027" in words_of(browser.get(page).text)
    assert browser.get(f"{page}/renew").status_code == 409


def test_what_the_notice_says_else_is_told_before_and_after(house: House) -> None:
    browser = house.signed_in()
    consent_id, _ = give(house, browser)
    runtime = house.runtime
    old = runtime.catalogue.purpose(PurposeId("debt-advice"))
    longer = Text(fi="Kymmenen vuotta.", sv="Tio år.", en="Ten years.")
    new = replace(
        old,
        version=old.version + 1,
        retention=longer,
        automated_decision=not old.automated_decision,
        max_validity_days=30,
        max_uses=3,
    )
    with begin(runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        register_purpose(uow, new, runtime.catalogue)
    house.clock.advance(days=80)
    for language, said in (("en", "Ten years."), ("fi", "Kymmenen vuotta."), ("sv", "Tio år.")):
        html = house.signed_in().get(f"/{language}/consents/{consent_id}/renew").text
        assert said in words_of(html)


def test_a_renewal_that_was_shown_too_long_ago_is_shown_again(house: House) -> None:
    browser = house.signed_in()
    consent_id, _ = give(house, browser)
    house.clock.advance(days=80)
    browser = house.signed_in()
    page = f"/en/consents/{consent_id}/renew"
    fields = form_of(browser.get(page).text, page)
    house.deposit(house.person(), {**VALUES, "income.monthly_gross": 1})
    answer = browser.post(page, data={**fields, "decision": "renew"})
    assert answer.status_code == 409
    assert "Look once more" in words_of(answer.text)


def test_a_renewal_whose_notice_changed_meanwhile_is_shown_again(house: House) -> None:
    consent_id, _ = give(house, house.signed_in())
    house.clock.advance(days=80)
    browser, runtime = house.signed_in(), house.runtime
    page = f"/en/consents/{consent_id}/renew"
    fields = form_of(browser.get(page).text, page)
    old = runtime.catalogue.purpose(PurposeId("debt-advice"))
    longer = Text(fi="Kymmenen vuotta.", sv="Tio år.", en="Ten years.")
    with begin(runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        newer = replace(old, version=old.version + 1, retention=longer)
        register_purpose(uow, newer, runtime.catalogue)
    answer = browser.post(page, data={**fields, "decision": "renew"})
    assert answer.status_code == 409
    assert "Ten years." in words_of(answer.text)
    again = browser.post(page, data={**form_of(answer.text, page), "decision": "renew"})
    assert again.headers["location"].startswith("/en/receipts/")
