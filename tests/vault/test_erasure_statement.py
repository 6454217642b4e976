"""The statement of an erasure: signed, without a name in it, kept for a while and no longer."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.model import SYSTEM, Actor, Event, Kind
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from consent.receipt_jws import ReceiptError, ReceiptSigner, verify_receipt
from policies.ids import PersonId
from tests.vault.given import AINO, NOW, deposited, fact
from vault.erasure import Request, erase_person
from vault.erasure_statement import (
    KEPT,
    Statement,
    content_of,
    issue_statement,
    statement,
    sweep,
    verify_statement,
)
from vault.vault import Vault

SIGNER = ReceiptSigner("https://vault.example.fi", Ed25519PrivateKey.generate(), "key-1")
JWKS = {"keys": [SIGNER.jwk()]}


@pytest.fixture
def issued(ledger: Ledger, vault: Vault, person: PersonId) -> Statement:
    deposited(ledger, vault, person, fact())
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        made = erase_person(uow, vault, person, Request.by_wish())
        return issue_statement(uow, made, SIGNER, backups=timedelta(days=30))


def test_it_says_what_was_erased_and_what_stays(issued: Statement) -> None:
    content = verify_statement(issued.jws, JWKS)
    assert content == content_of(issued)
    assert content["scope"] == "everything"
    assert content["datasets"] == ["income"]
    assert content["cause"] == "own-wish"
    assert content["backups_until"] == "2026-12-24"
    assert content["erasure_id"] == str(issued.erasure)
    assert set(content["stays"]) == {"log", "proofs", "note", "sources", "recipients", "backups"}


def test_it_names_nobody(issued: Statement) -> None:
    written = json.dumps(content_of(issued))
    assert str(issued.person) not in written
    assert AINO not in written
    assert issued.jws not in repr(issued)


def test_it_does_not_pass_for_a_receipt_nor_under_another_key(issued: Statement) -> None:
    with pytest.raises(ReceiptError):
        verify_receipt(issued.jws, JWKS)
    other = ReceiptSigner(SIGNER.issuer, Ed25519PrivateKey.generate(), "key-1")
    with pytest.raises(ReceiptError):
        verify_statement(issued.jws, {"keys": [other.jwk()]})


def test_it_is_found_while_it_is_kept(ledger: Ledger, issued: Statement) -> None:
    end = NOW + KEPT
    with ledger.read(EVERYONE) as connection:
        assert statement(connection, issued.erasure, now=end - timedelta(seconds=1)) == issued
        assert statement(connection, issued.erasure, now=end) is None
        assert statement(connection, uuid4(), now=NOW) is None


def test_it_goes_when_its_time_is_over(ledger: Ledger, issued: Statement) -> None:
    for now, gone in ((NOW, 0), (issued.kept_until, 1), (issued.kept_until, 0)):
        with begin(ledger, actor=SYSTEM, now=now, about=EVERYONE) as uow:
            assert sweep(uow.connection, now=now) == gone
            uow.record(Event(kind=Kind.ROWS_SWEPT))
