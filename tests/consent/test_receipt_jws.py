"""Receipts as JWS: what we sign verifies, and nothing else does."""

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from consent.receipt_jws import (
    MAX_BYTES,
    ReceiptError,
    ReceiptSigner,
    SigningKeyError,
    verify_receipt,
)

_PAYLOAD = {"iss": "https://vault.example", "record": {"events": [{"loa": None}], "text": "ö"}}
_ED = ReceiptSigner("https://vault.example", Ed25519PrivateKey.generate(), "ed-1")
_EC_KEY = generate_private_key(SECP256R1())
_EC = ReceiptSigner("https://vault.example", _EC_KEY, "ec-1")
_JWKS = {"keys": [_ED.jwk(), _EC.jwk()]}
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _signed(payload: bytes, **header: Any) -> str:
    """A JWS by our key over any payload, with any header."""
    headers = {"typ": "consent-receipt+jwt", "kid": "ec-1"} | header
    members: dict[str, Any] = {"alg": "ES256"} | headers
    kept = {name: value for name, value in members.items() if value is not None}
    signing_input = f"{_encode(json.dumps(kept).encode())}.{_encode(payload)}"
    signature = jwt.get_algorithm_by_name("ES256").sign(signing_input.encode(), _EC_KEY)
    return f"{signing_input}.{_encode(signature)}"


@pytest.mark.parametrize("signer", [_ED, _EC], ids=["EdDSA", "ES256"])
def test_what_is_signed_verifies_with_the_published_keys(signer: ReceiptSigner) -> None:
    jws = signer.sign(_PAYLOAD)
    assert verify_receipt(jws, _JWKS) == _PAYLOAD
    header = jwt.get_unverified_header(jws)
    assert header == {
        "typ": "consent-receipt+jwt",
        "alg": signer.jwk()["alg"],
        "kid": signer.kid,
    }


# FAPI 2.0 knows the algorithm by its older name; the library wants the one of RFC 9864.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("signer", [_ED, _EC], ids=["EdDSA", "ES256"])
def test_another_library_verifies_it_as_well(signer: ReceiptSigner) -> None:
    from joserfc import jws
    from joserfc.jwk import KeySet

    keys = KeySet.import_key_set(_JWKS)  # type: ignore[arg-type]  # a plain key set
    token = jws.deserialize_compact(signer.sign(_PAYLOAD), keys, algorithms=["ES256", "EdDSA"])
    assert json.loads(token.payload) == _PAYLOAD


def test_the_published_key_is_public_and_the_signer_hides_its_own() -> None:
    for signer in (_ED, _EC):
        assert "d" not in signer.jwk()
        assert signer.jwk()["x"] not in repr(signer)


def test_a_key_on_another_curve_cannot_sign() -> None:
    key: EllipticCurvePrivateKey = generate_private_key(SECP384R1())
    with pytest.raises(SigningKeyError, match="secp384r1"):
        ReceiptSigner("https://vault.example", key, "k")


@given(st.data())
def test_any_changed_character_is_found(data: st.DataObject) -> None:
    jws = data.draw(st.sampled_from([_ED.sign(_PAYLOAD), _EC.sign(_PAYLOAD)]))
    place = data.draw(st.integers(0, len(jws) - 1))
    other = data.draw(st.sampled_from(_ALPHABET + "."))
    if jws[place] == other:
        return
    with pytest.raises(ReceiptError):
        verify_receipt(jws[:place] + other + jws[place + 1 :], _JWKS)


@given(st.text(max_size=300))
def test_whatever_comes_the_only_error_is_the_named_one(text: str) -> None:
    with pytest.raises(ReceiptError):
        verify_receipt(text, _JWKS)


@pytest.mark.parametrize("jws", ["", "a.b", "a.b.c.d", "a." + "b" * MAX_BYTES + ".c"])
def test_another_form_is_refused(jws: str) -> None:
    with pytest.raises(ReceiptError, match="form"):
        verify_receipt(jws, _JWKS)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"alg": ["ES256"]},
        {"kid": None},
        {"kid": 1},
        {"crit": ["exp"]},
        {"jku": "https://agency.example/keys"},
        {"b64": False},
        {"x": {"y": 1}},
    ],
)
def test_another_header_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(ReceiptError, match="header"):
        verify_receipt(_signed(b"{}", **header), _JWKS)


@pytest.mark.parametrize("part", ["", "e", "!!!!", _encode(b"{"), _encode(b"[]"), "ä"])
def test_a_header_that_is_none_is_refused(part: str) -> None:
    with pytest.raises(ReceiptError, match="header"):
        verify_receipt(f"{part}.e30.AA", _JWKS)


def test_a_padded_signature_is_the_same_one_written_in_another_way() -> None:
    with pytest.raises(ReceiptError, match="form"):
        verify_receipt(_EC.sign(_PAYLOAD) + "==", _JWKS)


def test_two_keys_of_one_name_verify_nothing() -> None:
    with pytest.raises(ReceiptError, match="unknown-key"):
        verify_receipt(_EC.sign(_PAYLOAD), {"keys": [_EC.jwk(), _EC.jwk()]})


def test_a_key_that_was_not_published_is_refused() -> None:
    with pytest.raises(ReceiptError, match="unknown-key"):
        verify_receipt(_signed(b"{}", kid="another"), _JWKS)


def test_the_algorithm_is_the_keys_and_not_the_receipts() -> None:
    with pytest.raises(ReceiptError, match="unknown-key"):
        verify_receipt(_signed(b"{}", kid="ed-1"), _JWKS)


def test_a_signature_by_another_key_of_the_same_name_is_refused() -> None:
    stranger = ReceiptSigner("https://vault.example", generate_private_key(SECP256R1()), "ec-1")
    with pytest.raises(ReceiptError, match="signature"):
        verify_receipt(stranger.sign(_PAYLOAD), _JWKS)


@pytest.mark.parametrize("key", [{**_EC.jwk(), "x": "AA"}, {**_EC.jwk(), "kty": "OKP"}])
def test_a_broken_key_in_the_set_verifies_nothing(key: dict[str, Any]) -> None:
    with pytest.raises(ReceiptError, match="unknown-key"):
        verify_receipt(_EC.sign(_PAYLOAD), {"keys": [key]})


@pytest.mark.parametrize(
    "payload",
    [
        b'{"a":1,"a":1}',
        b'{"record":{"purposes":[1],"purposes":[]}}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1}\n',
        b'{"a":"\\u00f6"}',
        b'{"a":1.5}',
        b'{"a":9007199254740992}',
        b"[]",
        b"1",
        b"\xff",
        b"",
        b"[" * 13 + b"]" * 13,
    ],
)
def test_a_payload_in_another_than_the_canonical_form_is_refused(payload: bytes) -> None:
    with pytest.raises(ReceiptError, match="payload"):
        verify_receipt(_signed(payload), _JWKS)
    assert verify_receipt(_signed(b'{"a":"\xc3\xb6"}'), _JWKS) == {"a": "ö"}
