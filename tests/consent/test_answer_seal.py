"""How a client may ask for its answers, and what it may not ask for."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from audit.model import SYSTEM
from audit.unit_of_work import Ledger, begin
from consent.answer_seal import AnswerSeal
from consent.client_metadata import ClientMetadataError, parse_metadata
from consent.clients import client, register_client
from policies.ids import ClientId
from tests.consent.flow import Flow, catalogue, metadata, public_key

SIGNED: dict[str, Any] = {"data_signed_response_alg": "ES256"}
ENCRYPTED: dict[str, Any] = {
    **SIGNED,
    "data_encrypted_response_alg": "ECDH-ES",
    "data_encrypted_response_enc": "A256GCM",
}


def encryption_key(**changed: Any) -> dict[str, Any]:
    point = {name: public_key()[name] for name in ("kty", "crv", "x", "y")}
    made = {**point, "use": "enc", "alg": "ECDH-ES", "kid": "enc-1"} | changed
    return {name: value for name, value in made.items() if value is not None}


def keys(*more: dict[str, Any]) -> dict[str, Any]:
    return {"keys": [public_key(), *more]}


def test_without_a_word_answers_are_plain() -> None:
    assert parse_metadata(metadata()).answer_seal is None


def test_signed_answers_need_no_key() -> None:
    assert parse_metadata(metadata(**SIGNED)).answer_seal == AnswerSeal()


@pytest.mark.parametrize("changed", [{}, {"alg": None}, {"key_ops": ["deriveKey"]}])
def test_the_key_for_encryption_is_not_one_for_signatures(changed: dict[str, Any]) -> None:
    key = encryption_key(**changed)
    said = parse_metadata(metadata(jwks=keys(key), **ENCRYPTED))
    assert said.answer_seal == AnswerSeal(key)
    assert said.jwks == (public_key(),)
    assert key["x"] not in repr(said)


def test_it_is_stored_with_the_client_and_read_with_its_token(ledger: Ledger) -> None:
    key = encryption_key()
    flow = Flow(ledger, jwks=keys(key), **ENCRYPTED)
    assert flow.client_now(flow.client.id).answer_seal == AnswerSeal(key)
    assert flow.given().access.answer_seal == AnswerSeal(key)


def test_a_client_that_wants_them_signed_or_plain_is_read_so(ledger: Ledger) -> None:
    with begin(ledger, actor=SYSTEM, now=Flow(ledger).client.registered_at) as uow:
        register_client(uow, metadata(client_id="signed", **SIGNED), catalogue())
    with ledger.read() as connection:
        found = client(connection, ClientId("signed"))
    assert found is not None
    assert found.answer_seal == AnswerSeal()


def on_another_curve() -> dict[str, Any]:
    public = generate_private_key(SECP384R1()).public_key()
    return {**ECAlgorithm.to_jwk(public, as_dict=True), "use": "enc", "kid": "enc-1"}


@pytest.mark.parametrize(
    ("changed", "member", "reason"),
    [
        ({"data_signed_response_alg": "none"}, "data_signed_response_alg", "not-supported"),
        ({"data_signed_response_alg": 1}, "data_signed_response_alg", "not-supported"),
        (
            {**ENCRYPTED, "data_encrypted_response_alg": "RSA1_5"},
            "data_encrypted_response_alg",
            "not-supported",
        ),
        (
            {**ENCRYPTED, "data_encrypted_response_enc": "A128CBC-HS256"},
            "data_encrypted_response_enc",
            "not-supported",
        ),
        (
            {**SIGNED, "data_encrypted_response_enc": "A256GCM"},
            "data_encrypted_response_alg",
            "missing",
        ),
        ({"jwks": keys(encryption_key())}, "data_encrypted_response_alg", "missing"),
        (
            {"jwks": keys(encryption_key()), "data_encrypted_response_alg": "ECDH-ES"},
            "data_signed_response_alg",
            "missing",
        ),
        (ENCRYPTED, "jwks", "one-encryption-key"),
        (
            {**ENCRYPTED, "jwks": keys(encryption_key(), encryption_key(kid="enc-2"))},
            "jwks",
            "one-encryption-key",
        ),
        ({**ENCRYPTED, "jwks": {"keys": [encryption_key()]}}, "jwks", "not-for-signatures"),
        *[
            ({**ENCRYPTED, "jwks": keys(key)}, "jwks", reason)
            for key, reason in [
                (encryption_key(d="c2VjcmV0"), "private-key"),
                (encryption_key(alg="RSA-OAEP"), "kind-of-key"),
                (encryption_key(kty="OKP"), "kind-of-key"),
                (encryption_key(y=None), "kind-of-key"),
                (encryption_key(x5c=["…"]), "kind-of-key"),
                (encryption_key(key_ops=["verify"]), "not-for-encryption"),
                (encryption_key(kid=None), "not-a-key"),
                (encryption_key(x="AAAA"), "not-a-key"),
                (on_another_curve(), "kind-of-key"),
            ]
        ],
    ],
)
def test_what_cannot_be_met_is_refused(changed: dict[str, Any], member: str, reason: str) -> None:
    with pytest.raises(ClientMetadataError) as refused:
        parse_metadata(metadata(**changed))
    assert (refused.value.member, refused.value.reason) == (member, reason)
