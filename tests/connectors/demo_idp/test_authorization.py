"""Authorization requests: what is answered on the spot, and what goes back to the client."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.demo_idp.authorization import (
    AuthorizationError,
    AuthorizationRequest,
    UnknownClientError,
    check_request,
)
from connectors.levels import EIDAS_HIGH, FTN_HIGH, FTN_SUBSTANTIAL
from policies.vocabulary import Language, LevelOfAssurance

ISSUER = "http://127.0.0.1:8461"
REDIRECT = "http://127.0.0.1:8460/answer?kept=1"
RIGHT = {
    "client_id": "vault",
    "redirect_uri": REDIRECT,
    "response_type": "code",
    "scope": "openid",
    "state": "a-state",
    "nonce": "a-nonce",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}


def checked(**changes: str | None) -> AuthorizationRequest:
    query = {name: value for name, value in (RIGHT | changes).items() if value is not None}
    return check_request(query, issuer=ISSUER, client_id="vault", redirect_uris=[REDIRECT])


def test_a_right_request_is_kept_as_it_came() -> None:
    request = checked(login_hint="a-ticket")
    assert request.state == "a-state"
    assert request.login_hint == "a-ticket"
    assert request.language is Language.FI
    assert dict(request.acrs) == {
        LevelOfAssurance.SUBSTANTIAL: FTN_SUBSTANTIAL,
        LevelOfAssurance.HIGH: FTN_HIGH,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "another"},
        {"client_id": None},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": REDIRECT + "&more=1"},
        {"redirect_uri": None},
    ],
    ids=str,
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(changes: dict[str, str]) -> None:
    with pytest.raises(UnknownClientError):
        checked(**changes)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.example/"}, "request_uri_not_supported"),
        ({"prompt": "none"}, "login_required"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"state": "x" * 513}, "invalid_request"),
        ({"nonce": None}, "invalid_request"),
        ({"nonce": ""}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"acr_values": "urn:unknown"}, "unmet_authentication_requirements"),
        ({"acr_values": ""}, "unmet_authentication_requirements"),
    ],
    ids=str,
)
def test_every_other_fault_goes_back_to_the_client(
    changes: dict[str, str | None], error: str
) -> None:
    with pytest.raises(AuthorizationError) as refusal:
        checked(**changes)
    answer = dict(parse_qsl(urlsplit(refusal.value.location).query))
    assert answer["error"] == error
    assert answer["iss"] == ISSUER
    assert answer["kept"] == "1"
    assert answer.get("state") == (RIGHT | changes)["state"]
    assert "code" not in answer


def test_levels_are_offered_by_the_names_that_the_client_used() -> None:
    request = checked(acr_values=f"urn:unknown {EIDAS_HIGH} {FTN_HIGH}")
    assert request.acrs == ((LevelOfAssurance.HIGH, EIDAS_HIGH),)


@pytest.mark.parametrize(
    ("asked", "language"),
    [("sv", "sv"), ("en-GB fi", "en"), ("de sv fi", "sv"), ("de", "fi"), ("", "fi"), ("SV", "sv")],
)
def test_the_first_language_that_we_speak_is_taken(asked: str, language: str) -> None:
    assert checked(ui_locales=asked).language == Language(language)


def test_an_answer_names_the_issuer_and_keeps_what_the_address_had() -> None:
    location = checked().answer(code="x y&z")
    assert location.startswith(f"{REDIRECT}&")
    assert dict(parse_qsl(urlsplit(location).query)) == {
        "kept": "1",
        "code": "x y&z",
        "iss": ISSUER,
        "state": "a-state",
    }
