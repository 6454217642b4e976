"""Receipts to take along: with the proof of the log, and in the forms of others."""

import json

import pytest
from starlette.testclient import TestClient

from audit.model import Kind
from audit.note import NoteVerifier
from audit.reader import entries_about
from audit.trust import Trust
from consent.receipt_check import CheckedReceipt, check_file
from consent.receipt_jws import verify_receipt
from consent.receipts import receipts_of_consents
from tests.service.citizen.given import give, refuse, withdraw
from tests.service.house import VILLE, House


@pytest.fixture
def browser(house: House) -> TestClient:
    house.deposit(house.person())
    return house.signed_in()


def keys(house: House) -> dict[str, object]:
    return {"keys": [house.runtime.receipt_signer.jwk()]}


def trust(house: House) -> Trust:
    verifiers = house.runtime.log_signers.verifiers("2026h2")
    return Trust.of(*(each.vkey for each in verifiers if isinstance(each, NoteVerifier)))


def checked(house: House, content: bytes) -> CheckedReceipt:
    return check_file(content, keys(house), trust(house), file="receipt.json")


def test_the_receipt_with_its_proof_verifies_without_us(house: House, browser: TestClient) -> None:
    where = give(house, browser)[1]
    house.runtime.sequencer.run_once(house.clock())
    answer = browser.get(f"{where}/as/signed")
    assert answer.headers["content-type"] == "application/jose+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"].endswith('.json"')
    found = checked(house, answer.content)
    assert str(found.content.id) == where.rsplit("/", 1)[1]
    assert found.proven is not None
    assert found.digest in browser.get(where).text
    person = str(house.person())
    assert person not in answer.text


def test_before_it_has_a_place_it_is_the_signed_receipt_alone(
    house: House, browser: TestClient
) -> None:
    answer = browser.get(f"{give(house, browser)[1]}/as/signed")
    assert answer.headers["content-type"] == "application/jose"
    assert (
        verify_receipt(answer.text, keys(house))["receipt_id"]
        in answer.headers["content-disposition"]
    )


def test_taking_it_out_is_recorded_once_each_time(house: House, browser: TestClient) -> None:
    where = give(house, browser)[1]
    for _ in range(2):
        browser.get(f"{where}/as/signed")
    with house.runtime.ledger.read() as connection:
        entries = entries_about(connection, house.runtime.ledger, house.person())
    assert [each.kind for each in entries].count(Kind.RECEIPT_READ) == 2


def test_another_persons_receipt_is_not_there_in_any_form(
    house: House, browser: TestClient
) -> None:
    where = give(house, browser)[1]
    stranger = house.signed_in(VILLE)
    assert stranger.get(f"{where}/as/signed").status_code == 404
    with house.runtime.ledger.read() as connection:
        entries = entries_about(connection, house.runtime.ledger, house.person(VILLE))
    assert Kind.RECEIPT_READ not in {each.kind for each in entries}


def test_a_form_that_there_is_not_is_not_there(house: House, browser: TestClient) -> None:
    where = give(house, browser)[1]
    assert 400 <= browser.get(f"{where}/as/telegram").status_code < 500


def test_the_withdrawal_names_the_receipt_that_it_ends(house: House, browser: TestClient) -> None:
    consent_id, given = give(house, browser)
    withdraw(browser, consent_id)
    house.runtime.sequencer.run_once(house.clock())
    with house.runtime.ledger.read() as connection:
        newest = receipts_of_consents(connection, [consent_id])[0]
    first = checked(house, browser.get(f"{given}/as/signed").content)
    second = checked(house, browser.get(f"/en/receipts/{newest.id}/as/signed").content)
    assert second.content.previous_receipt == first.digest
    assert json.loads(browser.get(f"/en/receipts/{newest.id}/as/signed").text)["header"]["log"]


def test_time_leaves_a_receipt_on_the_persons_page(house: House, browser: TestClient) -> None:
    give(house, browser)
    house.clock.advance(days=400)
    house.runtime.expiry.run_once(house.clock())
    page = house.signed_in().get("/en/receipts").text
    assert "It has ended" in page
    assert page.count('class="item"') == 2


FORMS = {
    "27560": "application/json",
    "dpv": "application/ld+json",
    "kantara": "application/json",
    "odrl": "application/ld+json",
    "fhir": "application/fhir+json",
    "mydata": "application/json",
}


@pytest.mark.parametrize(("form", "media_type"), FORMS.items())
def test_the_receipt_is_given_in_each_form(
    house: House, browser: TestClient, form: str, media_type: str
) -> None:
    where = give(house, browser)[1]
    answer = browser.get(f"{where}/as/{form}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"].endswith(f'.{form}.json"')
    assert answer.json()
    assert str(house.person()) not in answer.text
    assert f'href="{where}/as/{form}"' in browser.get(where).text


@pytest.mark.parametrize("form", ["kantara", "odrl", "mydata"])
def test_a_refusal_has_no_form_that_knows_of_none(
    house: House, browser: TestClient, form: str
) -> None:
    where = refuse(house, browser)
    assert browser.get(f"{where}/as/{form}").status_code == 404
    assert f"{where}/as/{form}" not in browser.get(where).text
    assert browser.get(f"{where}/as/dpv").json()["@type"] == "dpv:ConsentReceipt"
