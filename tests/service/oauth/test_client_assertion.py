"""`private_key_jwt`: each way in which an assertion can be wrong is a 401 `invalid_client`."""

import json
from typing import Any

import jwt
import pytest

from audit.model import SYSTEM
from audit.unit_of_work import begin
from consent.clients import register_client
from service.exchange import Answer
from tests.consent.flow import NOW, metadata
from tests.service.office import (
    DETAILS,
    ISSUER,
    PUSHED,
    Office,
    Program,
    content,
    new_key,
    public_jwk,
)

SECONDS = int(NOW.timestamp())


def push_with(office: Office, assertion: str, **changed: str | None) -> Answer:
    parameters = PUSHED | {"client_assertion": assertion} | changed
    return office.send(office.program.form("/oauth/par", parameters))


def refused(answer: Answer) -> str:
    """The explanation in a refusal of the client."""
    assert (answer.status, content(answer)["error"]) == (401, "invalid_client")
    description: str = content(answer)["error_description"]
    return description


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"nbf": SECONDS},
        {"iat": SECONDS + 10, "nbf": SECONDS + 10},
        {"iat": None},
        {"exp": SECONDS + 1},
        {"exp": SECONDS + 300},
        {"exp": SECONDS + 59.5},
        {"jti": "x" * 256},
        {"more": {"than": ["we", "look", "at"]}},
    ],
)
def test_a_good_assertion_is_taken(busy_office: Office, claims: dict[str, Any]) -> None:
    if "jti" in claims:
        claims = claims | {"jti": claims["jti"][:250] + str(id(claims))[-6:]}
    assert push_with(busy_office, busy_office.program.assertion(**claims)).status == 201


@pytest.mark.parametrize("kind", ["JWT", "client-authentication+jwt", None])
def test_the_types_of_a_client_assertion_are_taken(busy_office: Office, kind: str | None) -> None:
    assertion = busy_office.program.assertion(header={"typ": kind})
    assert push_with(busy_office, assertion).status == 201


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"aud": [ISSUER]}, "aud must be the issuer"),
        ({"aud": [ISSUER, "https://other.example"]}, "aud must be the issuer"),
        ({"aud": ISSUER + "/"}, "aud must be the issuer"),
        ({"aud": ISSUER + "/oauth/par"}, "aud must be the issuer"),
        ({"aud": None}, "aud must be the issuer"),
        ({"exp": None}, "must stand in it"),
        ({"exp": "tomorrow"}, "must stand in it"),
        ({"exp": True}, "must stand in it"),
        ({"exp": SECONDS}, "expired"),
        ({"exp": SECONDS - 1}, "expired"),
        ({"exp": SECONDS + 361}, "more than five minutes"),
        ({"exp": SECONDS + 315_000_000}, "more than five minutes"),
        ({"iat": SECONDS + 61}, "not valid yet"),
        ({"nbf": SECONDS + 61}, "not valid yet"),
        ({"nbf": "now"}, "not valid yet"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
        ({"jti": "x" * 257}, "jti"),
        ({"iss": None}, "must stand in it"),
        ({"sub": None}, "must stand in it"),
        ({"sub": "kela-1"}, "client_id must be"),
        ({"iss": "kela-1"}, "client_id must be"),
        ({"iss": "kela-1", "sub": "kela-1"}, "client_id must be"),
    ],
)
def test_a_wrong_claim_is_refused(busy_office: Office, claims: dict[str, Any], words: str) -> None:
    assert words in refused(push_with(busy_office, busy_office.program.assertion(**claims)))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"typ": "dpop+jwt"}, "a JWT signed with"),
        ({"typ": "consent-receipt+jwt"}, "a JWT signed with"),
        ({"kid": "key-2"}, "no registered key"),
        ({"jku": "https://evil.example/keys"}, "a JWT signed with"),
        ({"x5u": "https://evil.example/cert"}, "a JWT signed with"),
        ({"crit": ["exp"]}, "a JWT signed with"),
    ],
)
def test_a_wrong_header_is_refused(busy_office: Office, header: dict[str, Any], words: str) -> None:
    assertion = busy_office.program.assertion(header=header)
    assert words in refused(push_with(busy_office, assertion))


def test_a_key_that_the_assertion_brings_itself_is_refused(busy_office: Office) -> None:
    forged = Program("debt-counsel-1", busy_office.clock)
    assertion = forged.assertion(header={"jwk": public_jwk(forged.key)})
    assert "a JWT signed with" in refused(push_with(busy_office, assertion))


def test_the_signature_of_another_key_is_refused(busy_office: Office) -> None:
    forged = Program("debt-counsel-1", busy_office.clock)
    assert "signature" in refused(push_with(busy_office, forged.assertion()))


def test_a_changed_payload_is_refused(busy_office: Office) -> None:
    head, _, tail = busy_office.program.assertion().split(".")
    payload = busy_office.program.assertion(jti="other").split(".")[1]
    assert "signature" in refused(push_with(busy_office, f"{head}.{payload}.{tail}"))


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256", "PS384", "ES512"])
def test_an_algorithm_outside_the_profile_is_refused(busy_office: Office, algorithm: str) -> None:
    head = jwt.utils.base64url_encode(f'{{"alg":"{algorithm}","kid":"key-1"}}'.encode()).decode()
    _, payload, tail = busy_office.program.assertion().split(".")
    assert "signed with" in refused(push_with(busy_office, f"{head}.{payload}.{tail}"))


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d", "x" * 9000, "ä.ö.å", "e30.e30.e30"])
def test_what_is_no_jwt_is_refused(busy_office: Office, text: str) -> None:
    refused(push_with(busy_office, text or "."))


def test_an_assertion_serves_once(office: Office) -> None:
    assertion = office.program.assertion()
    assert push_with(office, assertion).status == 201
    assert "used before" in refused(push_with(office, assertion))


def test_an_assertion_of_a_refused_request_is_used_up_as_well(office: Office) -> None:
    assertion = office.program.assertion()
    assert push_with(office, assertion, response_type="token").status == 400
    assert "used before" in refused(push_with(office, assertion))


def test_an_unknown_client_is_refused_and_leaves_no_event(office: Office) -> None:
    stranger = Program("stranger", office.clock)
    answer = office.send(stranger.form("/oauth/par", PUSHED))
    assert "no such client" in refused(answer)


@pytest.mark.parametrize("client_id", ["a\x00b", "ä", "x" * 257, "a\nb"])
def test_a_client_id_that_no_client_can_have_is_unknown(
    each_office: Office, client_id: str
) -> None:
    """PostgreSQL takes no NUL in a text, and answers one with an error."""
    stranger = Program(client_id, each_office.clock)
    assert "no such client" in refused(each_office.send(stranger.form("/oauth/par", PUSHED)))


@pytest.mark.parametrize("odd", ["a\x00b", "x" * 5000, "\u202eä"])
def test_odd_characters_are_an_error_of_the_client_and_never_ours(
    each_office: Office, odd: str
) -> None:
    program = each_office.program
    answers = [each_office.push(**{name: odd}) for name in (*PUSHED, "nonce", "dpop_jkt")]
    answers.append(push_with(each_office, program.assertion(jti=odd)))
    for name in ("code", "redirect_uri", "code_verifier", "refresh_token"):
        form = {"grant_type": "authorization_code", "code": "x", "code_verifier": "x", name: odd}
        answers.append(each_office.send(program.form("/oauth/token", form)))
    for path in ("/oauth/introspect", "/oauth/revoke"):
        answers.append(each_office.send(program.form(path, {"token": odd})))
    for name in ("case", "purpose", "not_after", "subject"):
        details = json.dumps([DETAILS | {name: odd}])
        answers.append(each_office.push(authorization_details=details))
        answers.append(each_office.by_law(**{name: odd}))
    assert {answer.status for answer in answers} <= {200, 201, 400, 401}


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "PS256"])
def test_each_algorithm_of_the_profile_is_taken(office: Office, algorithm: str) -> None:
    program = Program("second", office.clock, algorithm=algorithm, dpop_algorithm=algorithm)
    program.dpop_key = new_key(algorithm)
    with begin(office.runtime.ledger, actor=SYSTEM, now=NOW) as uow:
        members = metadata(client_id="second", jwks={"keys": [program.jwk()]})
        register_client(uow, members, office.runtime.catalogue)
    assert office.send(program.form("/oauth/par", PUSHED)).status == 201


def test_without_a_key_id_the_only_fitting_key_is_taken(busy_office: Office) -> None:
    assertion = busy_office.program.assertion(header={"kid": None})
    assert push_with(busy_office, assertion).status == 201


def test_the_registered_algorithm_binds(office: Office) -> None:
    program = Program("second", office.clock)
    other = Program("second", office.clock, algorithm="EdDSA")
    with begin(office.runtime.ledger, actor=SYSTEM, now=NOW) as uow:
        members = metadata(
            client_id="second",
            token_endpoint_auth_signing_alg="ES256",
            jwks={"keys": [program.jwk(), other.jwk() | {"kid": "key-2"}]},
        )
        register_client(uow, members, office.runtime.catalogue)
    form = {"client_assertion": other.assertion(header={"kid": "key-2"})}
    refused(office.send(other.form("/oauth/par", PUSHED | form)))
    assert office.send(program.form("/oauth/par", PUSHED)).status == 201
