"""Public keys: the thumbprint of RFC 7638, and every key that is refused."""

import pytest

from service.jwk import JwkError, SignatureError, import_key
from tests.service.test_jose import RFC7515_KEY, RFC8037_KEY

# RFC 7638 section 3.1.
RFC7638_KEY = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1"
    "L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4"
    "QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbO"
    "pbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csF"
    "Cur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
RFC7638_THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
# RFC 8037 appendix A.3.
RFC8037_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_thumbprints_of_the_standards_come_out() -> None:
    assert import_key(RFC7638_KEY | {"alg": "PS256"}).thumbprint == RFC7638_THUMBPRINT
    assert import_key(RFC8037_KEY).thumbprint == RFC8037_THUMBPRINT


def test_a_short_signature_is_refused_before_it_is_read() -> None:
    with pytest.raises(SignatureError):
        import_key(RFC7515_KEY).verify(bytes(63), b"")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kty": "oct"}, "key-type"),
        ({"kty": None}, "key-type"),
        ({"d": "AQAB"}, "surplus-member"),
        ({"k": "AQAB"}, "surplus-member"),
        ({"x5u": "https://example.org"}, "surplus-member"),
        ({"x": None}, "missing-member"),
        ({"x": ""}, "missing-member"),
        ({"crv": "P-384"}, "curve"),
        ({"alg": "RS256"}, "algorithm"),
        ({"alg": "PS256"}, "algorithm"),
        ({"kid": 5}, "kid"),
        ({"use": "enc"}, "not-for-signatures"),
        ({"key_ops": ["sign"]}, "not-for-signatures"),
        ({"x": "AQAB"}, "coordinate"),
        ({"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEV"}, "base64url"),
        ({"y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5aw"}, "not-on-curve"),
    ],
)
def test_a_wrong_curve_key_is_refused(change: dict[str, object], reason: str) -> None:
    with pytest.raises(JwkError, match=reason):
        import_key(RFC7515_KEY | change)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"alg": "RS256"}, "algorithm"),
        ({"n": "AQAB"}, "size"),
        ({"e": "AQ"}, "size"),
        ({"e": "BA"}, "size"),
        ({"e": "AQAAAAE"}, "size"),
    ],
)
def test_a_weak_rsa_key_is_refused(change: dict[str, object], reason: str) -> None:
    with pytest.raises(JwkError, match=reason):
        import_key(RFC7638_KEY | {"alg": "PS256"} | change)


def test_a_wrong_ed25519_coordinate_is_refused() -> None:
    with pytest.raises(JwkError, match="coordinate"):
        import_key(RFC8037_KEY | {"x": "AQAB"})
