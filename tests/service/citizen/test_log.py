"""The access log: who, when, what, for what, on which ground; refused tries too."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from audit.database import Instant
from audit.model import Actor
from audit.unit_of_work import begin
from consent.authorization_details import AuthorizationDetails
from consent.decisions import Permit, decide_fetch
from consent.grants import Grant
from consent.tokens import access, issue_statutory_token
from policies.ids import AttributeId, PurposeId
from policies.vocabulary import Language
from service.words import BASES, event_texts
from tests.consent.flow import JKT
from tests.service.citizen.changed import change, erase, released
from tests.service.citizen.given import fetch, give, token, visits, withdraw
from tests.service.house import VILLE, House, words_of
from vault.release import release

LAW = PurposeId("kela-income-check")


def by_law(house: House) -> None:
    """An authority fetches by law."""
    client, gross = house.clients[LAW], AttributeId("income.monthly_gross")
    person = house.person()
    details = AuthorizationDetails(purpose=LAW, attributes=(gross,), case="K/1")
    with begin(house.runtime.ledger, actor=Actor.client(client.id), now=house.clock()) as uow:
        grant = issue_statutory_token(uow, client, details, person, jkt=JKT)
        assert isinstance(grant, Grant)
        held = access(uow.connection, grant.access_token)
        assert held is not None
        permit = decide_fetch(uow, held, [gross])
        assert isinstance(permit, Permit)
        release(uow, house.runtime.vault, permit)


def stored_instant(house: House, at: datetime) -> Any:
    return Instant().process_bind_param(at, house.runtime.ledger.engine.dialect)


@pytest.fixture(autouse=True)
def data(house: House) -> None:
    house.deposit(house.person())


def entries(html: str) -> list[str]:
    """The words of each entry on the page."""
    return [words_of(each) for each in re.findall(r'<li class="entry">.*?</li>', html, re.DOTALL)]


def test_a_fetch_says_who_when_what_for_what_and_on_which_ground(house: House) -> None:
    browser = house.signed_in()
    fetch(house, token(house, give(house, browser)[0]))
    (entry,) = [each for each in entries(browser.get("/en/log").text) if "Data released" in each]
    for told in [
        "24/11/2026 11.00",
        "Who: Esimerkkilä Financial and Debt Counselling",
        "For: Financial and debt counselling",
        "Ground: your consent",
        "Data: Monthly pay before tax",
        "Case: 2026/17",
    ]:
        assert told in entry


def test_a_fetch_by_law_is_told_as_one_and_never_as_a_choice(house: House) -> None:
    by_law(house)
    page = house.signed_in().get("/en/log").text
    told = [each for each in entries(page) if "Ground: by law" in each]
    assert told
    assert all("consent" not in each.lower() for each in told)


def test_a_refused_try_stands_there_with_its_reason(house: House) -> None:
    browser = house.signed_in()
    consent_id, _ = give(house, browser)
    held = token(house, consent_id)
    withdraw(browser, consent_id)
    assert not fetch(house, held)
    newest = entries(browser.get("/en/log").text)[0]
    assert "Refused" in newest
    assert "Who: Esimerkkilä Financial and Debt Counselling" in newest


def test_own_visits_are_left_out_until_asked_for(house: House) -> None:
    browser = house.signed_in()
    browser.get("/en/data")
    assert "You looked at" not in words_of(browser.get("/en/log").text)
    assert "Sign-in" in words_of(browser.get("/en/log?show=all").text)


def test_pages_follow_each_other_without_gap_or_double(house: House) -> None:
    visits(house, house.person(), 120)
    browser = house.signed_in()
    seen: list[str] = []
    path = "/en/log"
    for _ in range(10):
        html = browser.get(path).text
        seen += re.findall(r'datetime="([^"]+)"', html)
        older = re.search(r'href="(/en/log\?before=\d+)">Older', html)
        if older is None:
            break
        path = older[1]
    assert seen == sorted(seen, reverse=True)
    assert len([each for each in seen if each > "2026-11-24T09:00:59"]) == 120


@pytest.mark.parametrize("before", ["0", "-1", "x", "99999999999999999999999"])
def test_a_page_that_cannot_be_is_refused(house: House, before: str) -> None:
    assert house.signed_in().get(f"/en/log?before={before}").status_code == 400


def test_the_log_says_since_when_it_runs_and_what_it_is_when_empty(house: House) -> None:
    words = words_of(house.signed_in(VILLE).get("/en/log?before=1").text)
    assert "This log begins on 24 November 2026." in words
    assert "There is nothing here." in words


def test_nobody_sees_the_log_of_another(house: House) -> None:
    give(house, house.signed_in())
    assert "Debt" not in words_of(house.signed_in(VILLE).get("/en/log?show=all").text)


def test_each_line_leads_to_its_check(house: House) -> None:
    browser = house.signed_in()
    fetch(house, token(house, give(house, browser)[0]))
    page = browser.get("/en/log").text
    links = re.findall(r'<a href="(/en/log/[0-9a-f-]{36})">Check this line', page)
    assert len(links) == len(set(links)) == len(entries(page))
    assert all(browser.get(link).status_code == 200 for link in links)


@pytest.mark.parametrize("language", list(Language))
def test_every_kind_of_event_has_its_words(language: Language) -> None:
    for text in event_texts().values():
        assert text.name.in_language(language)


def test_the_law_is_never_called_a_choice() -> None:
    assert "your" not in BASES[next(each for each in BASES if each.value == "statute")]


GAPS = {
    Language.EN: "One entry is missing between 24/11/2026 11.00 and 24/11/2026 11.02.",
    Language.FI: "Yksi merkintä puuttuu väliltä 24.11.2026 klo 11.00 – 24.11.2026 klo 11.02.",
    Language.SV: "En anteckning saknas mellan 24.11.2026 kl. 11.00 och 24.11.2026 kl. 11.02.",
}


@pytest.mark.parametrize("language", Language)
def test_an_entry_that_was_taken_away_is_missed(house: House, language: Language) -> None:
    browser, person, start = house.signed_in(), house.person(), house.clock.at
    for _ in range(3):
        released(house, person)
        house.clock.at += timedelta(minutes=1)
    change(
        house,
        "audit_about",
        "DELETE FROM audit_about WHERE number = (SELECT number FROM audit_event WHERE at = :at)",
        at=stored_instant(house, start + timedelta(minutes=1)),
    )
    page = words_of(browser.get(f"/{language}/log").text)
    assert GAPS[language] in page
    assert "data protection" in page.lower() or language is not Language.EN


def test_a_whole_log_says_of_no_gap(house: House) -> None:
    browser = house.signed_in()
    released(house, house.person())
    for address in ("/en/log", "/en/log?show=all"):
        page = words_of(browser.get(address).text)
        assert "missing" not in page
        assert "erased" not in page


def test_entries_that_were_erased_are_named_by_their_year_and_not_as_missing(house: House) -> None:
    browser = house.signed_in()
    released(house, house.person())
    erase(house, house.person())
    page = words_of(browser.get("/en/log?show=all").text)
    assert "The entries of 2026 were erased and can be read by nobody." in page
    assert "missing" not in page
