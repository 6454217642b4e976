"""The list of consents, and withdrawing: one press on the row, effective at once."""

import re

import pytest

from audit.model import Kind
from audit.reader import entries_about
from consent.model import Status
from consent.reading import consent
from tests.service.citizen.given import fetch, give, refuse, token, withdraw
from tests.service.house import VILLE, House, form_of, words_of


@pytest.fixture(autouse=True)
def data(house: House) -> None:
    house.deposit(house.person())


def section(html: str, heading: str) -> str:
    """The words of the part of the page under a heading."""
    return words_of(html.split(f"<h2>{heading}</h2>")[1].split("<h2>")[0])


def test_each_consent_stands_in_its_place(house: House) -> None:
    browser = house.signed_in()
    give(house, browser, "bank-loan-offer")
    withdraw(browser, give(house, browser)[0])
    refuse(house, browser, "city-housing-support")
    house.request(house.person(), "employment-service-plan")
    html = browser.get("/en/consents").text
    assert "Example Bank" in section(html, "In force")
    assert "Employment Services" in section(html, "Waiting for you")
    assert "Debt Counselling" in section(html, "Not in force any more")
    assert "City of Esimerkkilä" in section(html, "You said no")


def test_empty_lists_say_so(house: House) -> None:
    html = house.signed_in().get("/en/consents").text
    assert "You have given nobody a permission" in section(html, "In force")
    assert "Nothing waits" in section(html, "Waiting for you")


def test_a_row_says_what_until_when_and_how_often(house: House) -> None:
    browser = house.signed_in()
    give(house, browser)
    row = section(browser.get("/en/consents").text, "In force")
    assert "Monthly pay before tax, Benefits per month, Household size" in row
    assert "In force until 22/2/2027 (3 months more)." in row
    assert "May be fetched 5 times more." in row


def test_withdrawing_is_one_press_on_the_row_and_works_at_once(house: House) -> None:
    browser = house.signed_in()
    consent_id, _ = give(house, browser)
    held = token(house, consent_id)
    assert fetch(house, held)
    page = words_of(browser.get(withdraw(browser, consent_id)).text)
    assert "can fetch nothing more on this from now on" in page
    assert "The data is deleted one year after the counselling ends." in page
    assert not fetch(house, held)
    log = words_of(browser.get("/en/log").text)
    assert "Refused" in log


def test_withdrawing_twice_is_once(house: House) -> None:
    browser = house.signed_in()
    consent_id, _ = give(house, browser)
    address = f"/en/consents/{consent_id}/withdraw"
    forms = [form_of(browser.get("/en/consents").text, address) for _ in range(2)]
    leads_to = {browser.post(address, data=form).headers["location"] for form in [forms[0], *forms]}
    assert leads_to == {f"/en/consents?done={consent_id}"}
    with house.runtime.ledger.read() as connection:
        entries = entries_about(connection, house.runtime.ledger, house.person())
    assert [each.kind for each in entries].count(Kind.CONSENT_WITHDRAWN) == 1


def test_withdrawing_what_its_last_use_has_ended_says_that_it_has_ended(house: House) -> None:
    browser = house.signed_in()
    consent_id, _ = give(house, browser)
    address = f"/en/consents/{consent_id}/withdraw"
    form = form_of(browser.get("/en/consents").text, address)
    held = token(house, consent_id)
    assert all(fetch(house, held) for _ in range(5))
    answer = browser.post(address, data=form)
    assert answer.status_code == 409
    assert "can fetch nothing more on this." in words_of(answer.text)
    with house.runtime.ledger.read() as connection:
        standing = consent(connection, consent_id)
    assert standing is not None
    assert standing.status is Status.EXPIRED


def test_nobody_withdraws_for_another(house: House) -> None:
    browser, stranger = house.signed_in(), house.signed_in(VILLE)
    consent_id, _ = give(house, browser)
    address = f"/en/consents/{consent_id}/withdraw"
    form = form_of(browser.get("/en/consents").text, address)
    assert stranger.post(address, data=form).status_code == 400
    assert stranger.get(f"/en/consents?done={consent_id}").text.count("Withdrawn") == 0
    with house.runtime.ledger.read() as connection:
        standing = consent(connection, consent_id)
    assert standing is not None
    assert standing.status is Status.ACTIVE


def test_the_button_says_for_whom_to_those_who_hear_it_alone(house: House) -> None:
    browser = house.signed_in()
    give(house, browser)
    give(house, browser, "bank-loan-offer")
    html = browser.get("/en/consents").text
    labels = [words_of(each) for each in re.findall(r'<button class="button".*?</button>', html)]
    assert len(labels) == len(set(labels)) == 2
    assert all(label.startswith("Withdraw – ") for label in labels)


def links_of(html: str) -> list[str]:
    """Where the links to the rest of a part lead."""
    return [each.replace("&amp;", "&") for each in re.findall(r'href="([^"]+)">Older', html)]


def test_a_long_part_of_the_list_is_paged_and_shows_each_once(house: House) -> None:
    asked = {str(house.request(house.person(), "bank-loan-offer")) for _ in range(45)}
    browser = house.signed_in()
    html = browser.get("/en/consents").text
    seen: list[str] = []
    while True:
        seen += re.findall(r'href="/en/requests/([^"]+)"', html)
        if not links_of(html):
            break
        (older,) = links_of(html)
        assert "part=waiting" in older
        html = browser.get(older).text
        assert "<h2>Not in force any more</h2>" not in html
    assert (len(seen), set(seen)) == (45, asked)
    assert 'href="/en/consents">All permissions' in html


def test_a_page_after_somebody_elses_consent_is_none(house: House) -> None:
    consent_id, _ = give(house, house.signed_in())
    stranger = house.signed_in(VILLE)
    assert stranger.get(f"/en/consents?part=active&after={consent_id}").status_code == 404
    assert stranger.get(f"/en/consents?done={consent_id}").status_code == 404
    assert stranger.get("/en/consents?part=nothing").status_code == 400


def test_nothing_is_said_to_have_ended_that_waits_or_is_in_force(house: House) -> None:
    browser = house.signed_in()
    waiting = house.request(house.person(), "bank-loan-offer")
    for each in (give(house, browser)[0], waiting):
        assert 'role="status"' not in browser.get(f"/en/consents?done={each}").text
