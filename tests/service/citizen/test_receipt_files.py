"""Receipts to take along: with the proof of the log, and in the forms of others."""

import json
import re
import shlex
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from audit.model import Kind
from audit.note import NoteVerifier
from audit.reader import entries_about
from audit.trust import Trust
from consent.receipt_check import CheckedReceipt, check_file
from consent.receipt_jws import verify_receipt
from consent.receipts import receipts_of_consents
from policies.vocabulary import Language
from service.cli.main import main
from service.pages import environment
from tests.service.citizen.given import give, refuse, withdraw
from tests.service.house import VILLE, House, words_of


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


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_the_page_to_keep_says_what_the_signed_receipt_says(
    house: House, browser: TestClient, language: str
) -> None:
    where = give(house, browser)[1].replace("/en/", f"/{language}/")
    house.runtime.sequencer.run_once(house.clock())
    answer = browser.get(f"{where}/as/page")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    found = checked(house, browser.get(f"{where}/as/signed").content)
    content = found.content
    words = words_of(answer.text)
    for told in [
        found.digest,
        str(content.id),
        f"{content.record}@{content.version}",
        content.principal,
        content.purpose_text[language],
        content.retention[language],
        content.recipients[language],
        content.party["party_name"][language],
        "Esimerkkikatu 4, 00000 Esimerkkilä",
        content.withdraw_at,
        content.complaint["party_name"][language],
        content.notice_version,
        "7(3), 15, 16",
        "2026/17",
        house.runtime.log_signers.base_signers[0].vkey,
    ]:
        assert told in words, told
    assert f'<html lang="{language}">' in answer.text


def test_the_page_to_keep_stands_alone_and_prints(house: House, browser: TestClient) -> None:
    page = browser.get(f"{give(house, browser)[1]}/as/page").text
    assert "@media print" in page
    assert "<script" not in page
    for outside in ["<link", "<img", "src=", "@import", "url("]:
        assert outside not in page
    assert "None yet." in words_of(page)


def test_the_command_on_the_page_checks_the_receipt(
    house: House, browser: TestClient, tmp_path: Path
) -> None:
    where = give(house, browser)[1]
    house.runtime.sequencer.run_once(house.clock())
    page = unescape(browser.get(f"{where}/as/page").text)
    command = re.search(r"consent-vault (receipt verify .*? --vkey '[^']+')", page)
    assert command is not None
    arguments = [
        str(tmp_path / each) if each.endswith(".json") else each for each in shlex.split(command[1])
    ]
    signed = browser.get(f"{where}/as/signed")
    (tmp_path / f"receipt-{where.rsplit('/', 1)[1]}.json").write_bytes(signed.content)
    (tmp_path / "jwks.json").write_bytes(browser.get("/oauth/jwks").content)
    told = CliRunner().invoke(main, arguments)
    assert told.exit_code == 0, told.output
    assert "in a signed tree" in told.output


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        ("active", "give", "You gave the data"),
        ("active", "narrow", "You gave less than before"),
        ("active", "renew", "You renewed it"),
        ("suspended", "suspend", "Paused"),
        ("active", "resume", "It goes on"),
        ("pending_joint", "give-first-of-many", "Waiting for another person"),
        ("refused", "refuse", "You gave nothing"),
        ("withdrawn", "withdraw", "You withdrew"),
        ("revoked", "revoke", "It was ended, not by you"),
        ("invalidated", "invalidate", "It was never valid"),
        ("expired", "reach-end", "It has ended"),
        ("expired", "use-last", "It has ended"),
    ],
)
def test_each_receipt_says_in_a_few_words_what_it_is_of(
    status: str, reason: str, words: str
) -> None:
    said = environment(Language.EN).get_template("citizen/receipt_said.html").module
    assert said.headline(status, reason).strip() == words  # type: ignore[attr-defined]
