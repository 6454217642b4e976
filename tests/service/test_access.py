"""The access table: whole, enforced for every route and role, and a start is refused without it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from policies.vocabulary import LevelOfAssurance, Role
from service.access import TABLE, AccessTableError, Entry, Rule, check_table, public
from tests.service.house import House, open_house

SESSION = [rule for rule in TABLE if rule.entry is Entry.SESSION]
PROGRAMS = [rule for rule in TABLE if rule.entry in {Entry.CLIENT, Entry.TOKEN}]
STAFF = [rule for rule in SESSION if rule.role is not Role.CITIZEN]
A_UUID = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    opened = open_house(tmp_path_factory.mktemp("house"))
    yield opened
    opened.runtime.close()


@pytest.fixture(scope="module")
def browsers(house: House) -> dict[Role | None, TestClient]:
    """Nobody, and a person of each role."""
    return {
        None: house.visitor(),
        Role.CITIZEN: house.signed_in("010199-9012"),
        Role.AUDITOR: house.signed_in("150688-9551", role=Role.AUDITOR),
        Role.OPERATOR: house.signed_in("170269-938M", role=Role.OPERATOR),
    }


def path_of(rule: Rule) -> str:
    """An address that the rule is about."""
    path = rule.path.replace("{language:lang}", "fi").replace("{name:path}", "0/000")
    path = path.replace("{dataset}", "income").replace("{name}", "app.css")
    return re.sub(r"{[^}]+}", A_UUID, path)


def test_the_table_and_the_routes_are_one(house: House) -> None:
    check_table(house.app.routes)
    assert len({(rule.method, rule.path) for rule in TABLE}) == len(TABLE)


def test_a_route_without_a_line_and_a_line_without_a_route_stop_the_start() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.get("/forgotten")(lambda: None)
    app.router.routes.append(Mount("/files", StaticFiles(directory=Path(__file__).parent)))
    with pytest.raises(AccessTableError) as caught:
        check_table(app.routes, [public("GET", "/gone")])
    assert caught.value.missing == ["GET /files/{path:path}", "GET /forgotten"]
    assert caught.value.surplus == ["GET /gone"]


@pytest.mark.parametrize("rule", SESSION, ids=lambda rule: f"{rule.method} {rule.path}")
@pytest.mark.parametrize("role", [None, *Role])
def test_every_page_for_every_role(
    browsers: dict[Role | None, TestClient], rule: Rule, role: Role | None
) -> None:
    answer = browsers[role].request(rule.method, path_of(rule))
    if role is None:
        expected = answer.status_code == 401 or "/sign-in" in answer.headers.get("location", "")
    elif rule.role in {role, Role.CITIZEN}:
        expected = answer.status_code not in {401, 403, 500}
    else:
        expected = answer.status_code == 403
    assert expected, (answer.status_code, answer.text[:400])


@pytest.mark.parametrize("rule", PROGRAMS, ids=lambda rule: f"{rule.method} {rule.path}")
@pytest.mark.parametrize("role", [None, *Role])
def test_no_session_opens_what_programs_use(
    browsers: dict[Role | None, TestClient], rule: Rule, role: Role | None
) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = browsers[role].request(rule.method, path_of(rule), headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("rule", STAFF, ids=lambda rule: rule.path)
def test_head_is_guarded_like_get(browsers: dict[Role | None, TestClient], rule: Rule) -> None:
    assert browsers[Role.CITIZEN].head(path_of(rule)).status_code in {403, 405}


def test_a_page_may_ask_for_a_stronger_sign_in(house: House) -> None:
    weak = house.signed_in("010199-9012", loa=LevelOfAssurance.LOW)
    assert weak.get("/fi/data").status_code == 403


def test_the_framework_shows_no_pages_of_its_own(house: House) -> None:
    visitor = house.visitor()
    assert visitor.get("/docs").status_code == 404
    assert visitor.get("/redoc").status_code == 404
    assert visitor.get("/openapi.json").status_code == 200


def test_no_rule_for_staff_is_open_to_citizens() -> None:
    for rule in STAFF:
        assert replace(rule, role=Role.CITIZEN) not in TABLE
