"""A provider's metadata and keys: whose they are, whether they are any, how long they are kept."""

from datetime import timedelta

import pytest
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from connectors.bounded_http import InsecureUrlError
from connectors.oidc import OidcProvider
from connectors.oidc_settings import OidcSettings
from connectors.provider_metadata import read_metadata
from connectors.sign_in_errors import (
    ProviderContractError,
    ProviderUnavailableError,
    SignInError,
)
from policies.vocabulary import Language, LevelOfAssurance
from tests.connectors.forger import Forger
from tests.connectors.registration import CLIENT, NOW, REDIRECT, new_key

SUBSTANTIAL = LevelOfAssurance.SUBSTANTIAL


METADATA_FAULTS: list[dict[str, object]] = [
    {"issuer": "http://127.0.0.1:1"},
    {"issuer": None},
    {"token_endpoint": None},
    {"token_endpoint": "http://example.com/token"},
    {"token_endpoint": "ftp://127.0.0.1/token"},
    {"authorization_endpoint": "javascript:alert(1)"},
    {"jwks_uri": 7},
    {"jwks_uri": "https://[::1"},
    {"jwks_uri": "https://example.fi:99999999/"},
    {"token_endpoint": "https://user:word@example.fi/"},
    {"authorization_endpoint": "https://example.fi/#part"},
]


@pytest.mark.parametrize("fault", METADATA_FAULTS, ids=str)
def test_metadata_that_are_not_the_providers_are_refused(
    forger: Forger, fault: dict[str, object]
) -> None:
    forger.metadata |= fault
    with pytest.raises(ProviderContractError):
        forger.begin()


@pytest.mark.parametrize("member", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("url", ["http://127.0.0.1:8460/x", "https://localhost/x"])
def test_a_provider_elsewhere_cannot_point_at_this_machine(member: str, url: str) -> None:
    issuer = "https://provider.example"
    honest = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
    }
    assert read_metadata(honest, issuer).jwks_uri == f"{issuer}/jwks"
    with pytest.raises(ProviderContractError, match=f"{member} is this machine"):
        read_metadata({**honest, member: url}, issuer)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (PlainTextResponse("no", 404), ProviderContractError),
        (PlainTextResponse("no", 500), ProviderUnavailableError),
        (PlainTextResponse("busy", 429), ProviderUnavailableError),
        (PlainTextResponse("<html>"), ProviderContractError),
        (JSONResponse([]), ProviderContractError),
        (PlainTextResponse("[" * 100_000), ProviderContractError),
        (RedirectResponse("/elsewhere"), ProviderContractError),
        (PlainTextResponse("x" * 300_000), ProviderUnavailableError),
    ],
)
def test_metadata_that_are_none_have_a_named_error(
    forger: Forger, answer: Response, error: type[SignInError]
) -> None:
    forger.metadata_answer = answer
    with pytest.raises(error):
        forger.begin()


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"keys": {}},
        {"keys": []},
        {"keys": ["x", {}, {"kty": "oct", "k": "AAAA"}, {"kty": "EC", "crv": "P-256"}]},
        {"keys": [{"kty": "OKP", "crv": "X25519", "x": "A" * 43}]},
        {"keys": [{"kty": "RSA", "n": "sXch", "e": "AQAB"}]},
        {"keys": [{"kty": "RSA", "n": "s" * 400}]},
        {"keys": [{"kty": "RSA", "n": 7, "e": "AQAB"}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": 7, "y": None}]},
        {"keys": [{"kty": ["EC"], "crv": {}}]},
        {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "ä"}]},
    ],
)
def test_a_key_set_without_a_usable_key_is_refused(forger: Forger, keys: dict[str, object]) -> None:
    forger.jwks = keys
    with pytest.raises(ProviderContractError):
        forger.finish()


def test_keys_for_encryption_are_passed_over(forger: Forger) -> None:
    forger.jwks["keys"][0]["use"] = "enc"
    with pytest.raises(ProviderContractError, match="no usable signing key"):
        forger.finish()


def test_metadata_and_keys_are_remembered_for_an_hour(forger: Forger) -> None:
    for _ in range(3):
        forger.claims.pop("nonce", None)
        forger.finish()
    assert forger.fetched == ["metadata", "jwks"]
    later = NOW + timedelta(hours=1)
    forger.provider.begin(language=Language.EN, loa=SUBSTANTIAL, now=later)
    assert forger.fetched == ["metadata", "jwks", "metadata"]


def test_a_provider_that_is_not_there_is_unavailable() -> None:
    settings = OidcSettings(
        issuer="http://127.0.0.1:1", client_id=CLIENT, redirect_uri=REDIRECT, signing_key=new_key()
    )
    with pytest.raises(ProviderUnavailableError):
        OidcProvider(settings).begin(language=Language.FI, loa=SUBSTANTIAL, now=NOW)


@pytest.mark.parametrize("issuer", ["http://example.com", "https://", "example.com", "file:///x"])
def test_an_issuer_must_be_https_unless_it_is_this_machine(issuer: str) -> None:
    settings = OidcSettings(
        issuer=issuer, client_id=CLIENT, redirect_uri=REDIRECT, signing_key=new_key()
    )
    with pytest.raises(InsecureUrlError):
        OidcProvider(settings)
