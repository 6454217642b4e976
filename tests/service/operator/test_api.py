"""The operator's API: the same acts, and the same two people, for programs."""

import pytest

from audit.model import Kind
from consent.declared import Content
from tests.consent.flow import events
from tests.service.house import House
from tests.service.operator.desks import ADVICE, API, INCOME, NEWER, STRICTER, call, operators

ONE = "/declarations/purpose/debt-advice/1"
TWO = "/declarations/purpose/debt-advice/2"


def seen(content: Content) -> dict[str, str]:
    """What a program says that it has seen."""
    return {"digest": content.digest()}


def test_drafted_changed_submitted_and_approved_by_another(house: House) -> None:
    one, other = operators(house)
    made = call(one, "POST", "/declarations/purpose", NEWER.to_json())
    assert (made["status"], made["possible"]) == ("draft", ["edit", "submit"])
    edited = call(one, "PUT", TWO, NEWER.to_json() | {"max_uses": 3})
    assert edited["declaration"]["max_uses"] == 3
    shown = {"digest": edited["digest"]}
    assert call(one, "POST", f"{TWO}/submit", shown)["status"] == "submitted"
    refused = one.post(f"{API}{TWO}/approve", json=shown)
    assert (refused.status_code, refused.json()["type"]) == (
        409,
        "/problems/second-operator-needed",
    )
    assert call(other, "POST", f"{TWO}/approve", shown)["status"] == "approved"
    found = call(one, "GET", "/declarations?status=retired")["declarations"]
    assert [(each["id"], each["version"]) for each in found] == [("debt-advice", 1)]


def test_what_was_changed_after_it_was_seen_is_neither_submitted_nor_approved(
    house: House,
) -> None:
    one, other = operators(house)
    call(one, "POST", "/declarations/purpose", NEWER.to_json())
    changed = call(other, "PUT", TWO, NEWER.to_json() | {"max_uses": 3})
    refused = one.post(f"{API}{TWO}/submit", json=seen(NEWER))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/changed-meanwhile")
    call(one, "POST", f"{TWO}/submit", {"digest": changed["digest"]})
    refused = other.post(f"{API}{TWO}/approve", json=seen(NEWER))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/changed-meanwhile")
    assert call(one, "GET", TWO)["status"] == "submitted"


@pytest.mark.parametrize("sent", [None, {}, {"digest": 1}, [], "digest"])
def test_who_does_not_say_what_was_seen_submits_nothing(house: House, sent: object) -> None:
    one, _ = operators(house)
    call(one, "POST", "/declarations/purpose", NEWER.to_json())
    refused = one.post(f"{API}{TWO}/submit", json=sent)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["member"] == "digest"
    assert call(one, "GET", TWO)["status"] == "draft"


def test_services_of_the_catalogue_are_listed_before_anything_happened(house: House) -> None:
    one, _ = operators(house)
    found = call(one, "GET", "/declarations?kind=service")["declarations"]
    assert {each["status"] for each in found} == {"approved"}
    income = next(each for each in found if each["id"] == "income")
    assert income["declaration"] == INCOME.to_json()
    assert call(one, "GET", "/declarations/service/income/1")["digest"] == INCOME.digest()


def test_two_operators_suspend(house: House) -> None:
    one, other = operators(house)
    waits = one.post(f"{API}{ONE}/suspend")
    assert waits.status_code == 202
    number = waits.json()["number"]
    assert call(one, "GET", "/acts")["acts"][0]["open"] is True
    assert one.post(f"{API}/acts/{number}/approve").status_code == 409
    assert one.post(f"{API}{ONE}/suspend").json()["type"] == "/problems/proposed-already"
    call(other, "POST", f"/acts/{number}/approve")
    assert call(one, "GET", ONE)["status"] == "suspended"
    assert call(one, "GET", "/acts")["acts"][0]["outcome"] == "done"
    assert other.post(f"{API}/acts/{number}/approve").status_code == 409
    (entry,) = events(house.runtime.ledger, Kind.ACT_APPROVED)
    assert entry.get("reference") == "1:purpose:debt-advice@1"


def test_a_proposal_is_rejected(house: House) -> None:
    one, other = operators(house)
    number = one.post(f"{API}{ONE}/retire").json()["number"]
    call(other, "POST", f"/acts/{number}/reject")
    assert call(one, "GET", ONE)["status"] == "approved"
    assert other.post(f"{API}/acts/99/reject").status_code == 409


@pytest.mark.parametrize(
    ("changed", "member"),
    [
        ({"basis": "because"}, "basis"),
        ({"surplus": 1}, "surplus"),
        ({"version": 1.5}, "declaration"),
    ],
)
def test_what_is_no_declaration_names_the_member(
    house: House, changed: dict[str, object], member: str
) -> None:
    one, _ = operators(house)
    answer = one.post(f"{API}/declarations/purpose", json=NEWER.to_json() | changed)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["member"] == member


def test_what_the_source_does_not_give_cannot_be_approved(house: House) -> None:
    one, other = operators(house)
    call(one, "POST", "/declarations/purpose", NEWER.to_json())
    call(one, "POST", f"{TWO}/submit", seen(NEWER))
    call(one, "POST", "/declarations/service", STRICTER.to_json())
    call(one, "POST", "/declarations/service/income/2/submit", seen(STRICTER))
    call(other, "POST", "/declarations/service/income/2/approve", seen(STRICTER))
    answer = other.post(f"{API}{TWO}/approve", json=seen(NEWER))
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"member": "max_validity_days", "detail": "is longer than income allows"}
    ]
    assert call(one, "GET", TWO)["status"] == "submitted"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/declarations/purpose/none/1", 404),
        ("POST", "/declarations/purpose/none/1/submit", 404),
        ("POST", f"{ONE}/approve", 409),
        ("POST", f"{ONE}/destroy", 400),
        ("POST", "/acts/0/approve", 400),
        ("PUT", ONE, 409),
    ],
)
def test_what_cannot_be_done_is_told_and_changes_nothing(
    house: House, method: str, path: str, status: int
) -> None:
    one, _ = operators(house)
    answer = one.request(method, API + path, json=ADVICE.to_json())
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert call(one, "GET", ONE)["status"] == "approved"


def test_a_version_that_is_not_the_next_is_refused(house: House) -> None:
    one, _ = operators(house)
    answer = one.post(f"{API}/declarations/purpose", json=ADVICE.to_json())
    assert answer.json()["type"] == "/problems/not-the-next-version"


def test_another_site_cannot_act_through_an_operators_browser(house: House) -> None:
    one, _ = operators(house)
    answer = one.post(f"{API}{ONE}/suspend", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_examples_in_openapi_are_taken(house: House) -> None:
    one, _ = operators(house)
    document = house.visitor().get("/openapi.json").json()
    path = document["paths"][f"{API}/declarations/{{kind}}"]["post"]
    examples = path["requestBody"]["content"]["application/json"]["examples"]
    for kind, example in examples.items():
        again = example["value"] | {"version": example["value"]["version"] + 1}
        assert call(one, "POST", f"/declarations/{kind}", again)["status"] == "draft"
