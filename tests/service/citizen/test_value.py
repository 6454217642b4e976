"""One value: every source and its history, and saying that it is not so, in one press."""

import pytest
from starlette.testclient import TestClient

from audit.model import SYSTEM
from audit.unit_of_work import begin
from policies.facts import Document, Fact
from policies.ids import AttributeId, DatasetId, PersonId, SourceId
from policies.vocabulary import AuthorityRank, LevelOfAssurance
from tests.service.citizen.given import fetch, give, token
from tests.service.house import VILLE, House, form_of, words_of
from vault.deposits import deposit

GROSS = "income.monthly_gross"
ADDRESS = f"/en/data/of/{GROSS}"


@pytest.fixture(autouse=True)
def data(house: House) -> None:
    house.deposit(house.person())


def state(
    house: House,
    value: int | str,
    *,
    attribute: str = GROSS,
    source: str = "incomes-register",
    others: frozenset[PersonId] = frozenset(),
    signature: str | None = None,
) -> None:
    """A source says something now."""
    fact = Fact(
        attribute=AttributeId(attribute),
        value=value,
        source=SourceId(source),
        authority=AuthorityRank.AUTHORITATIVE_REGISTER,
        observed_at=house.clock(),
        also_about=others,
    )
    made = Document(DatasetId("income"), fact.source, (fact,), bytes(range(32)), signature)
    person = house.person()
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        deposit(uow, house.runtime.vault, person, made)


def page(browser: TestClient, address: str = ADDRESS) -> str:
    return words_of(browser.get(address).text).replace("\u00a0", " ")


def dispute(browser: TestClient, *, restrict: bool = False, reason: str = "wrong-value") -> str:
    form = form_of(browser.get(ADDRESS).text, f"{ADDRESS}/dispute") | {"reason": reason}
    answer = browser.post(
        f"{ADDRESS}/dispute", data=form | ({"restrict": "yes"} if restrict else {})
    )
    assert answer.status_code == 303, answer.text
    location: str = answer.headers["location"]
    return location


def test_the_page_shows_what_was_said_before(house: House) -> None:
    house.clock.advance(days=1)
    state(house, 320_000, signature="head..signature")
    words = page(house.signed_in())
    assert "Incomes Register 3 200,00 € As of 25/11/2026." in words
    assert "000102030405060708090a0b0c0d0e0f1011" in words
    assert "The document was signed by the source." in words
    assert "3 150,50 €" in words.split("What it said before")[1]


def test_sources_that_differ_are_both_shown_here_and_in_the_list(house: House) -> None:
    state(house, "Toinen Oy", attribute="income.employer", source="vtj")
    browser = house.signed_in()
    words = page(browser, "/en/data/of/income.employer")
    assert "Its sources say different things." in words
    assert "Toinen Oy" in words
    assert "Population Information System" in words
    listed = page(browser, "/en/data")
    assert "The sources differ" in listed
    assert "Toinen Oy" in listed


def test_what_is_about_others_too_says_so(house: House) -> None:
    state(house, 1, others=frozenset({house.person(VILLE)}))
    browser = house.signed_in()
    assert "It is about others too." in page(browser)
    assert "About others too" in page(browser, "/en/data")


def test_disputing_is_one_press_and_is_seen_everywhere(house: House) -> None:
    browser = house.signed_in()
    done = page(browser, dispute(browser))
    assert "It is marked as disputed" in done
    assert "You said on 24/11/2026: It is wrong." in done
    assert "The source corrects it: Tax Administration" in done
    assert "Disputed" in page(browser, "/en/data")
    log = page(browser, "/en/log?show=all")
    assert "You disputed a value" in log
    assert "You said that the value is wrong." in log


def test_who_has_got_it_is_told_and_the_log_says_so(house: House) -> None:
    browser = house.signed_in()
    consent_id, _ = give(house, browser)
    assert fetch(house, token(house, consent_id))
    house.clock.advance(seconds=1)
    dispute(browser)
    log = page(browser, "/en/log?show=all")
    assert "Recipient told" in log
    assert "The notice said that you dispute the value." in log


def test_it_can_be_kept_back_until_it_is_settled(house: House) -> None:
    browser = house.signed_in()
    done = page(browser, dispute(browser, restrict=True, reason="not-about-me"))
    assert "It is not about me" in done
    assert "Until it is settled it is given only where the law says so." in done


def test_what_the_source_has_sent_since_then_is_told(house: House) -> None:
    browser = house.signed_in()
    dispute(browser)
    state(house, 1)
    assert "The source has sent it anew since then." in page(browser)


def test_a_dispute_is_taken_back_in_one_press(house: House) -> None:
    browser = house.signed_in()
    dispute(browser)
    html = browser.get(ADDRESS).text
    answer = browser.post(f"{ADDRESS}/settle", data=form_of(html, f"{ADDRESS}/settle"))
    done = page(browser, answer.headers["location"])
    assert "The mark is gone" in done
    assert "You took it back." in done.split("Settled disputes")[1]
    assert "Disputed" not in page(browser, "/en/data")


def test_a_form_sent_twice_has_one_effect(house: House) -> None:
    browser = house.signed_in()
    form = form_of(browser.get(ADDRESS).text, f"{ADDRESS}/dispute")
    for _ in range(2):
        answer = browser.post(f"{ADDRESS}/dispute", data=form)
        assert answer.headers["location"] == f"{ADDRESS}?done=disputed"


def test_a_form_from_before_the_dispute_disputes_nothing_more(house: House) -> None:
    browser = house.signed_in()
    old = form_of(browser.get(ADDRESS).text, f"{ADDRESS}/dispute")
    dispute(browser)
    assert browser.post(f"{ADDRESS}/dispute", data=old).status_code == 409


def test_a_form_is_for_one_source_and_one_person(house: House) -> None:
    browser, stranger = house.signed_in(), house.signed_in(VILLE)
    form = form_of(browser.get(ADDRESS).text, f"{ADDRESS}/dispute")
    for who, sent in ((browser, form | {"source": "vtj"}), (stranger, form), (browser, {})):
        assert who.post(f"{ADDRESS}/dispute", data=sent).status_code == 400
    assert "Disputed" not in page(browser, "/en/data")


def test_what_is_not_held_or_not_known_has_no_page(house: House) -> None:
    assert house.signed_in().get("/en/data/of/income.horoscope").status_code == 404
    stranger = house.signed_in(VILLE)
    assert stranger.get(ADDRESS).status_code == 404


def test_an_attribute_that_is_not_in_the_catalogue_takes_no_form(house: House) -> None:
    browser = house.signed_in()
    form = form_of(browser.get(ADDRESS).text, f"{ADDRESS}/dispute")
    assert browser.post("/en/data/of/income.horoscope/dispute", data=form).status_code == 404


def test_health_data_needs_the_stronger_sign_in(house: House) -> None:
    browser = house.signed_in(loa=LevelOfAssurance.SUBSTANTIAL)
    words = page(browser, "/en/data/of/glucose.latest_value")
    assert "6,4" not in words
    assert "Shown after a stronger sign-in" in words


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_page_is_there_in_every_language_and_its_title_tells_nothing(
    house: House, language: str
) -> None:
    browser = house.signed_in(language=language)
    html = browser.get(f"/{language}/data/of/{GROSS}").text
    title = html.split("<title>")[1].split("</title>")[0]
    assert f'lang="{language}"' in html
    assert not [word for word in ("3150", "3 150", "pay", "palkka", "lön") if word in title]
