"""Signing in: each browser and tab for itself, nothing planted, nothing used twice."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from audit.model import Entry, Kind
from audit.reader import search
from connectors.sign_in_errors import (
    AssuranceError,
    IdTokenError,
    ProviderUnavailableError,
    SignInCancelledError,
    SignInError,
)
from policies.vocabulary import LevelOfAssurance, Role
from service.app import create_app
from service.model import Limits
from service.sessions import sessions_of
from tests.service.house import VILLE, House, form_of, sign_in, words_of

COOKIE = "__Host-session"
LIMITS = Limits()


def logged(house: House, kind: Kind) -> list[Entry]:
    with house.runtime.ledger.read() as connection:
        return search(connection, house.runtime.ledger, kind=kind)


def begun(browser: TestClient, path: str = "/en/sign-in") -> str:
    """Begin a sign-in and give its state."""
    answer = browser.get(path)
    assert answer.status_code == 303
    return parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]


def back(browser: TestClient, state: str) -> int:
    """Come back from the identity provider."""
    return browser.get(f"/sign-in/callback?code=code&state={state}").status_code


def is_signed_in(browser: TestClient) -> bool:
    return browser.get("/en/settings").status_code == 200


def test_the_cookie_is_for_this_host_and_for_no_script(house: House) -> None:
    browser = house.visitor()
    state = begun(browser)
    answer = browser.get(f"/sign-in/callback?code=code&state={state}")
    (cookie,) = answer.headers.get_list("set-cookie")
    attributes = {each.strip().lower() for each in cookie.split(";")[1:]}
    assert cookie.startswith(f"{COOKIE}=")
    assert attributes == {"httponly", "path=/", "samesite=lax", "secure"}


def test_on_loopback_without_https_the_cookie_has_its_plain_name(house: House) -> None:
    settings = house.runtime.settings.model_copy(
        update={"base_url": "http://127.0.0.1:8460", "demo": True}
    )
    runtime = replace(house.runtime, settings=settings)
    local = replace(house, runtime=runtime, app=create_app(runtime))
    browser = local.visitor()
    sign_in(browser)
    assert set(browser.cookies) == {"session"}
    assert is_signed_in(browser)


def test_a_value_planted_before_the_sign_in_is_worth_nothing_after_it(house: House) -> None:
    browser, planted = house.visitor(), "planted-by-somebody-else"
    browser.cookies.set(COOKIE, planted, domain="vault.example.fi")
    sign_in(browser)
    assert planted not in browser.cookies.values()
    thief = house.visitor()
    thief.cookies.set(COOKIE, planted, domain="vault.example.fi")
    assert is_signed_in(browser)
    assert not is_signed_in(thief)


def test_an_answer_that_another_browser_began_is_refused(house: House) -> None:
    state = begun(house.visitor())
    victim = house.visitor()
    assert back(victim, state) == 400
    begun(victim)
    assert back(victim, state) == 400
    assert not is_signed_in(victim)
    assert {each.get("reason") for each in logged(house, Kind.SIGN_IN_REFUSED)} == {
        "sign-in-unknown"
    }


@pytest.mark.parametrize("state", ["", "unknown", "x" * 3000])
def test_an_answer_to_nothing_is_refused(house: House, state: str) -> None:
    browser = house.visitor()
    begun(browser)
    assert back(browser, state) == 400


def test_a_state_works_once(house: House) -> None:
    browser = house.visitor()
    state = begun(browser)
    assert back(browser, state) == 303
    assert back(browser, state) == 400
    assert is_signed_in(browser)


def test_a_sign_in_that_took_too_long_is_refused(house: House) -> None:
    browser = house.visitor()
    state = begun(browser)
    house.clock.advance(minutes=15)
    assert back(browser, state) == 400


def test_two_tabs_do_not_collide(house: House) -> None:
    browser = house.visitor()
    first, second = begun(browser), begun(browser)
    assert back(browser, second) == 303
    assert back(browser, first) == 303
    assert is_signed_in(browser)


def test_signing_in_again_ends_the_session_before(house: House) -> None:
    browser = house.signed_in()
    before = browser.cookies[COOKIE]
    sign_in(browser)
    old = house.visitor()
    old.cookies.set(COOKIE, before, domain="vault.example.fi")
    assert not is_signed_in(old)
    assert is_signed_in(browser)


@pytest.mark.parametrize(
    ("return_to", "ends_at"),
    [
        ("/fi/consents", "/fi/consents"),
        ("/oauth/authorize?client_id=a%26b", "/oauth/authorize?client_id=a&b"),
        ("//evil.example/", "/en/"),
        ("/%5Cevil.example", "/en/"),
        ("https://evil.example/", "/en/"),
        ("evil", "/en/"),
        ("/a%0d%0aSet-Cookie:x", "/en/"),
        ("/a b", "/en/"),
        ("/ä", "/en/"),
        ("/" + "x" * 600, "/en/"),
    ],
)
def test_only_our_own_paths_are_returned_to(house: House, return_to: str, ends_at: str) -> None:
    assert sign_in(house.visitor(), f"/en/sign-in?return_to={return_to}") == ends_at


@pytest.mark.parametrize(
    ("role", "ends_at"), [(Role.AUDITOR, "/en/audit"), (Role.OPERATOR, "/en/operator")]
)
def test_staff_land_on_their_own_page(house: House, role: Role, ends_at: str) -> None:
    house.signed_in(VILLE, role=role)
    assert sign_in(house.visitor()) == ends_at


def test_a_ticket_of_the_demo_goes_to_its_provider_and_nowhere_else(house: House) -> None:
    settings = house.runtime.settings.model_copy(update={"demo": True})
    house.app.state.runtime = replace(house.runtime, settings=settings)
    answer = house.visitor().get("/en/sign-in?ticket=once-only")
    assert house.provider.hints == ["once-only"]
    assert "once-only" not in answer.text + str(answer.headers)


def test_a_real_provider_is_told_nothing_that_stands_in_a_link(house: House) -> None:
    house.visitor().get("/en/sign-in?ticket=somebody")
    assert house.provider.hints == [None]


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
@pytest.mark.parametrize(
    "failure",
    [
        SignInCancelledError(),
        AssuranceError(LevelOfAssurance.LOW),
        ProviderUnavailableError("token endpoint"),
        IdTokenError("nonce"),
    ],
    ids=lambda each: each.code,
)
def test_a_sign_in_that_fails_says_so_and_leaves_a_trace(
    house: House, failure: SignInError, language: str
) -> None:
    house.provider.failure = failure
    browser = house.visitor()
    state = begun(browser, f"/{language}/sign-in")
    answer = browser.get(f"/sign-in/callback?code=code&state={state}")
    assert answer.status_code == 400
    assert f'href="/{language}/sign-in"' in answer.text
    assert str(failure) not in words_of(answer.text) or not str(failure)
    assert [each.get("reason") for each in logged(house, Kind.SIGN_IN_REFUSED)] == [failure.code]
    house.provider.failure = None
    assert back(browser, state) == 400


def test_without_an_identity_provider_nobody_can_sign_in(house: House) -> None:
    runtime = replace(house.runtime, identity_provider=None)
    closed = replace(house, runtime=runtime, app=create_app(runtime))
    assert closed.visitor().get("/en/sign-in").status_code == 503


def test_signing_out_ends_the_session_and_takes_the_cookie_away(house: House) -> None:
    browser = house.signed_in()
    token = browser.cookies[COOKIE]
    assert leave(browser) == 303
    assert COOKIE not in browser.cookies
    browser.cookies.set(COOKIE, token, domain="vault.example.fi")
    assert not is_signed_in(browser)
    assert leave(house.visitor()) == 303


def test_a_page_of_an_earlier_sign_in_lets_a_person_out_as_well(house: House) -> None:
    browser = house.signed_in()
    old_page = browser.get("/en/").text
    sign_in(browser)
    assert is_signed_in(browser)
    data = form_of(old_page, "/en/sign-out")
    answer = browser.post("/en/sign-out", data=data)
    assert answer.status_code == 303
    assert not is_signed_in(browser)
    assert "You are signed out" in browser.get(answer.headers["location"]).text


@pytest.mark.parametrize("failure", [SignInCancelledError(), AssuranceError(None)])
def test_after_a_sign_in_that_failed_one_begins_again_for_the_same_page(
    house: House, failure: SignInError
) -> None:
    browser = house.visitor()
    begun = browser.get("/sv/sign-in?loa=high&return_to=/sv/requests")
    house.provider.failure = failure
    state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
    page = browser.get(f"/sign-in/callback?code=code&state={state}").text
    assert '<html lang="sv">' in page
    assert 'href="/sv/sign-in?loa=high&amp;return_to=%2Fsv%2Frequests"' in page


def test_sessions_end_by_disuse_and_in_any_case(house: House) -> None:
    browser = house.signed_in()
    limit = house.runtime.settings.session_idle_minutes
    house.clock.advance(minutes=limit - 1)
    assert is_signed_in(browser)
    house.clock.advance(minutes=limit)
    assert not is_signed_in(browser)
    assert browser.get("/en/settings").headers["location"].startswith("/en/sign-in?return_to=")


def test_a_person_has_one_id_however_often_she_signs_in(house: House) -> None:
    house.signed_in()
    house.signed_in()
    with house.runtime.ledger.read() as connection:
        found = sessions_of(connection, house.person(), now=house.clock(), limits=LIMITS)
    assert len(found) == 2


def leave(browser: TestClient) -> int:
    return browser.post("/en/sign-out").status_code
