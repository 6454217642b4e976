"""The auditor's export: recorded before it leaves, and verified without us."""

import pytest
from starlette.testclient import TestClient

from audit.model import Kind
from audit.reader import search
from audit.verify import verify_bundle
from policies.vocabulary import Role
from tests.service.house import VILLE, House, form_of


@pytest.fixture
def auditor(house: House) -> TestClient:
    return house.signed_in(VILLE, role=Role.AUDITOR)


def exports(house: House) -> list[str | None]:
    """What the events of exports say was taken out."""
    with house.runtime.ledger.read() as connection:
        found = search(connection, house.runtime.ledger, kind=Kind.LOG_EXPORTED)
    return [each.get("reference") for each in found]


def form(auditor: TestClient) -> dict[str, str]:
    return form_of(auditor.get("/en/audit").text, "/en/audit/export")


def test_the_file_verifies_against_the_logs_own_key(house: House, auditor: TestClient) -> None:
    signed = house.runtime.sequencer.run_once(house.clock())
    assert signed is not None
    answer = auditor.post("/en/audit/export", data=form(auditor))
    assert answer.headers["content-type"] == "application/zip"
    report = verify_bundle(answer.content, vkey=house.runtime.log_signers.vkeys("2026h2")[0])
    assert report.size == signed.size
    assert exports(house) == [f"2026h2 size-{signed.size}"]


def test_an_empty_log_is_not_exported(house: House, auditor: TestClient) -> None:
    answer = auditor.post("/sv/audit/export", data=form(auditor))
    assert answer.headers["location"] == "/sv/audit"
    assert exports(house) == []


def test_without_its_form_nothing_leaves(house: House, auditor: TestClient) -> None:
    house.runtime.sequencer.run_once(house.clock())
    assert auditor.post("/en/audit/export").status_code == 400
    assert exports(house) == []
