"""The tracker's API: in the published shape, paged by it, about the signed-in person alone."""

from datetime import timedelta
from typing import Any

import jsonschema_rs
import pytest
from starlette.testclient import TestClient

from policies.vocabulary import LevelOfAssurance
from service.tracker.routes import MOST
from tests.service.citizen.changed import cut, released, sequence
from tests.service.citizen.test_log_files import TRACKER
from tests.service.house import VILLE, House

PATH = "/api/tracker/v2"
CODE = "010199-9012"


def schema_of(name: str) -> Any:
    reference = {
        "$ref": f"#/components/schemas/{name}",
        "components": TRACKER["components"],
    }
    return jsonschema_rs.validator_for(reference, validate_formats=True)


def found(browser: TestClient, **query: str | int) -> dict[str, Any]:
    answer = browser.get(f"{PATH}/findUsage", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told: dict[str, Any] = answer.json()
    schema_of("FindUsageResponse").validate(told)
    return told


@pytest.fixture
def hers(each_house: House) -> House:
    """Five fetches, a minute apart."""
    person = each_house.person()
    for number in range(5):
        each_house.clock.advance(minutes=1)
        released(each_house, person, case=f"2026/{number}")
    sequence(each_house)
    return each_house


def test_a_usage_says_when_what_who_and_by_which_system(hers: House) -> None:
    told = found(hers.signed_in())
    usage = next(each for each in told["usages"] if "receiverName" in each)
    assert usage == {
        "logtime": "2026-11-24T09:05:00Z",
        "action": "Data released: Financial and debt counselling",
        "receiverCode": "9999904-4",
        "receiverName": "Esimerkkilä Financial and Debt Counselling",
        "receiverSystem": "Debt counselling case system",
    }


def test_who_is_no_organisation_has_the_services_own_address(hers: House) -> None:
    usages = found(hers.signed_in(VILLE))["usages"]
    assert {each["receiverCode"] for each in usages} == {"vault.example.fi"}
    assert {each["receiverSystem"] for each in usages} == {"consent-vault"}


def test_pages_follow_each_other_although_each_call_is_written_down(hers: House) -> None:
    browser = hers.signed_in()
    whole = found(browser)
    total = whole["totalUsages"]
    assert total == len(whole["usages"])
    paged = [
        usage
        for offset in range(0, total, 2)
        for usage in found(browser, offset=offset, limit=2)["usages"]
    ]
    assert paged == whole["usages"]
    assert found(browser, offset=total)["usages"] == []
    assert found(browser, limit=0) == {"totalUsages": total, "usages": []}


def test_a_period_has_both_its_ends_in_it(hers: House) -> None:
    browser = hers.signed_in()
    start, end = (hers.clock.at - timedelta(minutes=each) for each in (3, 1))
    told = found(
        browser,
        periodStart=start.isoformat().replace("+00:00", "Z"),
        periodEnd="2026-11-24T11:04:00.000+02:00",
    )
    assert end.minute == 4
    assert [each["logtime"][14:16] for each in told["usages"]] == ["04", "03", "02"]
    assert told["totalUsages"] == 3


def test_the_answer_is_the_same_list_as_the_file(hers: House) -> None:
    browser = hers.signed_in()
    assert browser.get("/en/log.tracker.json").json() == found(browser)


def test_each_call_is_an_event_about_the_person(hers: House) -> None:
    browser = hers.signed_in()
    found(browser)
    (newest, *_) = browser.get("/en/log.json").json()["entries"][1:]
    assert newest["fields"]["kind"] == "log.exported"


def test_a_changed_line_is_told_and_the_answer_is_no_error(hers: House) -> None:
    event_id = released(hers, hers.person())
    cut(hers, event_id)
    actions = [each["action"] for each in found(hers.signed_in())["usages"]]
    assert "This line was changed." in actions


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        f"limit={MOST + 1}",
        "limit=x",
        "offset=-1",
        "offset=2147483648",
        "periodStart=2026-11-24",
        "periodStart=2026-11-24T09:00:00",
        "periodStart=1764000000",
        "periodStart=2026-13-45T09:00:00Z",
        "periodEnd=0001-01-01T00:00:00%2B23:59",
        "periodEnd=9999-12-31T23:59:59-23:59",
        f"userCode=FI{CODE}",
        "userCode=",
    ],
)
def test_what_the_protocol_does_not_know_or_we_do_not_take_is_refused(
    each_house: House, query: str
) -> None:
    browser = each_house.signed_in()
    before = len(browser.get("/en/log.json").json()["entries"])
    answer = browser.get(f"{PATH}/findUsage?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert CODE not in answer.text
    assert len(browser.get("/en/log.json").json()["entries"]) == before + 1


def test_a_header_that_names_somebody_is_refused(each_house: House) -> None:
    headers = {"X-Road-UserId": "FI" + CODE}
    answer = each_house.signed_in().get(f"{PATH}/findUsage", headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["findUsage", "usagePeriod"])
def test_nobody_else_asks(house: House, path: str) -> None:
    assert house.visitor().get(f"{PATH}/{path}").status_code == 401
    weak = house.signed_in(loa=LevelOfAssurance.LOW)
    assert weak.get(f"{PATH}/{path}").status_code == 403


def test_the_period_begins_with_the_log(hers: House) -> None:
    answer = hers.signed_in().get(f"{PATH}/usagePeriod").json()
    schema_of("UsagePeriodResponse").validate(answer)
    assert answer == {"periodStart": "2026-11-24T09:00:00Z"}


def test_the_heart_beats_for_everybody(house: House) -> None:
    answer = house.visitor().get(f"{PATH}/heartbeat").json()
    schema_of("HeartbeatResponse").validate(answer)
    assert answer["status"] == "OK"


def test_openapi_has_the_operations_of_the_protocol(house: House) -> None:
    ours = house.app.openapi()["paths"]
    for path, theirs in TRACKER["paths"].items():
        described = ours[f"/api/tracker{path}"]["get"]
        assert described["operationId"] == theirs["get"]["operationId"]
        named = {each["name"] for each in described.get("parameters", ())}
        wanted = {each["name"] for each in theirs["get"].get("parameters", ())}
        assert named == wanted - {"X-Road-UserId", "userCode"}
    own = ours["/{language}/log.json"]["get"]["responses"]["200"]
    assert own["content"]["application/json"]["schema"]["properties"]["entries"]
