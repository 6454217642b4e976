"""Introspection (RFC 7662) and revocation (RFC 7009): a client's own tokens and no others."""

from audit.model import Kind
from service.exchange import Answer
from tests.service.office import ISSUER, Office, Program, content


def ask(office: Office, program: Program, path: str, token: str | None) -> Answer:
    return office.send(program.form(path, {"token": token}, proofs=[]))


def test_a_client_learns_what_its_token_stands_for(each_office: Office) -> None:
    given = each_office.tokens()
    answer = ask(each_office, each_office.program, "/oauth/introspect", given["access_token"])
    told = content(answer)
    assert told["active"] is True
    assert told["iss"] == told["aud"] == ISSUER
    assert told["client_id"] == "debt-counsel-1"
    assert told["sub"] == given["authorization_details"][0]["subject"]["id"]
    assert told["exp"] - told["iat"] == 300
    assert told["authorization_details"][0]["case"] == "2026/17"
    assert len(told["cnf"]["jkt"]) == 43
    assert each_office.events(Kind.TOKEN_INTROSPECTED)


def test_anything_else_is_only_not_active(office: Office) -> None:
    given = office.tokens()
    for program, token in (
        (office.authority, given["access_token"]),
        (office.program, given["refresh_token"]),
        (office.program, "x" * 43),
        (office.program, "?"),
    ):
        answer = ask(office, program, "/oauth/introspect", token)
        assert content(answer) == {"active": False}
    office.clock.advance(seconds=300)
    late = ask(office, office.program, "/oauth/introspect", given["access_token"])
    assert content(late) == {"active": False}


def test_a_withdrawal_ends_the_token_at_once(office: Office) -> None:
    consent = office.given()
    token = office.tokens(consent)["access_token"]
    office.withdraw(consent)
    told = content(ask(office, office.program, "/oauth/introspect", token))
    assert told == {"active": False}


def test_the_token_must_be_named(office: Office) -> None:
    for path in ("/oauth/introspect", "/oauth/revoke"):
        assert content(ask(office, office.program, path, None))["error"] == "invalid_request"


def test_a_revoked_token_opens_nothing(each_office: Office) -> None:
    token = each_office.tokens()["access_token"]
    assert each_office.fetch(token).status == 200
    answer = ask(each_office, each_office.program, "/oauth/revoke", token)
    assert (answer.status, answer.body) == (200, b"")
    assert each_office.fetch(token).status == 401
    assert len(each_office.events(Kind.TOKEN_REVOKED)) == 1


def test_a_revoked_refresh_token_takes_its_access_tokens_along(office: Office) -> None:
    given = office.tokens()
    ask(office, office.program, "/oauth/revoke", given["refresh_token"])
    assert office.fetch(given["access_token"]).status == 401


def test_revoking_what_is_not_ones_own_changes_nothing_and_tells_nothing(office: Office) -> None:
    token = office.tokens()["access_token"]
    for value in (token, "x" * 43):
        answer = ask(office, office.authority, "/oauth/revoke", value)
        assert (answer.status, answer.body) == (200, b"")
    assert office.fetch(token).status == 200
