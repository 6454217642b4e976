"""The auditor: the log's state, a search that is itself an entry, and no values of anybody."""

import re
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.testclient import TestClient

from audit.log_signers import LogSigners
from audit.model import Kind
from audit.reader import search
from policies.vocabulary import Role
from tests.service.citizen.given import give
from tests.service.house import AINO, VALUES, VILLE, House, words_of


@pytest.fixture
def auditor(house: House) -> TestClient:
    house.deposit(house.person())
    give(house, house.signed_in())
    house.runtime.sequencer.run_once(house.clock())
    return house.signed_in(VILLE, role=Role.AUDITOR)


def rows(html: str) -> list[str]:
    return [words_of(each) for each in re.findall(r"<tr>\s*<td>.*?</tr>", html, re.DOTALL)]


def searches(house: House) -> int:
    with house.runtime.ledger.read() as connection:
        return len(search(connection, house.runtime.ledger, kind=Kind.LOG_SEARCHED))


def test_the_state_of_the_log_stands_on_top(auditor: TestClient) -> None:
    words = words_of(auditor.get("/en/audit").text)
    assert "vault.example.fi/audit" in words
    assert re.search(r"Entries signed \d+ Root [0-9a-f]{64} Signed at 24/11/2026", words)
    assert "Signature and tree agree" in words


def test_before_the_first_entry_is_signed_the_page_says_so(house: House) -> None:
    words = words_of(house.signed_in(VILLE, role=Role.AUDITOR).get("/en/audit").text)
    assert "Entries signed 0 Root None yet" in words


def test_opening_the_page_is_no_search_and_a_search_is_an_entry(
    house: House, auditor: TestClient
) -> None:
    auditor.get("/en/audit")
    assert searches(house) == 0
    auditor.get("/en/audit?search=1")
    assert searches(house) == 1


@pytest.mark.parametrize(
    ("query", "found", "missing"),
    [
        ("kind=consent.given", "You gave consent", "Data stored"),
        ("organisation=debt-counsel", "Debt Counselling", "Data stored"),
        ("since=2026-11-24&until=2026-11-24", "Data stored", "no such"),
        ("kind=&organisation=&since=&until=", "Data stored", "no such"),
    ],
)
def test_each_field_narrows_the_search(
    auditor: TestClient, query: str, found: str, missing: str
) -> None:
    lines = " ".join(rows(auditor.get(f"/en/audit?search=1&{query}").text))
    assert found in lines
    assert missing not in lines


@pytest.mark.parametrize(
    "query",
    ["since=2026-11-25", "until=2026-11-23", "organisation=bank-example&kind=data.released"],
)
def test_nothing_found_says_what_to_do(auditor: TestClient, query: str) -> None:
    html = auditor.get(f"/en/audit?search=1&{query}").text
    assert rows(html) == []
    assert "Take a longer time" in html


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("since=yesterday", "since"),
        ("until=2026-13-1", "until"),
        ("since=20261124", "since"),
        ("since=0001-01-01", "since"),
        ("until=9999-12-31", "until"),
        ("kind=no.such", "kind"),
        ("organisation=nobody", "organisation"),
    ],
)
def test_a_field_that_makes_no_sense_is_named_and_nothing_is_searched(
    house: House, auditor: TestClient, query: str, field: str
) -> None:
    answer = auditor.get(f"/en/audit?search=1&{query}")
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert answer.text.count(f'aria-invalid="true" aria-describedby="f-{field}-fault"') == 1
    assert answer.text.count(f'<p class="fault" id="f-{field}-fault">') == 1
    assert searches(house) == 0


def test_the_auditor_sees_no_value_and_nobodys_name_or_id(
    house: House, auditor: TestClient
) -> None:
    cells = " ".join(rows(auditor.get("/en/audit?search=1").text)).replace("\u00a0", " ")
    assert "You gave consent" in cells
    cells = cells.replace("Esimerkkilä", "")  # the invented town stands in names of offices
    texts = [each for each in VALUES.values() if isinstance(each, str) and len(each) > 5]
    for secret in [*texts, AINO, VILLE, str(house.person()), "3 150,50"]:
        assert secret not in cells


def test_long_results_are_paged_and_keep_the_search(house: House, auditor: TestClient) -> None:
    for _ in range(60):
        house.request(house.person(), "bank-loan-offer")
    html = auditor.get("/en/audit?search=1&organisation=bank-example").text
    assert len(rows(html)) == 100
    (older,) = re.findall(r'href="(/en/audit\?[^"]*before=\d+)#results"', html)
    rest = rows(auditor.get(older.replace("&amp;", "&")).text)
    assert rest
    assert all("Example Bank" in each for each in rest)


def test_the_operator_sees_whether_it_runs(house: House, auditor: TestClient) -> None:
    words = words_of(house.signed_in(AINO, role=Role.OPERATOR).get("/en/operator").text)
    assert "Database Works sqlite" in words
    assert "Does not work" not in words
    house.clock.advance(seconds=60)
    words = words_of(house.signed_in(AINO).get("/en/operator").text)
    assert "Log Does not work" in words


def test_a_checkpoint_that_our_key_did_not_sign_is_told_in_red(
    house: House, auditor: TestClient
) -> None:
    runtime = house.runtime
    stranger = LogSigners(runtime.settings.log_origin, [Ed25519PrivateKey.generate()])
    house.app.state.runtime = replace(runtime, log_signers=stranger)
    words = words_of(auditor.get("/en/audit").text)
    assert "Signature and tree do not agree" in words
