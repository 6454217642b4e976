"""The auditor's API: the same rules as the page, JSON, and problems that name the member."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from audit.model import Kind
from policies.vocabulary import Role
from tests.service.auditor.asking import Auditor
from tests.service.house import AINO, VALUES, VILLE, House

PATHS = ["/api/v1/audit/entries", "/api/v1/audit/sample"]


def test_the_state_says_how_far_the_log_is_verified(auditor: Auditor) -> None:
    auditor.house.runtime.log_check.run_once(auditor.house.clock())
    answer = auditor.browser.get("/api/v1/audit/state")
    state = answer.json()
    assert state["intact"] is True
    assert state["origin"] == "vault.example.fi/audit/2026h2"
    (log,) = state["logs"]
    assert log["verified"] == state["size"] > 0
    assert log["verified_at"] == "2026-11-24T09:00:00Z"
    assert log["fault"] is None
    assert answer.headers["cache-control"] == "no-store"


def test_a_page_of_entries_after_its_event(auditor: Auditor) -> None:
    answer = auditor.ask(result="refused", case="TARK/7")
    (entry,) = answer.json()["entries"]
    assert (entry["kind"], entry["result"]) == ("data.refused", "refused")
    assert entry["person"] == auditor.house.runtime.pseudonyms.of(auditor.house.person())
    assert entry["shown"]["agrees"] is True
    assert answer.json()["next"] is None
    (look,) = auditor.looks()
    assert (look.get("reason"), look.get("case")) == ("complaint", "TARK/7")


def test_pages_follow_each_other(house: House, auditor: Auditor) -> None:
    for _ in range(60):
        house.request(house.person(), "bank-loan-offer")
    first = auditor.ask(organisation="bank-example").json()
    rest = auditor.ask(organisation="bank-example", before=first["next"]).json()
    ids = [each["event_id"] for page in (first, rest) for each in page["entries"]]
    assert len(first["entries"]) == 100
    assert len(ids) == len(set(ids)) > 120
    assert rest["next"] is None


def test_times_are_moments_in_utc(auditor: Auditor) -> None:
    assert auditor.ask(until="2026-11-24T09:00:00Z").json()["entries"] == []
    assert auditor.ask(since="2026-11-24T09:00:00Z").json()["entries"]


def test_an_entry_names_nobody_and_holds_no_value(auditor: Auditor) -> None:
    content = auditor.ask().text.replace("Esimerkkilä", "")
    texts = [each for each in VALUES.values() if isinstance(each, str) and len(each) > 5]
    people = [str(auditor.house.person(each)) for each in (AINO, VILLE)]
    for secret in (*texts, *people, AINO, VILLE):
        assert secret not in content


def test_a_sample_comes_with_its_proofs(auditor: Auditor) -> None:
    made = auditor.ask("sample", count=3, seed="x").json()
    assert made["format"] == "consent-vault/audit-sample/v1"
    assert len(made["entries"]) == 3
    assert all(each["proof"].startswith("c2sp.org/tlog-proof@v1\n") for each in made["entries"])
    assert len(auditor.looks(Kind.LOG_SAMPLED)) == 1


def test_of_a_size_that_was_never_signed_there_is_a_problem(auditor: Auditor) -> None:
    answer = auditor.ask("sample", size=2)
    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/nothing-signed"


@pytest.mark.parametrize(
    ("what", "members", "member", "fault"),
    [
        ("entries", {"reason": None}, "reason", "missing"),
        ("entries", {"reason": "curiosity"}, "reason", "choice"),
        ("entries", {"since": "2026-11-24"}, "since", "time"),
        ("entries", {"until": "2026-02-30T00:00:00Z"}, "until", "time"),
        ("entries", {"before": -1}, "before", "form"),
        ("entries", {"before": True}, "before", "form"),
        ("entries", {"person": "010199-9012"}, "person", "unknown"),
        ("entries", {"010199-9012": "x"}, "?", "unknown"),
        ("sample", {"count": 0}, "count", "range"),
        ("sample", {"start": 10**9}, "start", "range"),
        ("sample", {"kind": "data.released"}, "?", "unknown"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_by_its_member(
    auditor: Auditor, what: str, members: dict[str, Any], member: str, fault: str
) -> None:
    answer = auditor.ask(what, **members)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["faults"] == [{"member": member, "fault": fault}]
    assert "010199-9012" not in answer.text
    assert auditor.looks() == auditor.looks(Kind.LOG_SAMPLED) == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b"{", "application/json"),
        (b'{"reason": "complaint", "reason": "sample"}', "application/json"),
        (b'{"reason": {"a": 1}}', "application/json"),
        (b'{"reason": "complaint"}', "text/plain"),
        (b'{"reason": "complaint"}', "application/x-www-form-urlencoded"),
        (b'{"reason": "' + b"a" * 9000 + b'"}', "application/json"),
    ],
)
def test_what_is_no_json_object_of_ours_is_not_understood(
    auditor: Auditor, path: str, content: bytes, media_type: str
) -> None:
    answer = auditor.browser.post(path, content=content, headers={"Content-Type": media_type})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert auditor.looks() == auditor.looks(Kind.LOG_SAMPLED) == []


@pytest.mark.parametrize("path", PATHS)
def test_another_site_cannot_ask_with_the_auditors_session(auditor: Auditor, path: str) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        answer = auditor.browser.post(path, json={"reason": "complaint"}, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["type"] == "/problems/foreign-origin"
    assert auditor.looks() == []


@pytest.mark.parametrize("path", [*PATHS, "/api/v1/audit/state"])
def test_only_auditors_come_in(house: House, path: str) -> None:
    method = "POST" if path in PATHS else "GET"
    callers: list[tuple[TestClient, int, str]] = [
        (house.visitor(), 401, "sign-in-required"),
        (house.signed_in(), 403, "role-required"),
        (house.signed_in("170269-938M", role=Role.OPERATOR), 403, "role-required"),
    ]
    for browser, status, problem in callers:
        answer = browser.request(method, path)
        assert answer.status_code == status
        assert answer.json()["type"] == f"/problems/{problem}"
        assert answer.headers["content-type"] == "application/problem+json"


def test_openapi_describes_the_questions(auditor: Auditor) -> None:
    described = auditor.browser.get("/openapi.json").json()
    operation = described["paths"]["/api/v1/audit/entries"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["reason"]
    assert "routine-control" in schema["properties"]["reason"]["enum"]
    assert {"200", "401", "403", "422"} <= operation["responses"].keys()
