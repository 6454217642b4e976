"""The token endpoint: who gets a token, who does not, and what is said in either case."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from audit.model import SYSTEM, Kind
from audit.unit_of_work import begin
from consent.clients import suspend_client
from policies.ids import ClientId
from tests.consent.flow import REDIRECT
from tests.service.office import BY_LAW, PERSON, Office, content, header, new_key


def test_a_code_gives_tokens_with_exactly_what_was_granted(each_office: Office) -> None:
    answer = each_office.redeem(each_office.code())
    assert answer.status == 200
    assert header(answer, "cache-control") == "no-store"
    given = content(answer)
    (details,) = given["authorization_details"]
    assert given["token_type"] == "DPoP"
    assert given["expires_in"] == 300
    assert details["datatypes"] == [
        "income.monthly_gross",
        "income.benefit_monthly",
        "residence.household_size",
    ]
    assert details["subject"]["format"] == "opaque"
    assert PERSON not in answer.body.decode()


def test_a_refresh_token_stays_and_may_move_to_another_key(each_office: Office) -> None:
    first = each_office.tokens()
    each_office.program.dpop_key = new_key("ES256")
    each_office.clock.advance(minutes=10)
    for _ in range(2):
        call = each_office.program.form(
            "/oauth/token",
            {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]},
        )
        renewed = content(each_office.send(call))
        assert "refresh_token" not in renewed
        assert each_office.fetch(renewed["access_token"]).status == 200


def test_the_law_gives_a_token_for_a_named_person(each_office: Office) -> None:
    given = content(each_office.by_law())
    assert "refresh_token" not in given
    subject = given["authorization_details"][0]["subject"]
    assert (
        content(each_office.by_law(subject=subject))["authorization_details"][0]["subject"]
        == subject
    )
    assert [entry.get("basis") for entry in each_office.events(Kind.TOKEN_ISSUED)] == [
        "statute"
    ] * 2


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"purpose": "kela-unemployment-benefit"}, "invalid_authorization_details"),
        ({"purpose": "debt-advice"}, "invalid_authorization_details"),
        ({"purpose": "no-such"}, "invalid_authorization_details"),
        ({"datatypes": ["person.identity_code"]}, "invalid_authorization_details"),
        ({"subject": None}, "invalid_authorization_details"),
        (
            {"subject": BY_LAW["subject"] | {"id": "010190-900P"}},
            "invalid_authorization_details",
        ),
        ({"subject": {"format": "opaque", "id": "A" * 22}}, "invalid_authorization_details"),
    ],
)
def test_without_ground_in_law_there_is_no_token(
    office: Office, changed: dict[str, object], error: str
) -> None:
    answer = office.by_law(**changed)
    assert (answer.status, content(answer)["error"]) == (400, error)
    assert office.events(Kind.TOKEN_REFUSED)
    assert not office.events(Kind.TOKEN_ISSUED)


def test_the_pseudonym_of_another_office_leads_to_nobody(office: Office) -> None:
    subject = office.tokens()["authorization_details"][0]["subject"]
    answer = office.by_law(subject=subject)
    assert content(answer)["error"] == "invalid_authorization_details"


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"code_verifier": "w" * 43}, 400, "invalid_grant"),
        ({"code_verifier": "short"}, 400, "invalid_grant"),
        ({"code_verifier": None}, 400, "invalid_request"),
        ({"redirect_uri": REDIRECT + "/"}, 400, "invalid_grant"),
        ({"code": None}, 400, "invalid_request"),
        ({"code": "x" * 43}, 400, "invalid_grant"),
        ({"code": "ä"}, 400, "invalid_grant"),
        ({"grant_type": None}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"resource": "https://elsewhere.example"}, 400, "invalid_target"),
        ({"client_assertion_type": None}, 401, "invalid_client"),
        ({"client_assertion": None}, 401, "invalid_client"),
        ({"client_id": "kela-1"}, 401, "invalid_client"),
    ],
)
def test_a_wrong_parameter_is_refused_and_the_code_stays(
    office: Office, changed: dict[str, str | None], status: int, error: str
) -> None:
    code = office.code()
    answer = office.redeem(code, **changed)
    assert (answer.status, content(answer)["error"]) == (status, error)
    assert header(answer, "cache-control") == "no-store"
    assert office.redeem(code).status == 200


def test_a_redeemed_code_ends_the_tokens_that_it_gave(each_office: Office) -> None:
    code = each_office.code()
    token = content(each_office.redeem(code))["access_token"]
    again = each_office.redeem(code)
    assert content(again)["error"] == "invalid_grant"
    assert each_office.fetch(token).status == 401


def test_a_code_lives_sixty_seconds(office: Office) -> None:
    code = office.code()
    office.clock.advance(seconds=60)
    assert content(office.redeem(code))["error"] == "invalid_grant"


def test_the_code_of_another_client_is_refused_and_stays(office: Office) -> None:
    code = office.code()
    parameters = {"grant_type": "authorization_code", "code": code, "code_verifier": "v" * 43}
    stolen = office.send(office.authority.form("/oauth/token", parameters))
    assert content(stolen)["error"] == "invalid_grant"
    assert office.redeem(code).status == 200


def test_a_code_bound_to_a_key_at_the_push_needs_that_key(office: Office) -> None:
    code = office.code()
    office.program.dpop_key = new_key("ES256")
    assert content(office.redeem(code))["error"] == "invalid_grant"


def test_a_withdrawn_consent_refreshes_nothing(each_office: Office) -> None:
    consent = each_office.given()
    refresh_token = each_office.tokens(consent)["refresh_token"]
    each_office.withdraw(consent)
    call = each_office.program.form(
        "/oauth/token", {"grant_type": "refresh_token", "refresh_token": refresh_token}
    )
    assert content(each_office.send(call))["error"] == "invalid_grant"


@pytest.mark.parametrize("value", ["", "x" * 43, "not a token"])
def test_an_unknown_refresh_token_is_refused(office: Office, value: str) -> None:
    parameters = {"grant_type": "refresh_token", "refresh_token": value}
    error = content(office.send(office.program.form("/oauth/token", parameters)))["error"]
    assert error == ("invalid_grant" if value else "invalid_request")


def test_a_suspended_client_gets_nothing_at_once(office: Office) -> None:
    office.tokens()
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        suspend_client(uow, ClientId("debt-counsel-1"))
    answer = office.redeem("x" * 43)
    assert (answer.status, content(answer)["error"]) == (401, "invalid_client")


def test_a_grant_that_is_not_registered_is_not_for_this_client(office: Office) -> None:
    from consent.clients import register_client
    from tests.consent.flow import metadata
    from tests.service.office import Program

    narrow = Program("narrow", office.clock)
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        members = metadata(
            client_id="narrow",
            organisation="kela",
            grant_types=["authorization_code"],
            jwks={"keys": [narrow.jwk()]},
        )
        register_client(uow, members, office.runtime.catalogue)
    parameters = {
        "grant_type": "client_credentials",
        "authorization_details": json.dumps([BY_LAW]),
    }
    answer = office.send(narrow.form("/oauth/token", parameters))
    assert (answer.status, content(answer)["error"]) == (400, "unauthorized_client")


def test_of_many_redemptions_at_once_one_wins(each_office: Office) -> None:
    code = each_office.code()
    parameters = {"grant_type": "authorization_code", "code": code, "code_verifier": "v" * 43}
    calls = [each_office.program.form("/oauth/token", parameters) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(each_office.send, calls))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 7


def test_of_one_message_sent_many_times_one_wins(each_office: Office) -> None:
    parameters = {
        "grant_type": "client_credentials",
        "authorization_details": json.dumps([BY_LAW]),
    }
    call = each_office.authority.form("/oauth/token", parameters)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(each_office.send, [call] * 8))
    assert sorted(answer.status for answer in answers) == [200] + [401] * 7
    assert len(each_office.events(Kind.TOKEN_ISSUED)) == 1
    assert {e.get("reason") for e in each_office.events(Kind.TOKEN_REFUSED)} == {
        "assertion-replayed"
    }


def test_every_refusal_of_a_known_client_is_in_the_log(office: Office) -> None:
    office.redeem("x" * 43, grant_type="password")
    (entry,) = office.events(Kind.TOKEN_REFUSED)
    assert entry.get("client") == "debt-counsel-1"
    assert entry.get("organisation") == "debt-counsel"
    assert entry.get("reason") == "grant-type-unknown"
