"""Receipts in the store, and what they say."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import DBAPIError

from audit.model import SYSTEM, Actor, Event, Kind
from audit.unit_of_work import Ledger, begin
from consent.choices import expire_due, refuse, withdraw
from consent.decisions import Permit
from consent.model import ConsentRecord
from consent.receipts import (
    Receipt,
    ReceiptError,
    ReceiptSigner,
    issue_receipt,
    receipt,
    receipt_of_record,
    receipts_of,
    receipts_of_consents,
    verify_receipt,
)
from policies.ids import PersonId, ReceiptId
from policies.vocabulary import Language, LevelOfAssurance
from tests.consent.flow import GROSS, NOW, YEARLY, Flow
from tests.consent.receipted import ISSUER, JWKS, SIGNER, issuing, received


def _issue(ledger: Ledger, record: ConsentRecord, *, after: int = 0) -> Receipt:
    """Issue it in a unit of work of its own; the record's event is what accounts for it."""
    now = NOW + timedelta(seconds=after)
    with begin(ledger, actor=Actor.person(record.person), now=now) as uow:
        uow.record(Event(kind=Kind.RECEIPT_READ, subject=record.person))
        return issue_receipt(uow, record, SIGNER)


def _payload(issued: Receipt) -> dict[str, Any]:
    return verify_receipt(issued.jws, JWKS)


def test_a_receipt_says_what_was_agreed(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given(details_case="A/7")
    issued = _issue(ledger, given.record)
    said = _payload(issued)
    assert (said["iss"], said["iat"]) == (ISSUER, int(NOW.timestamp()))
    assert said["receipt_id"] == str(issued.id)
    assert said["record"] == given.record.content
    assert said["record_hash"] == f"sha256:{given.record.digest}"
    assert said["event_id"] == str(given.record.event_id)
    assert said["aud"] == [said["record"]["header"]["pii_principal_id"], "debt-counsel"]
    assert said["notice"] == {
        "version": "debt-advice@1",
        "language": "fi",
        "digest": f"sha256:{flow.declaration().digest()}",
    }
    assert said["presentation_digest"] == "hmac-sha256:" + "a" * 64
    assert said["how_to_withdraw"] == [{"channel": "web", "at": f"{ISSUER}/fi/consents"}]
    assert said["complaint_authority"] == {
        "party_name": {
            "fi": "Tietosuojavaltuutetun toimisto",
            "sv": "Dataombudsmannens byrå",
            "en": "Office of the Data Protection Ombudsman",
        },
        "party_url": "https://tietosuoja.fi/",
        "party_type": "authority",
    }
    granted = {
        each["pii_attribute_id"]: each["granted"]
        for each in said["record"]["processing"]["purposes"][0]["pii_information"]
    }
    assert (granted[GROSS], granted[YEARLY]) == (True, False)


def test_a_receipt_holds_no_id_that_follows_the_person(ledger: Ledger) -> None:
    given = Flow(ledger).given()
    issued = _issue(ledger, given.record)
    assert str(given.person) not in json.dumps(_payload(issued))


def test_the_address_for_withdrawing_is_in_the_language_of_the_notice(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    record = flow.give(flow.open(person).id, person, language=Language.SV)
    said = _payload(_issue(ledger, record))
    assert said["how_to_withdraw"][0]["at"] == f"{ISSUER}/sv/consents"


def test_refusals_and_withdrawals_have_receipts_too(ledger: Ledger) -> None:
    flow = Flow(ledger)
    waiting, given = flow.open(flow.person()), flow.given()
    with begin(ledger, actor=Actor.person(waiting.person), now=NOW) as uow:
        refused = refuse(uow, waiting.id, flow.choice(waiting.person))
        of_refusal = issue_receipt(uow, refused, SIGNER)
    with begin(ledger, actor=Actor.person(given.person), now=NOW) as uow:
        loa = LevelOfAssurance.LOW
        withdrawn = withdraw(uow, given.record.consent, person=given.person, loa=loa)
        of_withdrawal = issue_receipt(uow, withdrawn, SIGNER)
    assert _payload(of_refusal)["record"]["events"][-1]["event_state"] == "refused"
    events = _payload(of_withdrawal)["record"]["events"]
    assert [each["event_state"] for each in events] == ["active", "withdrawn"]


def test_receipts_are_found_by_id_by_record_and_by_person(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    first = _issue(ledger, given.record)
    second = _issue(ledger, flow.withdraw(given), after=1)
    with ledger.read() as connection:
        assert receipt(connection, first.id) == first
        assert receipt_of_record(connection, given.record.consent, 2) == second
        assert receipts_of(connection, given.person) == [second, first]
        assert receipts_of_consents(connection, [given.record.consent]) == [second, first]


@pytest.mark.parametrize("apart", [0, 1], ids=["in one moment", "one after another"])
def test_pages_of_receipts_hold_each_once_in_the_order_of_the_list(
    ledger: Ledger, apart: int
) -> None:
    flow = Flow(ledger)
    person = flow.person()
    for place in range(3):
        given = flow.given(person=person)
        _issue(ledger, given.record, after=place * apart)
        _issue(ledger, flow.withdraw(given), after=place * apart)
    with ledger.read() as connection:
        everything = receipts_of(connection, person)
        found: list[Receipt] = []
        while page := receipts_of(connection, person, after=found[-1] if found else None, limit=2):
            assert len(page) <= 2
            found += page
    assert found == everything
    assert len(found) == 6


def test_what_is_not_there_is_none(ledger: Ledger) -> None:
    given = Flow(ledger).given()
    with ledger.read() as connection:
        assert receipt(connection, ReceiptId(uuid4())) is None
        assert receipt_of_record(connection, given.record.consent, 1) is None
        assert receipts_of(connection, PersonId(uuid4())) == []
        assert receipts_of_consents(connection, [given.record.consent]) == []


def test_a_record_has_one_receipt(ledger: Ledger) -> None:
    given = Flow(ledger).given()
    _issue(ledger, given.record)
    with pytest.raises(DBAPIError):
        _issue(ledger, given.record)


def test_another_vaults_receipt_does_not_verify(ledger: Ledger) -> None:
    given = Flow(ledger).given()
    stranger = ReceiptSigner(ISSUER, Ed25519PrivateKey.generate(), "receipts-1")
    with pytest.raises(ReceiptError, match="signature"):
        verify_receipt(_issue(ledger, given.record).jws, {"keys": [stranger.jwk()]})


def _states(ledger: Ledger, person: PersonId) -> list[str]:
    found = [verify_receipt(each.jws, JWKS) for each in received(ledger, person)]
    return [each["record"]["events"][-1]["event_state"] for each in found]


def test_whoever_ends_a_consent_leaves_a_receipt_behind(ledger: Ledger) -> None:
    flow = Flow(issuing(ledger))
    by_time, by_herself = flow.given(), flow.given()
    flow.withdraw(by_herself)
    with begin(ledger, actor=SYSTEM, now=NOW + timedelta(days=400)) as uow:
        expire_due(uow)
    assert _states(ledger, by_time.person) == ["active", "expired"]
    assert _states(ledger, by_herself.person) == ["active", "withdrawn"]


def test_the_last_use_leaves_a_receipt_behind(ledger: Ledger) -> None:
    flow = Flow(issuing(ledger))
    given = flow.given(details_uses=1)
    assert isinstance(flow.fetch(given.access), Permit)
    assert _states(ledger, given.person) == ["active", "expired"]


def test_a_consent_that_is_replaced_has_no_receipt_of_that(ledger: Ledger) -> None:
    flow = Flow(issuing(ledger))
    person = flow.person()
    flow.given(person=person)
    flow.given(person=person)
    assert _states(ledger, person) == ["active", "active"]


def test_a_request_that_nobody_answers_leaves_no_receipt(ledger: Ledger) -> None:
    flow = Flow(issuing(ledger))
    waiting = flow.open(flow.person())
    with begin(ledger, actor=SYSTEM, now=NOW + timedelta(days=400)) as uow:
        expire_due(uow)
    assert received(ledger, waiting.person) == []


def test_a_receipt_that_its_caller_has_issued_is_not_issued_twice(ledger: Ledger) -> None:
    flow = Flow(issuing(ledger))
    waiting = flow.open(flow.person())
    with begin(ledger, actor=Actor.person(waiting.person), now=NOW) as uow:
        record = refuse(uow, waiting.id, flow.choice(waiting.person))
        issued = issue_receipt(uow, record, SIGNER)
    assert received(ledger, waiting.person) == [issued]


class _TakenBackError(Exception):
    """Something fails after the answer."""


def test_an_answer_that_is_taken_back_leaves_no_receipt(ledger: Ledger) -> None:
    flow = Flow(issuing(ledger))
    waiting = flow.open(flow.person())

    def answer() -> None:
        with begin(ledger, actor=Actor.person(waiting.person), now=NOW) as uow:
            refuse(uow, waiting.id, flow.choice(waiting.person))
            raise _TakenBackError

    with pytest.raises(_TakenBackError):
        answer()
    assert received(ledger, waiting.person) == []
