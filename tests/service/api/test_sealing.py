"""Answers that are signed or encrypted say the same as plain ones, to their recipient alone."""

import json
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jwe
from joserfc.errors import DecodeError
from joserfc.jwk import ECKey

from audit.model import SYSTEM
from audit.unit_of_work import begin
from consent.clients import register_client
from consent.receipt_jws import ReceiptError, verify_receipt
from service.api.sealing import TYPE
from service.exchange import Answer
from tests.consent.flow import metadata
from tests.service.office import Office, Program, content, header

REGISTRY = jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM"])


def signed_claims(office: Office, token: bytes) -> dict[str, Any]:
    jwks = {"keys": [office.runtime.receipt_signer.jwk()]}
    return verify_receipt(token.decode(), jwks, kind=TYPE)


def fetch_signed(office: Office, token: str) -> Answer:
    call = office.program.get("/api/v1/data/income", token)
    return office.send(replace(call, headers=[*call.headers, (b"accept", b"application/jwt")]))


def with_key(office: Office) -> tuple[Office, ECKey]:
    """The office with a program that reads by a key of its own."""
    key = ECKey.generate_key("P-256", private=True)
    public = {**key.as_dict(private=False), "use": "enc", "alg": "ECDH-ES", "kid": "enc-1"}
    program = Program("debt-counsel-2", office.clock)
    members = metadata(
        client_id=program.client_id,
        organisation="debt-counsel",
        jwks={"keys": [program.jwk(), public]},
        data_signed_response_alg="ES256",
        data_encrypted_response_alg="ECDH-ES",
        data_encrypted_response_enc="A256GCM",
    )
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        register_client(uow, members, office.runtime.catalogue)
    return replace(office, program=program), key


def test_who_accepts_a_token_gets_the_same_data_signed(office: Office) -> None:
    token = office.tokens()["access_token"]
    plain = content(office.fetch(token))
    made = fetch_signed(office, token)
    assert header(made, "content-type") == "application/jwt"
    assert header(made, "cache-control") == "no-store"
    claims = signed_claims(office, made.body)
    assert claims["data"] == plain
    assert (claims["iss"], claims["aud"]) == ("https://vault.example.fi", "debt-counsel-1")
    assert claims["iat"] == int(office.clock().timestamp())
    assert claims["jti"] == header(made, "consent-vault-event")
    assert header(made, "event-promise")


def test_a_changed_statement_does_not_verify(office: Office) -> None:
    made = fetch_signed(office, office.tokens()["access_token"])
    head, body, signature = made.body.decode().split(".")
    with pytest.raises(ReceiptError):
        signed_claims(office, f"{head}.{body[:-4]}AAAA.{signature}".encode())


def test_no_statement_passes_for_a_receipt(office: Office) -> None:
    made = fetch_signed(office, office.tokens()["access_token"])
    with pytest.raises(ReceiptError, match="header"):
        verify_receipt(made.body.decode(), {"keys": [office.runtime.receipt_signer.jwk()]})


def test_a_registered_key_reads_the_answer_and_nobody_else(office: Office) -> None:
    other, key = with_key(office)
    token = other.tokens()["access_token"]
    made = other.fetch(token)
    assert header(made, "content-type") == "application/jwt"
    assert b"Esimerkki" not in made.body
    opened = jwe.decrypt_compact(made.body.decode(), key, registry=REGISTRY)
    assert {name: opened.headers()[name] for name in ("alg", "enc", "cty", "kid")} == {
        "alg": "ECDH-ES",
        "enc": "A256GCM",
        "cty": "JWT",
        "kid": "enc-1",
    }
    assert opened.plaintext is not None
    claims = signed_claims(other, opened.plaintext)
    assert claims["aud"] == "debt-counsel-2"
    assert claims["data"]["attributes"]["income.monthly_gross"]["value"] == 315_050
    with pytest.raises(DecodeError):
        jwe.decrypt_compact(
            made.body.decode(), ECKey.generate_key("P-256", private=True), registry=REGISTRY
        )


def test_each_answer_is_encrypted_anew(office: Office) -> None:
    other, _ = with_key(office)
    token = other.tokens()["access_token"]
    assert other.fetch(token).body != other.fetch(token).body


def test_a_refusal_is_plain(office: Office) -> None:
    other, _ = with_key(office)
    consent = other.given()
    token = other.tokens(consent)["access_token"]
    other.withdraw(consent)
    refused = other.fetch(token)
    assert refused.status == 403
    assert json.loads(refused.body)["status"] == 403
