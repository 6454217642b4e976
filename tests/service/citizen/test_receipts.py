"""Receipts: what was answered, in words and as a signed file, for the person alone."""

import hashlib
import re
from dataclasses import replace

import pytest

from audit.model import SYSTEM, Kind
from audit.reader import entries_about
from audit.unit_of_work import begin
from consent.purposes import register_purpose
from consent.receipt_jws import verify_receipt
from policies.ids import PurposeId
from policies.text import Text
from tests.service.citizen.given import give, refuse, withdraw
from tests.service.house import VILLE, House, form_of, words_of


@pytest.fixture(autouse=True)
def data(house: House) -> None:
    house.deposit(house.person())


def test_the_receipt_says_what_was_given_to_whom_for_what_and_until_when(house: House) -> None:
    browser = house.signed_in()
    words = words_of(browser.get(give(house, browser)[1]).text)
    for told in [
        "You gave the data",
        "business ID 9999904-4",
        "Data that you gave Monthly pay before tax, Benefits per month, Household size",
        "Data that you did not give Income per year",
        "In force until 22/2/2027",
        "The data is deleted one year after the counselling ends.",
        "How to withdraw",
        "Data Protection Ombudsman",
    ]:
        assert told in words


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("fi", "Tietosuojavaltuutetun toimisto"),
        ("sv", "Dataombudsmannens byrå"),
        ("en", "Office of the Data Protection Ombudsman"),
    ],
)
def test_where_to_complain_is_the_authority_of_the_data_files(
    house: House, language: str, name: str
) -> None:
    browser = house.signed_in()
    where = give(house, browser)[1].replace("/en/", f"/{language}/")
    link = f'<a href="https://tietosuoja.fi/" rel="noreferrer">{name}</a>'
    assert link in browser.get(where).text


def test_the_file_verifies_without_us_and_its_fingerprint_is_on_the_page(house: House) -> None:
    browser = house.signed_in()
    where = give(house, browser)[1]
    answer = browser.get(f"{where}/file")
    assert answer.headers["content-type"] == "application/jose"
    assert "attachment" in answer.headers["content-disposition"]
    content = verify_receipt(answer.text, {"keys": [house.runtime.receipt_signer.jwk()]})
    assert content["receipt_id"] == where.rsplit("/", 1)[1]
    fingerprint = hashlib.sha256(answer.content).hexdigest()
    assert fingerprint in browser.get(where).text


def test_taking_the_file_out_is_recorded(house: House) -> None:
    browser = house.signed_in()
    browser.get(f"{give(house, browser)[1]}/file")
    with house.runtime.ledger.read() as connection:
        entries = entries_about(connection, house.runtime.ledger, house.person())
    assert [each.kind for each in entries].count(Kind.RECEIPT_READ) == 1


def test_an_answer_leads_back_to_the_one_who_asked_and_a_withdrawal_does_not(
    house: House,
) -> None:
    browser = house.signed_in()
    consent_id, given = give(house, browser)
    assert f'href="/oauth/return/{consent_id}"' in browser.get(given).text
    assert "/oauth/return/" in browser.get(refuse(house, browser, "bank-loan-offer")).text
    page = browser.get(withdraw(browser, consent_id)).text
    (of_withdrawal,) = re.findall(r'href="(/en/receipts/[^"]+)">Receipt of the withdrawal', page)
    assert "/oauth/return/" not in browser.get(of_withdrawal).text
    assert "You withdrew" in words_of(browser.get(of_withdrawal).text)
    assert "/oauth/return/" not in browser.get(given).text


def test_an_old_receipt_says_no_longer_that_the_data_may_be_fetched(house: House) -> None:
    browser = house.signed_in()
    consent_id, given = give(house, browser)
    assert "may now fetch what stands below" in words_of(browser.get(given).text)
    withdraw(browser, consent_id)
    old = words_of(browser.get(given).text)
    assert "You gave the data" in old
    assert "may now fetch" not in old
    assert "can fetch nothing more on this. You withdrew" in old
    listed = words_of(browser.get("/en/receipts").text.split("<main")[1])
    assert "Active" not in listed
    assert "You gave the data" in listed
    assert "You withdrew" in listed


def test_the_receipts_of_one_person_are_for_nobody_else(house: House) -> None:
    where = give(house, house.signed_in())[1]
    stranger = house.signed_in(VILLE)
    assert stranger.get(where).status_code == 404
    assert stranger.get(f"{where}/file").status_code == 404
    assert "You have no receipts yet" in words_of(stranger.get("/en/receipts").text)


def test_all_receipts_stand_in_a_list(house: House) -> None:
    browser = house.signed_in()
    consent_id, given = give(house, browser)
    refused = refuse(house, browser, "bank-loan-offer")
    withdraw(browser, consent_id)
    html = browser.get("/en/receipts").text
    assert html.count('class="panel"') == 3
    assert f'href="{given}"' in html
    assert f'href="{refused}"' in html


def test_a_long_list_of_receipts_is_paged_and_shows_each_once(house: House) -> None:
    browser = house.signed_in()
    answered = {refuse(house, browser) for _ in range(21)}
    html = browser.get("/en/receipts").text
    (older,) = re.findall(r'href="([^"]+)">Older', html)
    rest = browser.get(older).text
    listed = [re.findall(r'<h2 class="item"><a href="([^"]+)"', each) for each in (html, rest)]
    assert [len(each) for each in listed] == [20, 1]
    assert {*listed[0], *listed[1]} == answered
    assert 'href="/en/receipts">Newest' in rest
    assert house.signed_in(VILLE).get(older).status_code == 404


def test_an_old_receipt_keeps_the_words_that_were_agreed_to(house: House) -> None:
    consent_id, given = give(house, house.signed_in())
    runtime = house.runtime
    old = runtime.catalogue.purpose(PurposeId("debt-advice"))
    longer = Text(fi="Kymmenen vuotta.", sv="Tio år.", en="Ten years.")
    with begin(runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        new = replace(old, version=old.version + 1, retention=longer)
        register_purpose(uow, new, runtime.catalogue)
    house.clock.advance(days=80)
    browser = house.signed_in()
    page = f"/en/consents/{consent_id}/renew"
    fields = form_of(browser.get(page).text, page)
    answer = browser.post(page, data={**fields, "decision": "renew"})
    assert "Ten years." in words_of(browser.get(answer.headers["location"]).text)
    kept = words_of(browser.get(given).text)
    assert old.retention.en in kept
    assert "Ten years." not in kept
