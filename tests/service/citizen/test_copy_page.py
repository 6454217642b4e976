"""The copy as a page: alone, in three languages, with all that the JSON has."""

import hashlib
import html
import re

import pytest

from audit.event_proof import EventProof
from audit.model import Actor
from audit.note import NoteVerifier
from audit.unit_of_work import begin
from consent.receipt_jws import verify_receipt
from policies.ids import AttributeId, DatasetId, OrganisationId, SourceId
from policies.vocabulary import Language, Role
from service.citizen.copy_page import Names, page
from service.erasing import erase
from service.i18n import texts
from service.portability.document import document
from service.portability.gathering import Copy, gather
from service.portability.tables import LEFT_OUT
from service.roles import grant_role
from tests.service.citizen.given import give
from tests.service.house import AINO, House, words_of
from tests.service.portability.test_copy import furnished
from tests.vault.given import GROSS
from vault.erasure import Request
from vault.erasure_statement import verify_statement

LANGUAGES = list(Language)


def copy_of(house: House, identifier: str = AINO) -> Copy:
    person = house.person(identifier)
    return gather(house.runtime, person, actor=Actor.person(person))


def folded(shown: str) -> list[str]:
    """What stands folded in the page, for programs."""
    return [html.unescape(each) for each in re.findall(r"<pre>(.*?)</pre>", shown, re.DOTALL)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_stands_alone_in_every_language(house: House, language: Language) -> None:
    furnished(house)
    house.deposit(house.person())
    browser = house.signed_in(language=language.value)
    give(house, browser)
    assert f"/{language}/data/copy" in browser.get(f"/{language}/data").text
    assert f"/{language}/data/copy.html" in browser.get(f"/{language}/data/copy").text
    shown = browser.get(f"/{language}/data/copy.html").text
    assert f'lang="{language}"' in shown
    assert "Vanha Oy" in words_of(shown)
    assert "Esimerkkikatu" in words_of(shown)
    for elsewhere in ("<script", "<link", "src=", "url(", 'style="'):
        assert elsewhere not in shown
    places = set(re.findall(r'href="([^"]*)"', shown))
    assert all(each.startswith("#") and f'id="{each[1:]}"' in shown for each in places)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_what_is_not_in_it_and_why(house: House, language: Language) -> None:
    furnished(house)
    told = words_of(page(house.runtime, copy_of(house), language))
    for why in LEFT_OUT.values():
        assert texts(language).gettext(why) in told


def test_it_has_every_receipt_record_and_proof(house: House) -> None:
    house.deposit(house.person())
    browser = house.signed_in()
    give(house, browser)
    furnished(house)
    copy = copy_of(house)
    made, shown = document(copy, "x"), page(house.runtime, copy, Language.EN)
    (one,) = made["consents"]
    keys = {"keys": [house.runtime.receipt_signer.jwk()]}
    inside = folded(shown)
    for receipt in one["receipts"]:
        assert receipt["jws"] in inside
        assert verify_receipt(receipt["jws"], keys)
    for record in one["records"]:
        (text,) = [each for each in inside if each.startswith("{") and "record_id" in each]
        assert hashlib.sha256(text.encode()).hexdigest() == record["sha256"]
    proofs = {str(EventProof.parse(e).event_id) for e in inside if "event-proof/v1" in e}
    assert proofs == {e["event_id"] for e in made["log"] if e["proof"] is not None}
    for entry in made["log"]:
        assert entry["event_id"] in shown
    (log,) = {each.proof.log for each in copy.log if each.proof is not None}
    keys_of_log = house.runtime.log_signers.verifiers(log)
    (key,) = [each for each in keys_of_log if isinstance(each, NoteVerifier)]
    assert f"--vkey '{key.vkey}'" in html.unescape(shown)


def test_it_has_what_was_erased_with_the_statement(house: House) -> None:
    person = furnished(house)
    with begin(house.runtime.ledger, actor=Actor.person(person), now=house.clock()) as uow:
        erase(uow, house.runtime, person, Request.by_wish(), DatasetId("income"))
    shown = page(house.runtime, copy_of(house), Language.EN)
    keys = {"keys": [house.runtime.receipt_signer.jwk()]}
    (statement,) = [each for each in folded(shown) if each.count(".") == 2 and "{" not in each]
    assert verify_statement(statement, keys)["scope"] == "data-set"
    assert "There is none." in words_of(shown)
    house.clock.advance(days=31)
    assert "no longer kept" in words_of(page(house.runtime, copy_of(house), Language.EN))


def test_it_tells_the_tasks_of_staff(house: House) -> None:
    person = furnished(house)
    assert "Your tasks" not in page(house.runtime, copy_of(house), Language.EN)
    with begin(house.runtime.ledger, actor=Actor.person(person), now=house.clock()) as uow:
        grant_role(uow, person, Role.AUDITOR)
    assert "Audit" in words_of(page(house.runtime, copy_of(house), Language.EN))


def test_what_has_left_the_catalogue_goes_by_its_id(house: House) -> None:
    names = Names(house.runtime.catalogue, Language.FI)
    assert names.attributes((GROSS, AttributeId("old.one"))).endswith(", old.one")
    assert names.dataset(DatasetId("old")) == "old"
    assert names.source(SourceId("old")) == "old"
    assert names.organisation(OrganisationId("old")) == "old"
