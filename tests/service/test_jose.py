"""Compact JWS: published vectors first, then each way in which one can be wrong."""

import json
from pathlib import Path

import pytest

from service.base64url import encode
from service.jose import Jws, JwsError, parse_claims, parse_header, split
from service.jwk import JwkError, import_key

VECTORS = Path(__file__).parent.parent / "vectors" / "wycheproof" / "json_web_signature_test.json"

# RFC 7515 appendix A.3 (ES256).
RFC7515_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
RFC7515_JWS = (
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
# RFC 8037 appendix A.4 (Ed25519).
RFC8037_KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
RFC8037_JWS = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)


def _cases() -> list[tuple[str, dict[str, object], dict[str, str]]]:
    groups = json.loads(VECTORS.read_text())["testGroups"]
    return [
        (f"{group['comment']}-{test['tcId']}-{test['comment']}", group["public"], test)
        for group in groups
        for test in group["tests"]
    ]


def _open(jws: str, jwk: dict[str, object]) -> bytes:
    token = split(jws)
    header = token.header()
    key = import_key(jwk)
    if header.alg not in key.algorithms or "jwk" in header.members:
        raise JwsError("algorithm")
    return token.open_with(key)


@pytest.mark.parametrize(("jwk", "test"), [c[1:] for c in _cases()], ids=[c[0] for c in _cases()])
def test_wycheproof_signatures(jwk: dict[str, object], test: dict[str, str]) -> None:
    if test["result"] == "valid":
        _open(test["jws"], jwk)
    else:
        with pytest.raises((JwsError, JwkError)):
            _open(test["jws"], jwk)


def test_the_examples_of_the_standards_are_read() -> None:
    assert parse_claims(_open(RFC7515_JWS, dict(RFC7515_KEY)))["iss"] == "joe"
    assert _open(RFC8037_JWS, dict(RFC8037_KEY)) == b"Example of Ed25519 signing"


def test_a_second_spelling_of_the_same_signature_is_refused() -> None:
    # The last character of 64 bytes has two bits that mean nothing.
    with pytest.raises(JwsError, match="base64url"):
        split(RFC7515_JWS[:-1] + "R")


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("a" * 8193, "too-long"),
        ("", "not-compact"),
        ("a.b", "not-compact"),
        ("a.b.c.d", "not-compact"),
        (".b.YQ", "not-compact"),
        ("a.ä.YQ", "not-compact"),
        ("a.b.*", "base64url"),
        ("a.b.YQ==", "base64url"),
    ],
)
def test_what_is_not_a_compact_jws_is_refused(token: str, reason: str) -> None:
    with pytest.raises(JwsError, match=reason):
        split(token)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b'{"alg":"none"}', "algorithm"),
        (b'{"alg":"HS256"}', "algorithm"),
        (b'{"alg":"RS256"}', "algorithm"),
        (b'{"alg":["ES256"]}', "algorithm"),
        (b"{}", "algorithm"),
        (b'{"alg":"ES256","crit":["b64"],"b64":false}', "critical"),
        (b'{"alg":"ES256","alg":"PS256"}', "header"),
        (b'{"alg":"ES256","jwk":"x"}', "header"),
        (b'{"alg":"ES256","kid":7}', "header"),
        (b"[]", "header"),
        (b"{", "header"),
        (b'{"alg":"ES256","jwk":{"a":{"b":{}}}}', "header"),
        (b"\xff", "header"),
    ],
)
def test_a_wrong_header_is_refused(header: bytes, reason: str) -> None:
    with pytest.raises(JwsError, match=reason):
        parse_header(encode(header))


def test_a_header_that_is_not_base64url_is_refused() -> None:
    with pytest.raises(JwsError, match="base64url"):
        parse_header("!")


@pytest.mark.parametrize("payload", [b"", b"[]", b"7", b"\xff", b"[" * 20000])
def test_claims_that_are_no_object_are_refused(payload: bytes) -> None:
    with pytest.raises(JwsError, match="claims"):
        parse_claims(payload)


def test_a_payload_that_is_not_base64url_is_refused_even_when_signed() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": encode(key.public_key().public_bytes_raw())}
    token = Jws("e30", "!", key.sign(b"e30.!"))
    with pytest.raises(JwsError, match="base64url"):
        token.open_with(import_key(jwk))
