"""Pushed requests (RFC 9126): what may be asked, and the exact error for what may not."""

import json
from dataclasses import replace
from typing import Any

import pytest

from audit.model import SYSTEM, Kind
from audit.unit_of_work import begin
from consent.purposes import register_purpose
from service.exchange import Call
from tests.consent.flow import DEBT_ADVICE, REDIRECT, catalogue
from tests.service.office import DETAILS, ISSUER, PUSHED, Office, content


def details(**changed: Any) -> str:
    members = {k: v for k, v in (DETAILS | changed).items() if v is not None}
    return json.dumps([members])


def test_a_pushed_request_gets_an_address_for_ninety_seconds(office: Office) -> None:
    answer = office.push()
    assert answer.status == 201
    assert content(answer)["expires_in"] == 90
    assert content(answer)["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    (entry,) = office.events(Kind.REQUEST_PUSHED)
    assert entry.get("purpose") == "debt-advice"


def _widened(office: Office, **changed: Any) -> None:
    """The declaration of the demo's purpose in a version that allows more than the limits."""
    declared = catalogue().purpose(DEBT_ADVICE)
    wide = replace(declared, version=declared.version + 1, **changed)
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.runtime.now()) as uow:
        register_purpose(uow, wide, catalogue())


def test_what_is_too_often_is_narrowed_and_the_client_is_told(office: Office) -> None:
    _widened(office, max_uses=None)
    told = content(office.push(authorization_details=details(uses=950)))
    assert told["narrowed_by"] == ["authority-case"]
    (narrowed,) = told["authorization_details"]
    assert narrowed["uses"] == 900
    assert "narrowed_by" not in content(office.push(authorization_details=details(uses=900)))


@pytest.mark.parametrize(
    "changed",
    [
        {"resource": ISSUER},
        {"resource": ISSUER + "/"},
        {"response_mode": "query"},
        {"state": "s" * 2048},
        {"state": None},
        {"state": ""},
        {"nonce": "n" * 64},
        {"prompt": "consent"},
        {"login_hint": "whoever"},
        {"authorization_details": details(not_after="2027-01-01T00:00:00Z", uses=3)},
    ],
)
def test_what_may_be_asked(busy_office: Office, changed: dict[str, str | None]) -> None:
    assert busy_office.push(**changed).status == 201


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": REDIRECT + "?x=y"}, "invalid_request"),
        ({"redirect_uri": REDIRECT.upper()}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/callback"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "!" * 43}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"state": "\x00"}, "invalid_request"),
        ({"state": "s" * 2049}, "invalid_request"),
        ({"nonce": "n" * 65}, "invalid_request"),
        ({"dpop_jkt": "k" * 43}, "invalid_dpop_proof"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"authorization_details": None}, "invalid_request"),
        ({"authorization_details": ""}, "invalid_request"),
        ({"authorization_details": "[]"}, "invalid_authorization_details"),
        ({"authorization_details": "{"}, "invalid_authorization_details"),
        ({"authorization_details": "[" * 20000}, "invalid_authorization_details"),
        ({"authorization_details": details(type="other")}, "invalid_authorization_details"),
        ({"authorization_details": details(actions=["write"])}, "invalid_authorization_details"),
        ({"authorization_details": details(more=1)}, "invalid_authorization_details"),
        ({"authorization_details": details(uses=0)}, "invalid_authorization_details"),
        (
            {"authorization_details": details(case="010199-9012")},
            "invalid_authorization_details",
        ),
        (
            {"authorization_details": details(datatypes=["glucose.latest_value"])},
            "invalid_authorization_details",
        ),
        (
            {"authorization_details": details(subject={"format": "opaque", "id": "A" * 22})},
            "invalid_authorization_details",
        ),
        ({"authorization_details": details(purpose="no-such")}, "invalid_authorization_details"),
        (
            {
                "authorization_details": details(
                    purpose="kela-unemployment-benefit", datatypes=["income.employer"]
                )
            },
            "invalid_authorization_details",
        ),
    ],
)
def test_what_may_not_be_asked(
    busy_office: Office, changed: dict[str, str | None], error: str
) -> None:
    answer = busy_office.push(**changed)
    assert (answer.status, content(answer)["error"]) == (400, error)


def test_what_the_law_gives_is_never_asked(busy_office: Office) -> None:
    wanted = [{**DETAILS, "purpose": "kela-income-check", "datatypes": ["income.employer"]}]
    form = PUSHED | {"authorization_details": json.dumps(wanted)}
    answer = busy_office.send(busy_office.authority.form("/oauth/par", form))
    assert content(answer)["error"] == "invalid_authorization_details"


def test_a_request_without_a_proof_may_name_its_key(busy_office: Office) -> None:
    form = PUSHED | {"dpop_jkt": "k" * 43}
    answer = busy_office.send(busy_office.program.form("/oauth/par", form, proofs=[]))
    assert answer.status == 201


@pytest.mark.parametrize(
    ("body", "media_type", "error", "status"),
    [
        (b"response_type=code&response_type=code", None, "invalid_request", 400),
        (b"state=&state=", None, "invalid_request", 400),
        (b"state=%ff", None, "invalid_request", 400),
        ("state=ä".encode(), None, "invalid_request", 400),
        (b"&".join(b"a%d=1" % i for i in range(60)), None, "invalid_request", 400),
        (b"a" * 65_537, None, "invalid_request", 413),
        (b"{}", b"application/json", "invalid_request", 400),
        (b"", b"multipart/form-data; boundary=x", "invalid_request", 400),
        (b"", None, "invalid_client", 401),
    ],
)
def test_a_body_that_is_no_proper_form_is_refused(
    busy_office: Office, body: bytes, media_type: bytes | None, error: str, status: int
) -> None:
    kind = media_type or b"application/x-www-form-urlencoded;charset=utf-8"
    answer = busy_office.send(Call("POST", "/oauth/par", [(b"content-type", kind)], b"", body))
    assert (answer.status, content(answer)["error"]) == (status, error)


def test_two_media_types_are_none(busy_office: Office) -> None:
    call = busy_office.program.form("/oauth/par", PUSHED)
    call.headers.append((b"content-type", b"application/json"))
    assert busy_office.send(call).status == 400


def test_an_explanation_never_quotes_the_request(busy_office: Office) -> None:
    canary = "CANARY"
    for name in (*PUSHED, "scope", "resource", "nonce", "dpop_jkt"):
        answer = busy_office.push(**{name: canary})
        assert canary not in answer.body.decode()


def test_every_refusal_of_a_known_client_is_recorded(office: Office) -> None:
    office.push(scope="openid")
    (entry,) = office.events(Kind.REQUEST_REFUSED)
    assert (entry.get("client"), entry.get("reason")) == ("debt-counsel-1", "scope")


def test_a_refusal_changes_nothing_else(office: Office) -> None:
    office.push(authorization_details=details(uses=0))
    assert not office.events(Kind.REQUEST_PUSHED)
