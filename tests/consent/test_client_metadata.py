"""Client metadata: what can be registered, and one stored example for each way to be wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

from consent.client_metadata import ClientMetadataError, parse_metadata
from tests.consent.flow import metadata, public_key

_DEFECTS = sorted((Path(__file__).parent / "defects" / "client_metadata").glob("*.json"))


def _ed25519() -> dict[str, Any]:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    return {**OKPAlgorithm.to_jwk(key, as_dict=True), "kid": "ed"}


def _rsa(bits: int = 2048) -> dict[str, Any]:
    key = rsa.generate_private_key(65537, bits).public_key()
    return {**RSAAlgorithm.to_jwk(key, as_dict=True), "kid": "rsa", "alg": "PS256"}


@pytest.fixture(scope="module")
def keys() -> list[dict[str, Any]]:
    return [public_key(), _ed25519(), _rsa()]


@pytest.mark.parametrize("path", _DEFECTS, ids=lambda path: path.stem)
def test_a_stored_defect_is_refused_with_its_place_and_reason(path: Path) -> None:
    stored = json.loads(path.read_text())
    with pytest.raises(ClientMetadataError) as refused:
        parse_metadata(stored["metadata"])
    assert (refused.value.member, refused.value.reason) == (stored["member"], stored["reason"])
    assert str(refused.value) == f"{stored['member']}: {stored['reason']}"


def test_a_member_whose_name_is_none_is_not_repeated() -> None:
    with pytest.raises(ClientMetadataError) as refused:
        parse_metadata(metadata() | {"150688-9551\x1b[2J": True})
    assert refused.value.member == "metadata"


def test_the_three_kinds_of_keys_are_taken(keys: list[dict[str, Any]]) -> None:
    assert parse_metadata(metadata(jwks={"keys": keys})).jwks == tuple(keys)


@pytest.mark.parametrize(
    "uri",
    [
        "https://agency.example",
        "https://agency.example:8443/a?b=c",
        "http://127.0.0.1:8080/callback",
        "http://127.1.2.3/",
        "http://[::1]:9/",
        "http://localhost/callback",
    ],
)
def test_https_and_loopback_addresses_are_taken(uri: str) -> None:
    assert parse_metadata(metadata(redirect_uris=[uri])).redirect_uris == (uri,)


def test_a_client_of_the_law_needs_no_address() -> None:
    said = parse_metadata(metadata(grant_types=["client_credentials"], redirect_uris=None))
    assert (said.redirect_uris, said.grant_types) == ((), ("client_credentials",))


def test_what_the_profile_fixes_may_be_said_aloud() -> None:
    parse_metadata(
        metadata(
            response_types=["code"],
            require_pushed_authorization_requests=True,
            authorization_details_types=["personal_data"],
            token_endpoint_auth_signing_alg="PS256",
        )
    )


def test_keys_stand_in_no_repr() -> None:
    assert public_key()["x"] not in repr(parse_metadata(metadata()))


def test_an_rsa_key_of_too_many_bits_is_refused() -> None:
    too_long = {**_rsa(), "n": "v" * 1400}
    with pytest.raises(ClientMetadataError, match="jwks: rsa-size"):
        parse_metadata(metadata(jwks={"keys": [too_long]}))
