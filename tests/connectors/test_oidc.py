"""Sign-in from end to end over real sockets: with the demo provider, and with one that lies."""

import re
import secrets
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from connectors.levels import ACR_LEVELS
from connectors.ports import IDENTITY_CODE_SCHEME, IdentityProvider
from connectors.sign_in_errors import (
    AssuranceError,
    IdTokenError,
    IssuerMismatchError,
    ProviderContractError,
    ProviderUnavailableError,
    SignInCancelledError,
    SignInError,
    SignInRefusedError,
    StateMismatchError,
)
from policies.vocabulary import LevelOfAssurance
from tests.connectors.conftest import Peers, answer_of, changed
from tests.connectors.forger import Forger
from tests.connectors.registration import NOW, REDIRECT, new_key

SUBSTANTIAL = LevelOfAssurance.SUBSTANTIAL
HIGH = LevelOfAssurance.HIGH


# With the demo provider


def test_a_person_signs_in(peers: Peers) -> None:
    start = peers.begin(hint=peers.issue_ticket("aino"))
    assertion = peers.provider.finish(
        peers.signed_in(start), start, loa=SUBSTANTIAL, now=peers.clock()
    )
    assert assertion.subject_ids == ((IDENTITY_CODE_SCHEME, "030400A9261"),)
    assert assertion.name == "Aino Maria Esimerkki"
    assert assertion.loa is HIGH
    assert assertion.issuer == peers.issuer
    assert assertion.auth_time == peers.clock()
    assert not assertion.protected


def test_the_provider_fits_its_port(peers: Peers) -> None:
    port: IdentityProvider = peers.provider
    assert port is peers.provider


def test_a_protected_person_is_known_as_such(peers: Peers) -> None:
    start = peers.begin(hint=peers.issue_ticket("ville"))
    answer = peers.signed_in(start)
    assert peers.provider.finish(answer, start, loa=HIGH, now=peers.clock()).protected


def test_the_person_chosen_on_the_page_signs_in_at_the_level_chosen(peers: Peers) -> None:
    start = peers.begin()
    page = httpx2.get(start.url)
    link = re.search(r'href="(choose\?[^"]*person=helena[^"]*level=substantial)"', page.text)
    assert link is not None
    chosen = httpx2.get(f"{peers.issuer}/{link[1].replace('&amp;', '&')}")
    assertion = peers.provider.finish(answer_of(chosen), start, loa=SUBSTANTIAL, now=peers.clock())
    assert assertion.loa is SUBSTANTIAL
    assert assertion.name == "Helena Kaarina Mallinen"


def test_a_level_below_the_one_asked_is_refused_at_the_end(peers: Peers) -> None:
    start = peers.begin()
    page = httpx2.get(start.url)
    link = re.search(r'href="(choose\?[^"]*person=helena[^"]*level=substantial)"', page.text)
    assert link is not None
    answer = answer_of(httpx2.get(f"{peers.issuer}/{link[1].replace('&amp;', '&')}"))
    with pytest.raises(AssuranceError):
        peers.provider.finish(answer, start, loa=HIGH, now=peers.clock())


def test_the_request_is_bound_to_this_flow_alone(peers: Peers) -> None:
    first, second = peers.begin(), peers.begin()
    sent = dict(parse_qsl(urlsplit(first.url).query))
    assert sent["state"] == first.state
    assert sent["nonce"] == first.nonce
    assert sent["code_challenge_method"] == "S256"
    assert sent["redirect_uri"] == REDIRECT
    assert sent["ui_locales"] == "fi"
    assert set(sent["acr_values"].split()) == set(ACR_LEVELS)
    assert first.verifier not in first.url
    for name in ("state", "nonce", "verifier"):
        assert getattr(first, name) != getattr(second, name)
        assert len(getattr(first, name)) >= 43


def test_only_levels_that_are_high_enough_are_asked_for(peers: Peers) -> None:
    sent = dict(parse_qsl(urlsplit(peers.begin(loa=HIGH).url).query))
    asked = sent["acr_values"].split()
    assert {ACR_LEVELS[acr] for acr in asked} == {HIGH}


def test_the_start_of_a_sign_in_does_not_show_its_secrets(peers: Peers) -> None:
    start = peers.begin()
    for secret in (start.state, start.nonce, start.verifier):
        assert secret not in repr(start)


def test_a_cancelled_sign_in_has_a_name_of_its_own(peers: Peers) -> None:
    start = peers.begin()
    link = re.search(r'href="(cancel\?[^"]*)"', httpx2.get(start.url).text)
    assert link is not None
    answer = answer_of(httpx2.get(f"{peers.issuer}/{link[1]}"))
    with pytest.raises(SignInCancelledError):
        peers.provider.finish(answer, start, loa=SUBSTANTIAL, now=peers.clock())


def test_a_code_is_redeemed_once(peers: Peers) -> None:
    start = peers.begin(hint=peers.issue_ticket("aino"))
    answer = peers.signed_in(start)
    peers.provider.finish(answer, start, loa=SUBSTANTIAL, now=peers.clock())
    with pytest.raises(SignInRefusedError, match="invalid_grant"):
        peers.provider.finish(answer, start, loa=SUBSTANTIAL, now=peers.clock())


def test_a_code_that_was_stolen_is_worth_nothing_without_the_verifier(peers: Peers) -> None:
    start = peers.begin(hint=peers.issue_ticket("aino"))
    answer = peers.signed_in(start)
    thief = replace(start, verifier=secrets.token_urlsafe(32))
    with pytest.raises(SignInRefusedError, match="invalid_grant"):
        peers.provider.finish(answer, thief, loa=SUBSTANTIAL, now=peers.clock())
    # and the try has killed it
    with pytest.raises(SignInRefusedError, match="invalid_grant"):
        peers.provider.finish(answer, start, loa=SUBSTANTIAL, now=peers.clock())


def test_a_code_of_another_flow_is_refused(peers: Peers) -> None:
    victim, attacker = peers.begin(), peers.begin(hint=peers.issue_ticket("aino"))
    injected = changed(peers.signed_in(attacker), state=victim.state)
    with pytest.raises(SignInRefusedError, match="invalid_grant"):
        peers.provider.finish(injected, victim, loa=SUBSTANTIAL, now=peers.clock())


def test_a_nonce_of_another_flow_is_refused(peers: Peers) -> None:
    start = peers.begin(hint=peers.issue_ticket("aino"))
    answer = peers.signed_in(start)
    other = replace(start, nonce=peers.begin().nonce)
    with pytest.raises(IdTokenError) as refusal:
        peers.provider.finish(answer, other, loa=SUBSTANTIAL, now=peers.clock())
    assert refusal.value.check == "nonce"


def test_an_old_code_is_refused(peers: Peers) -> None:
    start = peers.begin(hint=peers.issue_ticket("aino"))
    answer = peers.signed_in(start)
    peers.clock.advance(seconds=60)
    with pytest.raises(SignInRefusedError, match="invalid_grant"):
        peers.provider.finish(answer, start, loa=SUBSTANTIAL, now=peers.clock())


def test_a_client_with_another_key_is_refused(peers: Peers) -> None:
    start = peers.begin(hint=peers.issue_ticket("aino"))
    impostor = peers.with_settings(signing_key=new_key())
    with pytest.raises(SignInRefusedError, match="invalid_client"):
        impostor.finish(peers.signed_in(start), start, loa=SUBSTANTIAL, now=peers.clock())


def test_a_ticket_signs_in_once(peers: Peers) -> None:
    ticket = peers.issue_ticket("aino")
    assert "code" in peers.signed_in(peers.begin(hint=ticket))
    second = httpx2.get(peers.begin(hint=ticket).url)
    assert second.status_code == 200
    assert "Kirjautumislinkki on jo käytetty" in second.text


# With a provider that lies


@pytest.mark.parametrize("state", ["", "another", "ä"])
def test_an_answer_with_another_state_is_refused(forger: Forger, state: str) -> None:
    with pytest.raises(StateMismatchError):
        forger.finish(state=state)
    assert not forger.forms


def test_an_answer_without_state_is_refused(forger: Forger) -> None:
    start = forger.begin()
    with pytest.raises(StateMismatchError):
        forger.provider.finish({"code": "x"}, start, loa=SUBSTANTIAL, now=NOW)


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:1", "", "HTTP://127.0.0.1"])
def test_an_answer_from_another_issuer_is_refused_before_the_code_is_sent(
    forger: Forger, issuer: str
) -> None:
    with pytest.raises(IssuerMismatchError):
        forger.finish(iss=issuer)
    assert not forger.forms


def test_an_answer_without_issuer_is_refused_where_the_provider_promises_one(
    forger: Forger,
) -> None:
    start = forger.begin()
    answer = {"state": start.state, "code": "x"}
    with pytest.raises(IssuerMismatchError):
        forger.provider.finish(answer, start, loa=SUBSTANTIAL, now=NOW)


def test_an_answer_without_issuer_is_accepted_where_none_is_promised(forger: Forger) -> None:
    del forger.metadata["authorization_response_iss_parameter_supported"]
    start = forger.begin()
    forger.claims["nonce"] = start.nonce
    answer = {"state": start.state, "code": "x"}
    assert forger.provider.finish(answer, start, loa=SUBSTANTIAL, now=NOW).loa is HIGH


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("login_required", "login_required"),
        ("temporarily_unavailable", "temporarily_unavailable"),
        ("<script>010190-999W</script>", "unknown"),
    ],
)
def test_an_error_answer_has_a_known_word(forger: Forger, error: str, told: str) -> None:
    with pytest.raises(SignInRefusedError) as refusal:
        forger.finish(error=error, error_description="010190-999W")
    assert str(refusal.value) == refusal.value.error == told


@pytest.mark.parametrize("code", ["", "x" * 5000])
def test_an_answer_without_a_possible_code_is_refused(forger: Forger, code: str) -> None:
    with pytest.raises(ProviderContractError):
        forger.finish(code=code)


def test_the_code_is_redeemed_as_the_standards_say(forger: Forger) -> None:
    start = forger.begin()
    forger.finish(start)
    forger.claims["nonce"] = start.nonce
    forger.finish(start)
    first, second = forger.forms
    assert first["grant_type"] == "authorization_code"
    assert first["code"] == "a-code"
    assert first["redirect_uri"] == REDIRECT
    assert first["code_verifier"] == start.verifier
    assert "client_secret" not in first
    assert first["client_assertion"] != second["client_assertion"]


def test_a_client_with_a_secret_sends_it_in_the_header(forger: Forger) -> None:
    forger.configure(signing_key=None, client_secret="hush")
    forger.finish()
    assert "client_assertion" not in forger.forms[0]
    assert "hush" not in str(forger.forms)
    assert "hush" not in repr(forger.settings)


@pytest.mark.parametrize(
    "secrets_given", [{"signing_key": None}, {"client_secret": "hush"}], ids=["none", "both"]
)
def test_a_client_has_one_way_to_authenticate(
    forger: Forger, secrets_given: dict[str, str | None]
) -> None:
    with pytest.raises(ValueError, match="either a signing key or a client secret"):
        forger.configure(**secrets_given)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (JSONResponse({"error": "invalid_grant"}, 400), SignInRefusedError),
        (JSONResponse({"error": {"invalid_grant": 1}}, 400), SignInRefusedError),
        (JSONResponse({"error": None}, 400), SignInRefusedError),
        (JSONResponse(None), ProviderContractError),
        (JSONResponse("error"), ProviderContractError),
        (JSONResponse({"access_token": "x"}), ProviderContractError),
        (JSONResponse({"id_token": 7}), ProviderContractError),
        (JSONResponse([]), ProviderContractError),
        (PlainTextResponse("down", 503), ProviderUnavailableError),
        (PlainTextResponse("busy", 429), ProviderUnavailableError),
        (PlainTextResponse("<html>"), ProviderContractError),
        (PlainTextResponse("[" * 100_000), ProviderContractError),
        (PlainTextResponse(b"\xff\xfe"), ProviderContractError),
        (RedirectResponse("http://127.0.0.1:1/", 307), ProviderUnavailableError),
        (PlainTextResponse("x" * 300_000), ProviderUnavailableError),
        (Response(b"x", headers={"content-encoding": "gzip"}), ProviderUnavailableError),
    ],
)
def test_a_token_answer_that_is_none_has_a_named_error(
    forger: Forger, answer: Response, error: type[SignInError]
) -> None:
    forger.token_answer = answer
    with pytest.raises(error):
        forger.finish()


def test_every_error_has_a_word_for_the_log() -> None:
    found = [
        error.code
        for error in SignInError.__subclasses__()
        if error.__module__ == SignInError.__module__  # the service has errors of its own
    ]
    assert len(found) == len(set(found)) == 9
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in found)
