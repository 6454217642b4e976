"""Erasing by the person: asked once more, no as easy as yes, and a signed statement to keep."""

import base64
import json
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from audit.model import SYSTEM
from audit.outside_journal import OutsideJournal
from audit.scope import EVERYONE
from consent.model import Status
from consent.reading import consent
from consent.receipt_jws import ReceiptError, verify_receipt
from policies.ids import PersonId
from service.citizen.erasure import MEDIA_TYPE
from service.completeness import check_installation
from tests.service.citizen.given import give
from tests.service.house import AINO, VILLE, House, form_of, words_of
from vault.erasure_statement import KEPT, verify_statement
from vault.holdings import describe
from vault.people import IDENTITY_SCHEME, find_person

EVERYTHING = "/en/data/erase/everything"
INCOME = "/en/data/erase/income"


@pytest.fixture
def person(house: House) -> PersonId:
    found = house.person()
    house.deposit(found)
    return found


@pytest.fixture
def browser(house: House, person: PersonId) -> TestClient:
    return house.signed_in()


def decide(browser: TestClient, address: str, decision: str) -> str:
    """Answer the question; gives where that leads."""
    fields = form_of(browser.get(address).text, address)
    answer = browser.post(address, data=fields | {"decision": decision})
    assert answer.status_code == 303, answer.text
    location: str = answer.headers["location"]
    return location


def held(house: House, person: PersonId) -> set[str]:
    with house.runtime.ledger.read(EVERYONE) as connection:
        return {each.dataset for each in describe(connection, person)}


def test_the_page_says_what_can_be_erased_and_what_stays(browser: TestClient) -> None:
    words = words_of(browser.get("/en/data/erase").text)
    assert "Erase this group – Income" in words
    assert "Erase everything" in words
    assert "What stays, and why" in words
    assert "for 30 days at most" in words
    assert "/en/data/erase" in browser.get("/en/data").text


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
@pytest.mark.parametrize("page", ["", "/everything", "/income"])
def test_every_page_is_there_in_every_language(
    browser: TestClient, language: str, page: str
) -> None:
    assert browser.get(f"/{language}/data/erase{page}").status_code == 200


@pytest.mark.parametrize("address", [EVERYTHING, INCOME])
def test_nothing_happens_before_the_answer(
    house: House, person: PersonId, browser: TestClient, address: str
) -> None:
    before = held(house, person)
    browser.get("/en/data/erase")
    page = browser.get(address).text
    assert held(house, person) == before
    # Yes and no are two buttons of one form that look the same.
    assert page.count('class="button choice" type="submit" name="decision"') == 2


@pytest.mark.parametrize("address", [EVERYTHING, INCOME])
def test_no_leads_back_and_changes_nothing(
    house: House, person: PersonId, browser: TestClient, address: str
) -> None:
    before = held(house, person)
    assert decide(browser, address, "keep") == "/en/data"
    assert held(house, person) == before


def test_everything_goes_and_the_person_is_signed_out(
    house: House, person: PersonId, browser: TestClient
) -> None:
    elsewhere = house.signed_in()
    consent_id, _ = give(house, browser)
    assert "One permission ends." in words_of(browser.get(EVERYTHING).text)
    shown = decide(browser, EVERYTHING, "erase")
    assert held(house, person) == set()
    for each in (browser, elsewhere):
        assert each.get("/en/data").status_code == 303
    with house.runtime.ledger.read(EVERYONE) as connection:
        ended = consent(connection, consent_id)
        assert (
            find_person(connection, house.runtime.vault, scheme=IDENTITY_SCHEME, identifier=AINO)
            is None
        )
    assert ended is not None
    assert ended.status is Status.WITHDRAWN
    page = house.visitor().get(shown)
    assert page.status_code == 200
    words = words_of(page.text)
    assert "Your data was erased here" in words
    assert "One permission ended." in words
    assert "Income" in words


@pytest.mark.parametrize("address", [EVERYTHING, INCOME])
def test_no_room_misses_anything_afterwards(
    house: House, browser: TestClient, address: str
) -> None:
    give(house, browser)
    decide(browser, address, "erase")
    runtime = house.runtime
    runtime.sequencer.run_once(house.clock())
    report = check_installation(runtime.ledger, actor=SYSTEM, now=house.clock())
    assert report.findings == ()


def test_the_statement_is_signed_and_names_nobody(
    house: House, person: PersonId, browser: TestClient
) -> None:
    shown = decide(browser, EVERYTHING, "erase")
    file = house.visitor().get(f"{shown}/file")
    assert file.headers["content-type"] == MEDIA_TYPE
    jwks = {"keys": [house.runtime.receipt_signer.jwk()]}
    content = verify_statement(file.text, jwks)
    assert content["scope"] == "everything"
    assert content["iss"] == house.runtime.settings.base_url
    assert content["datasets"] == ["glucose", "income", "person", "residence"]
    assert content["backups_until"] == (house.clock() + timedelta(days=30)).date().isoformat()
    assert "log" in content["stays"]
    for planted in (AINO, str(person), "Aino"):
        assert planted not in json.dumps(content)
    with pytest.raises(ReceiptError):
        verify_receipt(file.text, jwks)  # it does not pass for a receipt


def test_a_changed_statement_is_no_statement(house: House, browser: TestClient) -> None:
    shown = decide(browser, INCOME, "erase")
    head, payload, signature = browser.get(f"{shown}/file").text.split(".")
    content = json.loads(base64.urlsafe_b64decode(payload + "=="))
    content["scope"] = "everything"
    written = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
    other = base64.urlsafe_b64encode(written).rstrip(b"=").decode()
    jwks = {"keys": [house.runtime.receipt_signer.jwk()]}
    with pytest.raises(ReceiptError):
        verify_statement(f"{head}.{other}.{signature}", jwks)


def test_the_same_form_sent_twice_shows_the_statement_twice(
    house: House, person: PersonId, browser: TestClient
) -> None:
    """The first press has ended the session; the second shows what was done."""
    fields = form_of(browser.get(EVERYTHING).text, EVERYTHING) | {"decision": "erase"}
    first = browser.post(EVERYTHING, data=fields)
    second = browser.post(EVERYTHING, data=fields)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]


@pytest.mark.parametrize("form", ["", "x", "a.b", "e30.e30"])
def test_nobody_who_is_not_signed_in_can_erase(house: House, person: PersonId, form: str) -> None:
    answer = house.visitor().post(EVERYTHING, data={"form": form, "decision": "erase"})
    assert answer.status_code == 401
    assert held(house, person)


@pytest.mark.parametrize("address", [EVERYTHING, INCOME])
def test_a_form_of_another_question_erases_nothing(
    house: House, person: PersonId, browser: TestClient, address: str
) -> None:
    other = "/en/data/erase/residence"
    fields = form_of(browser.get(other).text, other) | {"decision": "erase"}
    before = held(house, person)
    assert browser.post(address, data=fields).status_code == 400
    assert held(house, person) == before


def test_one_group_goes_and_the_others_stay(
    house: House, person: PersonId, browser: TestClient
) -> None:
    before = held(house, person)
    shown = decide(browser, INCOME, "erase")
    assert held(house, person) == before - {"income"}
    words = words_of(browser.get(shown).text)
    assert "This group was erased here" in words
    values = words_of(browser.get("/en/data").text)
    assert "Esimerkkikatu" in values
    assert "Esimerkkitila" not in values


def test_what_a_register_sends_of_an_erased_group_is_refused_until_it_is_allowed(
    house: House, person: PersonId, browser: TestClient
) -> None:
    from vault.documents import Refusal, RefusedDocumentError

    decide(browser, INCOME, "erase")
    with pytest.raises(RefusedDocumentError) as refused:
        house.deposit(person, {"income.employer": "Uusi Oy"})
    assert refused.value.reason is Refusal.NOT_WANTED
    allow = "/en/data/allow/income"
    page = browser.get("/en/data").text
    assert "Not kept here at your wish" in page
    assert browser.post(allow, data=form_of(page, allow)).status_code == 303
    assert "Not kept here at your wish" not in browser.get("/en/data").text
    house.deposit(person, {"income.employer": "Uusi Oy"})
    assert "income" in held(house, person)


def test_the_statement_of_a_group_is_for_the_person_only(
    house: House, person: PersonId, browser: TestClient
) -> None:
    shown = decide(browser, INCOME, "erase")
    assert browser.get(shown).status_code == 200
    for stranger in (house.visitor(), house.signed_in(VILLE)):
        for address in (shown, f"{shown}/file"):
            assert stranger.get(address).status_code == 404


def test_a_statement_is_kept_for_a_while(house: House, browser: TestClient) -> None:
    shown = decide(browser, EVERYTHING, "erase")
    house.clock.at += KEPT - timedelta(seconds=1)
    assert house.visitor().get(shown).status_code == 200
    house.clock.at += timedelta(seconds=1)
    assert house.visitor().get(shown).status_code == 404


NOBODYS = "0f8c2f2e-6c1b-4a44-9f0a-0000000000ff"


@pytest.mark.parametrize(
    "address",
    [f"/en/erasures/{NOBODYS}", f"/en/erasures/{NOBODYS}/file", "/en/data/erase/unheard-of"],
)
def test_what_is_not_there_is_not_found(browser: TestClient, address: str) -> None:
    assert browser.get(address).status_code == 404


def test_a_group_that_the_catalogue_does_not_have_is_not_found(
    house: House, browser: TestClient
) -> None:
    address = "/en/data/erase/everything"
    fields = form_of(browser.get(address).text, address)
    assert browser.post("/en/data/allow/unheard-of", data=fields).status_code == 404


def test_an_erasure_is_refused_while_the_journal_cannot_be_written(
    house: House, person: PersonId, browser: TestClient
) -> None:
    journal = house.runtime.ledger.journal
    assert isinstance(journal, OutsideJournal)
    fields = form_of(browser.get(EVERYTHING).text, EVERYTHING) | {"decision": "erase"}
    journal.path.unlink(missing_ok=True)
    journal.path.mkdir()
    before = held(house, person)
    answer = browser.post(EVERYTHING, data=fields)
    assert answer.status_code == 503
    assert "Nothing can be erased at the moment" in answer.text
    assert held(house, person) == before
    assert browser.get("/en/data").status_code == 200
    journal.path.rmdir()
    assert browser.post(EVERYTHING, data=fields).status_code == 303


def test_a_mark_that_protects_the_person_stays_while_it_has_to(house: House) -> None:
    person = house.person(VILLE)
    marked = {"residence.street_address": "Salakatu 1"}
    house.deposit(person, marked, protected=True)
    house.deposit(person, {"person.home_municipality": "091"})
    browser = house.signed_in(VILLE)
    address = "/en/data/erase/residence"
    assert "bears the mark that protects you" in browser.get(address).text
    assert "bears the mark that protects you" in browser.get("/en/data/erase").text
    assert "<button" not in browser.get(address).text.partition("<main")[2]
    decide(browser, "/en/data/erase/person", "erase")
    decide(browser, address, "erase")
    assert held(house, person) == set()
