"""The data API: the permitted values and nothing else, each request an event before the answer."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from audit.model import SYSTEM, Kind
from audit.unit_of_work import begin
from consent.clients import suspend_client
from policies.ids import ClientId
from policies.vocabulary import Label
from service.exchange import Call
from tests.service.office import PERSON, Office, content, deposit_values, header, new_key


def test_the_values_come_with_where_they_come_from(each_office: Office) -> None:
    given = each_office.tokens()
    answer = each_office.fetch(given["access_token"])
    assert answer.status == 200
    assert content(answer) == {
        "dataset": "income",
        "subject": given["authorization_details"][0]["subject"]["id"],
        "attributes": {
            "income.monthly_gross": {
                "value": 315050,
                "source": "incomes-register",
                "authority": "authoritative-register",
                "observed_at": "2026-11-20T09:00:00Z",
                "valid_to": None,
            }
        },
        "not_given": ["income.benefit_monthly"],
    }
    (entry,) = each_office.events(Kind.DATA_RELEASED)
    assert header(answer, "consent-vault-event") == str(entry.event_id)
    assert header(answer, "cache-control") == "no-store"
    assert entry.many("attributes") == ("income.monthly_gross",)


def test_a_protected_value_looks_like_one_that_is_not_held(office: Office) -> None:
    token = office.tokens()["access_token"]
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        values = {"household_size": 4}
        labels = frozenset({Label.PROTECTED})
        deposit_values(uow, office.runtime, office.person, "residence", values, labels=labels)
    told = content(office.fetch(token, "residence"))
    assert (told["attributes"], told["not_given"]) == ({}, ["residence.household_size"])
    assert set(told) == {"dataset", "subject", "attributes", "not_given"}
    (entry,) = office.events(Kind.DATA_RELEASED)
    assert entry.get("reason") == "protected-withheld"


def test_the_law_opens_what_it_names(office: Office) -> None:
    token = content(office.by_law())["access_token"]
    answer = office.send(office.authority.get("/api/v1/data/income", token))
    assert set(content(answer)["attributes"]) == {"income.monthly_gross", "income.employer"}
    (entry,) = office.events(Kind.DATA_RELEASED)
    assert entry.get("basis") == "statute"


def test_the_overview_names_what_may_be_read_and_no_value(office: Office) -> None:
    token = office.tokens()["access_token"]
    told = content(office.send(office.program.get("/api/v1/data", token)))
    assert told["datasets"] == {
        "income": ["income.monthly_gross", "income.benefit_monthly"],
        "residence": ["residence.household_size"],
    }
    assert (told["purpose"], told["basis"], told["case"]) == ("debt-advice", "consent", "2026/17")
    assert "315050" not in json.dumps(told)


def test_a_data_set_that_was_not_granted_is_refused_without_a_reason(office: Office) -> None:
    token = office.tokens()["access_token"]
    answer = office.fetch(token, "glucose")
    told = content(answer)
    (entry,) = office.events(Kind.DATA_REFUSED)
    assert answer.status == 403
    assert told["reason"] == "not_permitted"
    assert told["event"] == header(answer, "consent-vault-event") == str(entry.event_id)
    assert entry.get("reason") == "more-than-accepted"
    assert "more-than-accepted" not in answer.body.decode()


def test_after_a_withdrawal_nothing_is_given_and_the_try_is_recorded(each_office: Office) -> None:
    consent = each_office.given()
    token = each_office.tokens(consent)["access_token"]
    assert each_office.fetch(token).status == 200
    each_office.withdraw(consent)
    answer = each_office.fetch(token)
    assert answer.status == 403
    assert b"withdrawn" not in answer.body
    assert [e.get("reason") for e in each_office.events(Kind.DATA_REFUSED)] == ["withdrawn"]
    overview = each_office.send(each_office.program.get("/api/v1/data", token))
    assert overview.status == 401


def test_the_uses_of_a_consent_end(office: Office) -> None:
    token = office.tokens()["access_token"]
    statuses = [office.fetch(token).status for _ in range(6)]
    assert statuses == [200] * 5 + [403]


def test_uses_are_counted_once_each_when_many_come_at_once(each_office: Office) -> None:
    token = each_office.tokens()["access_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: each_office.fetch(token), range(12)))
    assert sorted(answer.status for answer in answers) == [200] * 5 + [403] * 7
    assert len(each_office.events(Kind.DATA_RELEASED)) == 5


def test_an_expired_token_opens_nothing(office: Office) -> None:
    token = office.tokens()["access_token"]
    office.clock.advance(seconds=300)
    answer = office.fetch(token)
    assert answer.status == 401
    assert 'error="invalid_token"' in (header(answer, "www-authenticate") or "")


def test_the_token_of_a_suspended_client_opens_nothing(office: Office) -> None:
    token = office.tokens()["access_token"]
    office.fetch(token)
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        suspend_client(uow, ClientId("debt-counsel-1"))
    assert office.fetch(token).status == 401


def test_an_unknown_data_set_is_not_found_and_recorded(office: Office) -> None:
    token = office.tokens()["access_token"]
    assert office.fetch(token, "no-such").status == 404
    assert [e.get("reason") for e in office.events(Kind.DATA_REFUSED)] == ["unknown-dataset"]


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ([], None),
        ([(b"authorization", b"Bearer " + b"x" * 43)], "invalid_token"),
        ([(b"authorization", b"DPoP " + b"x" * 43)], "invalid_token"),
        ([(b"authorization", b"DPoP")], "invalid_token"),
        ([(b"authorization", b"")], "invalid_token"),
        ([(b"authorization", b"DPoP \xe4")], "invalid_token"),
        ([(b"authorization", b"DPoP a"), (b"authorization", b"DPoP b")], "invalid_token"),
    ],
)
def test_without_a_known_token_there_is_a_challenge(
    busy_office: Office, headers: list[tuple[bytes, bytes]], error: str | None
) -> None:
    answer = busy_office.send(Call("GET", "/api/v1/data/income", headers))
    challenge = header(answer, "www-authenticate") or ""
    assert answer.status == 401
    assert challenge.startswith("DPoP ")
    assert 'algs="ES256 Ed25519 EdDSA PS256"' in challenge
    assert ("error=" in challenge) == (error is not None)
    assert content(answer).get("error") == error


def test_a_stolen_token_without_its_key_is_refused_and_recorded(office: Office) -> None:
    token = office.tokens()["access_token"]
    office.program.dpop_key = new_key("ES256")
    answer = office.fetch(token)
    assert answer.status == 401
    assert 'error="invalid_token"' in (header(answer, "www-authenticate") or "")
    assert [e.get("reason") for e in office.events(Kind.DATA_REFUSED)] == ["proof-key-differs"]
    assert not office.events(Kind.DATA_RELEASED)


@pytest.mark.parametrize(
    "claims",
    [
        {"ath": None},
        {"ath": "x" * 43},
        {"ath": 7},
        {"ath": "ä"},
        {"htu": "https://vault.example.fi/api/v1/data/residence"},
        {"htm": "POST"},
    ],
)
def test_a_proof_for_something_else_is_refused(busy_office: Office, claims: dict[str, Any]) -> None:
    token = content(busy_office.by_law())["access_token"]
    path = "/api/v1/data/income"
    proof = busy_office.authority.proof("GET", path, access_token=token, **claims)
    answer = busy_office.send(busy_office.authority.get(path, token, proofs=[proof]))
    assert answer.status == 401
    assert 'error="invalid_dpop_proof"' in (header(answer, "www-authenticate") or "")


def test_a_token_without_a_proof_is_refused(busy_office: Office) -> None:
    token = content(busy_office.by_law())["access_token"]
    call = Call("GET", "/api/v1/data/income", [(b"authorization", f"DPoP {token}".encode())])
    assert content(busy_office.send(call))["error"] == "invalid_dpop_proof"


def test_no_answer_names_the_person(office: Office) -> None:
    token = office.tokens()["access_token"]
    for answer in (office.fetch(token), office.send(office.program.get("/api/v1/data", token))):
        assert PERSON not in answer.body.decode()
        assert str(office.person) not in answer.body.decode()
