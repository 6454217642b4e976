"""The client's keys: the algorithms of FAPI 2.0, and nothing private given away."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jwt
from joserfc.jwk import import_key

from connectors.client_assertion import client_assertion
from connectors.client_keys import (
    SigningKey,
    UnusableKeyError,
    jose_key,
    public_jwks,
    signing_algorithm,
)
from connectors.jose_registry import SignatureRegistry
from tests.connectors.registration import NOW

KEYS: list[tuple[SigningKey, str]] = [
    (ec.generate_private_key(ec.SECP256R1()), "ES256"),
    (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    (rsa.generate_private_key(65537, 2048), "PS256"),
]


@pytest.mark.parametrize(("key", "algorithm"), KEYS, ids=lambda value: str(value)[:5])
def test_each_kind_of_key_signs_what_its_public_part_verifies(
    key: SigningKey, algorithm: str
) -> None:
    assert signing_algorithm(key) == algorithm
    (public,) = public_jwks(key)["keys"]
    assert public["kid"] == jose_key(key).kid == import_key(public).thumbprint()
    assert public["use"] == "sig"
    assert not {"d", "p", "q", "dp", "dq", "qi"} & public.keys()
    assertion = client_assertion(key, client_id="a", audience="b", now=NOW)
    registry = SignatureRegistry([algorithm])
    assert jwt.decode(assertion, import_key(public), registry=registry).claims["aud"] == "b"


WEAK: list[SigningKey] = [
    ec.generate_private_key(ec.SECP384R1()),
    rsa.generate_private_key(65537, 1024),  # noqa: S505 -- to see it refused
]


@pytest.mark.parametrize("key", WEAK)
def test_a_key_of_another_curve_or_too_small_is_refused(key: SigningKey) -> None:
    with pytest.raises(UnusableKeyError):
        signing_algorithm(key)


def test_two_assertions_are_never_the_same() -> None:
    key, _ = KEYS[1]
    made = {client_assertion(key, client_id="a", audience="b", now=NOW) for _ in range(2)}
    assert len(made) == 2
