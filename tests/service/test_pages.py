"""What holds for every page: who may see it, in which language, under which headers."""

import re
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from audit.database import open_engine
from audit.unit_of_work import Ledger
from policies.vocabulary import Role
from service.access import PAGES, Entry, Rule
from service.headers import HEADERS
from tests.service.house import AINO, BASE_URL, VILLE, House
from tests.wrapping import MemoryWrapper

LANGUAGES = ["fi", "sv", "en"]
GUARDED = [rule for rule in PAGES if rule.entry is Entry.SESSION]
READ = [rule for rule in GUARDED if rule.method == "GET" and "{" not in rule.path[17:]]
"""Pages without an id in their path."""
ROLES = [None, Role.CITIZEN, Role.AUDITOR, Role.OPERATOR]
NO_ID = "00000000-0000-4000-8000-000000000000"


def address(rule: Rule, language: str = "en") -> str:
    return re.sub(r"\{\w+_id\}", NO_ID, rule.path.replace("{language:lang}", language))


def browser_of(house: House, role: Role | None) -> TestClient:
    if role is None:
        return house.visitor()
    if role is Role.CITIZEN:
        return house.signed_in(AINO)
    return house.signed_in(VILLE, role=role)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_its_pages_and_no_others(house: House, role: Role | None) -> None:
    browser = browser_of(house, role)
    held = {None: set(), Role.CITIZEN: {Role.CITIZEN}}.get(role, {Role.CITIZEN, role})
    for rule in GUARDED:
        status = browser.request(rule.method, address(rule)).status_code
        if rule.role in held:
            assert status in {200, 400, 404}, rule.path
        elif role is None and rule.method == "GET":
            assert status == 303, rule.path
        else:
            assert status == (401 if role is None else 403), rule.path


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_whole_in_every_language(house: House, language: str) -> None:
    person = house.person()
    house.deposit(person)
    house.request(person, "debt-advice")
    browser = house.signed_in()
    for path in [f"/{language}/", *(address(r, language) for r in READ if r.role is Role.CITIZEN)]:
        if path.endswith((".csv", ".json", ".jsonld", ".jws", "/copy.html")):  # files
            continue
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert f'<html lang="{language}">' in answer.text
        assert answer.headers["content-language"] == language
        assert "<script" not in answer.text
        assert "style=" not in answer.text
        for other in LANGUAGES:
            there = path.replace(f"/{language}/", f"/{other}/")
            assert f'<a href="{there}" lang="{other}" hreflang="{other}"' in answer.text


def test_another_language_keeps_the_page_and_its_query(house: House) -> None:
    page = house.signed_in().get("/en/log?show=all").text
    assert 'href="/sv/log?show=all"' in page


@pytest.mark.parametrize(
    ("wanted", "language"),
    [("sv-FI,sv;q=0.9", "sv"), ("en-GB", "en"), ("de,fr", "fi"), ("de,en;q=0.5", "en"), ("", "fi")],
)
def test_the_front_door_leads_to_the_browsers_language(
    house: House, wanted: str, language: str
) -> None:
    answer = house.visitor().get("/", headers={"Accept-Language": wanted})
    assert answer.headers["location"] == f"/{language}/"


def test_titles_name_the_page_and_nobody(house: House) -> None:
    person = house.person()
    house.deposit(person)
    consent = house.request(person, "debt-advice")
    browser = house.signed_in()
    for path in ["/en/", "/en/data?show=all", f"/en/requests/{consent}", "/en/log"]:
        title = browser.get(path).text.split("<title>")[1].split("</title>")[0]
        assert title in {
            "Overview – My Data Vault",
            "My data – My Data Vault",
            "Request – My Data Vault",
            "Who has looked – My Data Vault",
        }


@pytest.mark.parametrize(
    "path", ["/en/", "/en/settings", "/en/nowhere", "/nowhere", "/sign-in/callback", "/healthz"]
)
def test_every_answer_carries_the_headers_and_is_not_kept(house: House, path: str) -> None:
    answer = house.visitor().get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
    assert answer.headers["cache-control"] == "no-store"


def test_the_policy_allows_no_script_and_nothing_from_elsewhere() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "script" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["nowhere", f"requests/{NO_ID}", f"receipts/{NO_ID}"])
def test_what_is_not_there_is_said_in_words(house: House, language: str, path: str) -> None:
    answer = house.signed_in().get(f"/{language}/{path}")
    assert answer.status_code == 404
    assert f'href="/{language}/"' in answer.text
    assert f'<html lang="{language}">' in answer.text


def test_an_id_that_is_none_is_not_quoted_back(house: House) -> None:
    answer = house.signed_in().get("/en/requests/<b>not-an-id</b>")
    assert answer.status_code in {400, 404}
    assert "not-an-id" not in answer.text.split("<main")[1]


def test_a_form_from_another_site_is_refused_with_a_page(house: House) -> None:
    browser = house.signed_in()
    answer = browser.post("/sv/sign-out", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert '<html lang="sv">' in answer.text
    assert browser.get("/en/settings").status_code == 200


FROM = {"Referer": f"{BASE_URL}/en/consents?part=ended"}


def test_a_form_that_is_too_old_leads_back_to_its_page(house: House) -> None:
    browser = house.signed_in()
    answer = browser.post(f"/en/consents/{NO_ID}/withdraw", headers=FROM)
    assert answer.status_code == 400
    assert 'href="/en/consents?part=ended">Open the page again' in answer.text


def test_a_form_after_the_session_has_ended_leads_to_its_page_by_the_sign_in(house: House) -> None:
    answer = house.visitor().post(f"/en/consents/{NO_ID}/withdraw", headers=FROM)
    assert answer.status_code == 401
    assert 'href="/en/sign-in?return_to=%2Fen%2Fconsents%3Fpart%3Dended"' in answer.text


@pytest.mark.parametrize(
    "referer",
    [
        "",
        "https://elsewhere.example/en/consents",
        f"{BASE_URL}.elsewhere.example/en/consents",
        f"{BASE_URL}//elsewhere.example/",
        f"{BASE_URL}/\\elsewhere.example/",
    ],
)
def test_no_problem_leads_to_another_site(house: House, referer: str) -> None:
    html = (
        house.signed_in().post(f"/en/consents/{NO_ID}/withdraw", headers={"Referer": referer}).text
    )
    assert "elsewhere" not in html
    assert "Open the page again<" not in html


@pytest.mark.parametrize("path", ["/oauth/authorize", f"/oauth/return/{NO_ID}", "/nowhere"])
def test_a_page_without_a_language_in_its_address_speaks_the_persons(
    house: House, path: str
) -> None:
    answer = house.signed_in(language="sv").get(path, headers={"Accept-Language": "en"})
    assert '<html lang="sv">' in answer.text
    assert house.signed_in(language="sv").get("/").headers["location"] == "/sv/"


def test_a_fault_of_the_database_is_answered_by_our_own_page(house: House) -> None:
    ledger = Ledger(open_engine("sqlite:////nowhere/vault.db"), MemoryWrapper())
    house.app.state.runtime = replace(house.runtime, ledger=ledger)
    browser = house.visitor()
    browser.cookies.set("__Host-session", "a" * 43, domain="vault.example.fi")
    for path in ["/sv/", "/sv/data", "/oauth/authorize"]:
        answer = browser.get(path, headers={"Accept-Language": "sv"})
        assert answer.status_code == 500
        assert "<h1>Något gick fel hos oss</h1>" in answer.text
        assert answer.headers["cache-control"] == "no-store"
