"""Assertions of the client: one is right, once, and everything else is refused."""

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from connectors.client_assertion import ASSERTION_TYPE, client_assertion
from connectors.client_keys import jose_key, public_jwks
from connectors.demo_idp.client_authentication import (
    ClientAuthenticationError,
    ClientAuthenticator,
    RegisteredClient,
)
from tests.connectors.conftest import Clock
from tests.connectors.registration import CLIENT, NOW, new_key

ISSUER = "http://127.0.0.1:8461"
KEY = new_key()
SECONDS = int(NOW.timestamp())
RIGHT: dict[str, Any] = {
    "iss": CLIENT,
    "sub": CLIENT,
    "aud": ISSUER,
    "jti": "1",
    "iat": SECONDS,
    "exp": SECONDS + 60,
}


@pytest.fixture
def authenticator(clock: Clock) -> ClientAuthenticator:
    keys = KeySet.import_key_set({"keys": public_jwks(KEY)["keys"]})
    return ClientAuthenticator(RegisteredClient(CLIENT, keys), audience=ISSUER, clock=clock)


def form(assertion: str) -> dict[str, str]:
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def signed(**changes: object) -> dict[str, str]:
    claims = {name: value for name, value in (RIGHT | changes).items() if value is not None}
    return form(jwt.encode({"alg": "ES256", "kid": jose_key(KEY).kid}, claims, jose_key(KEY)))


def refused(authenticator: ClientAuthenticator, given: dict[str, str]) -> str:
    with pytest.raises(ClientAuthenticationError) as refusal:
        authenticator.authenticate(given)
    return str(refusal.value)


def test_our_own_assertion_is_accepted(authenticator: ClientAuthenticator) -> None:
    authenticator.authenticate(
        form(client_assertion(KEY, client_id=CLIENT, audience=ISSUER, now=NOW))
    )


def test_an_assertion_is_accepted_once(authenticator: ClientAuthenticator) -> None:
    authenticator.authenticate(signed())
    assert refused(authenticator, signed()) == "jti"
    authenticator.authenticate(signed(jti="2"))


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"iss": "another"}, "client_id"),
        ({"sub": "another"}, "client_id"),
        ({"sub": None}, "client_id"),
        ({"aud": [ISSUER]}, "aud"),
        ({"aud": f"{ISSUER}/token"}, "aud"),
        ({"aud": None}, "aud"),
        ({"exp": SECONDS - 10}, "exp"),
        ({"exp": SECONDS + 301}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": None}, "exp"),
        ({"iat": SECONDS + 11}, "iat"),
        ({"nbf": SECONDS + 11}, "nbf"),
        ({"nbf": "now"}, "nbf"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
    ],
    ids=str,
)
def test_a_wrong_claim_is_refused(
    authenticator: ClientAuthenticator, changes: dict[str, object], check: str
) -> None:
    assert refused(authenticator, signed(**changes)) == check


def test_clocks_may_differ_by_ten_seconds(authenticator: ClientAuthenticator) -> None:
    authenticator.authenticate(signed(exp=SECONDS - 9, iat=SECONDS + 10, nbf=SECONDS + 10))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"client_assertion_type": "password", "client_assertion": "x"},
        {"client_assertion_type": ASSERTION_TYPE},
        form("x"),
        form("a.b.c"),
        form("eyJhbGciOiJub25lIn0.e30."),
        form(jwt.encode({"alg": "ES256"}, RIGHT, jose_key(new_key()))),
        form(client_assertion(KEY, client_id=CLIENT, audience=ISSUER, now=NOW) + "x"),
    ],
)
def test_what_is_no_assertion_of_the_client_is_refused(
    authenticator: ClientAuthenticator, given: dict[str, str]
) -> None:
    assert refused(authenticator, given) in {"client_assertion_type", "signature"}


def test_another_client_id_in_the_form_is_refused(authenticator: ClientAuthenticator) -> None:
    assert refused(authenticator, {**signed(), "client_id": "another"}) == "client_id"
    authenticator.authenticate({**signed(), "client_id": CLIENT})
