"""The whole way once, inside one process: asked, allowed, fetched, withdrawn, refused.

The citizen uses pages, the agency's program signs by itself; both go through the application.
"""

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient

from audit.model import SYSTEM, Kind
from audit.unit_of_work import begin
from consent.clients import register_client
from service.exchange import Call
from tests.consent.flow import REDIRECT, VERIFIER, events, metadata
from tests.service.house import AINO, VILLE, House, form_of, open_house, sign_in
from tests.service.office import DETAILS, PUSHED, Program

DEBTS = PUSHED | {"authorization_details": json.dumps([DETAILS])}


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    opened = open_house(tmp_path_factory.mktemp("house"))
    opened.deposit(opened.person(AINO))
    yield opened
    opened.runtime.close()


@pytest.fixture
def program(house: House) -> Program:
    """A program of the debt counsellors."""
    made = Program("debt-counsel-1", house.clock)
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        members = metadata(jwks={"keys": [made.jwk()]})
        register_client(uow, members, house.runtime.catalogue)
    return made


def send(house: House, call: Call) -> httpx2.Response:
    """A program's request, through the whole application."""
    headers = [(key.decode(), value.decode()) for key, value in call.headers]
    program = TestClient(house.app, base_url=house.runtime.settings.base_url)
    answer: httpx2.Response = program.request(
        call.method, call.path, headers=headers, content=call.body
    )
    return answer


def ask(house: House, program: Program) -> str:
    """Push a request and give the address to send the person to."""
    pushed = send(house, program.form("/oauth/par", DEBTS))
    assert pushed.status_code == 201, pushed.text
    uri = pushed.json()["request_uri"]
    return f"/oauth/authorize?client_id={program.client_id}&request_uri={uri}"


def answer_with(browser: TestClient, page: str, decision: str) -> str:
    """Answer on the page and give the address where it leads."""
    form = form_of(browser.get(page).text, page)
    answered = browser.post(page, data={**form, "decision": decision})
    assert answered.status_code == 303, answered.text
    location: str = answered.headers["location"]
    return location


def redeem(house: House, program: Program, code: str) -> httpx2.Response:
    parameters = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }
    return send(house, program.form("/oauth/token", parameters))


def test_asked_allowed_fetched_withdrawn_refused(house: House, program: Program) -> None:
    browser = house.visitor()
    address = ask(house, program)
    to_sign_in = browser.get(address)
    assert to_sign_in.status_code == 303
    house.provider.identifier = AINO
    assert sign_in(browser, to_sign_in.headers["location"]) == address

    page = browser.get(address).headers["location"]
    assert browser.get(address).headers["location"] == page
    receipt = answer_with(browser, page, "give")
    assert browser.get(receipt).status_code == 200

    back = browser.get(f"/oauth/return/{page.rpartition('/')[2]}")
    assert back.status_code == 303
    assert back.headers["cache-control"] == "no-store"
    assert back.headers["location"].startswith(REDIRECT + "?")
    came = parse_qs(urlsplit(back.headers["location"]).query)
    assert came["state"] == ["state-1"]
    assert came["iss"] == ["https://vault.example.fi"]

    given = redeem(house, program, came["code"][0])
    assert given.status_code == 200, given.text
    token = given.json()["access_token"]
    fetched = send(house, program.get("/api/v1/data/income", token))
    assert fetched.json()["attributes"]["income.monthly_gross"]["value"] == 315_050
    assert fetched.headers["consent-vault-event"]
    assert fetched.headers["x-content-type-options"] == "nosniff"

    consent_id = page.rpartition("/")[2]
    withdrawal = f"/en/consents/{consent_id}/withdraw"
    form = form_of(browser.get("/en/consents").text, withdrawal)
    assert browser.post(withdrawal, data=form).status_code == 303
    refused = send(house, program.get("/api/v1/data/income", token))
    assert (refused.status_code, refused.json()["reason"]) == (403, "not_permitted")
    assert redeem(house, program, came["code"][0]).json()["error"] == "invalid_grant"
    assert len(events(house.runtime.ledger, Kind.DATA_RELEASED)) == 1


def test_a_refusal_goes_back_as_access_denied(house: House, program: Program) -> None:
    browser = house.signed_in(AINO)
    page = browser.get(ask(house, program)).headers["location"]
    answer_with(browser, page, "refuse")
    back = browser.get(f"/oauth/return/{page.rpartition('/')[2]}").headers["location"]
    came = parse_qs(urlsplit(back).query)
    assert came["error"] == ["access_denied"]
    assert set(came) == {"error", "state", "iss"}


def test_who_has_not_answered_is_led_to_the_question(house: House, program: Program) -> None:
    browser = house.signed_in(AINO)
    page = browser.get(ask(house, program)).headers["location"]
    assert browser.get(f"/oauth/return/{page.rpartition('/')[2]}").headers["location"] == page


def test_nobody_returns_for_another_person(house: House, program: Program) -> None:
    browser = house.signed_in(AINO)
    page = browser.get(ask(house, program)).headers["location"]
    answer_with(browser, page, "give")
    other = house.signed_in(VILLE)
    assert other.get(f"/oauth/return/{page.rpartition('/')[2]}").status_code == 404


def test_an_opened_request_is_not_another_persons(house: House, program: Program) -> None:
    address = ask(house, program)
    assert house.signed_in(AINO).get(address).status_code == 303
    other = house.signed_in(VILLE).get(address)
    assert other.status_code == 404
    reasons = [e.get("reason") for e in events(house.runtime.ledger, Kind.REQUEST_REFUSED)]
    assert reasons == ["request-of-another-person"]


def test_only_the_newest_code_works_and_after_it_there_are_no_more(
    house: House, program: Program
) -> None:
    browser = house.signed_in(AINO)
    page = browser.get(ask(house, program)).headers["location"]
    answer_with(browser, page, "give")
    way_back = f"/oauth/return/{page.rpartition('/')[2]}"
    codes = [
        parse_qs(urlsplit(browser.get(way_back).headers["location"]).query)["code"][0]
        for _ in range(2)
    ]
    assert redeem(house, program, codes[0]).json()["error"] == "invalid_grant"
    assert redeem(house, program, codes[1]).status_code == 200
    assert browser.get(way_back).status_code == 409


@pytest.mark.parametrize(
    "query",
    [
        "",
        "client_id=debt-counsel-1",
        "request_uri=urn:ietf:params:oauth:request_uri:x",
        "client_id=a&client_id=b&request_uri=x",
        "client_id=debt-counsel-1&request_uri=https://evil.example/request",
        "client_id=debt-counsel-1&request_uri=unknown&redirect_uri=https://evil.example/",
    ],
)
def test_a_request_that_is_none_gets_a_page_and_no_redirect(house: House, query: str) -> None:
    answer = house.signed_in(AINO).get(f"/oauth/authorize?{query}")
    assert answer.status_code in {400, 404}
    assert answer.headers["content-type"].startswith("text/html")
    assert "location" not in answer.headers
    assert 'href="https://evil.example' not in answer.text


def test_a_request_of_another_client_is_not_found(house: House, program: Program) -> None:
    uri = ask(house, program).partition("request_uri=")[2]
    other = next(iter(house.clients.values())).id
    answer = house.signed_in(AINO).get(f"/oauth/authorize?client_id={other}&request_uri={uri}")
    assert answer.status_code == 404


def test_a_request_that_waited_too_long_is_not_open(house: House, program: Program) -> None:
    address = ask(house, program)
    browser = house.signed_in(AINO)
    house.clock.advance(seconds=90)
    assert browser.get(address).status_code == 404


def test_a_body_that_is_too_large_is_refused_unread(house: House) -> None:
    for path in ("/oauth/token", "/oauth/par"):
        call = Call(
            "POST",
            path,
            [(b"content-type", b"application/x-www-form-urlencoded")],
            body=b"a" * 70_000,
        )
        assert send(house, call).status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status", "media_type"),
    [
        ("GET", "/oauth/token", 405, "application/json"),
        ("PUT", "/api/v1/data/income", 405, "application/problem+json"),
        ("GET", "/api/v1/no-such", 404, "application/problem+json"),
        ("GET", "/oauth/no-such", 404, "application/json"),
        ("GET", "/no-such", 404, "text/html; charset=utf-8"),
        ("GET", "/audit/proof/no-uuid", 400, "application/problem+json"),
        ("GET", f"/api/v1/data/{'x' * 65}", 400, "application/problem+json"),
    ],
)
def test_each_caller_gets_errors_in_its_own_form(
    house: House, method: str, path: str, status: int, media_type: str
) -> None:
    answer = house.visitor().request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, media_type)


def test_an_unexpected_fault_is_a_500_without_its_text(
    house: House, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    house.runtime.ledger.engine.dispose()
    with house.runtime.ledger.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE consent_used RENAME TO gone")
    answer = send(house, program.form("/oauth/par", DEBTS))
    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert "consent_used" not in answer.text + capsys.readouterr().out
