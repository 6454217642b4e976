"""Is anything missing: asked of a whole installation, every room's tables against the log."""

import json
import logging
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import Table, text

from audit.check_report import Gap, Report
from audit.completeness import alone, check
from audit.model import SYSTEM, Kind
from audit.promise import from_header
from audit.unit_of_work import Ledger
from policies.vocabulary import Role
from service.cli.main import main
from service.completeness import (
    FRESH,
    CompletenessJob,
    LastCheck,
    Result,
    check_installation,
    last_check,
)
from service.effects import EVERY_ROOM
from service.migrations.guards import TABLES, restore
from service.runtime import Runtime
from tests.service.house import NOW, House, open_house, words_of
from tests.service.migrations.rows import row_of
from tests.service.office import DETAILS, Office, open_office
from tests.unguarded import unguard

LISTED = [each.table for room in EVERY_ROOM for each in room.tables]


@pytest.fixture
def busy(each_office: Office) -> Office:
    """An installation in which something of every kind has been done."""
    consent = each_office.given()
    tokens = each_office.tokens(consent)
    assert each_office.fetch(tokens["access_token"]).status == 200
    assert each_office.by_law().status == 200
    each_office.withdraw(consent)
    limited = [{**DETAILS, "uses": 3}]
    second = each_office.given(authorization_details=json.dumps(limited))
    token = each_office.tokens(second)["access_token"]
    for _ in range(2):
        assert each_office.fetch(token).status == 200
    each_office.runtime.sequencer.run_once(each_office.clock())
    return each_office


def found(office: Office) -> Report:
    return check(office.runtime.ledger, EVERY_ROOM, now=office.clock(), batch=3)


def gaps(office: Office) -> list[Gap]:
    return sorted({each.gap for each in found(office).findings})


def test_no_table_of_effects_is_forgotten() -> None:
    with_event = {table for table in TABLES if "audit_event_id" in table.columns}
    assert set(LISTED) == with_event
    assert len(LISTED) == len(with_event)


def test_nothing_is_missing_where_all_went_well(busy: Office) -> None:
    report = found(busy)
    assert report.findings == ()
    assert report.rows > 40


def owner(office: Office, table: str, statement: str) -> None:
    """What the owner of the database does, past every guard."""
    with office.runtime.ledger.engine.begin() as connection:
        unguard(connection, table)
        assert connection.execute(text(statement)).rowcount >= 1


@pytest.mark.parametrize("table", LISTED, ids=lambda t: t.name)
def test_a_row_that_no_event_explains_is_found_in_every_table(busy: Office, table: Table) -> None:
    with busy.runtime.ledger.engine.begin() as connection:
        unguard(connection, table.name)
        one = connection.execute(table.select().limit(1)).first()
        if one is None:  # its rows come by pages, not by programs
            connection.execute(table.insert().values(row_of(table)))
        else:
            repoint = table.update().where(table.c.audit_event_id == one.audit_event_id)
            connection.execute(repoint.values(audit_event_id=uuid4()))
    assert Gap.EFFECT_WITHOUT_EVENT in gaps(busy)


@pytest.mark.parametrize(
    ("table", "statement", "gap"),
    [
        ("consent_record", "DELETE FROM consent_record", Gap.EVENT_WITHOUT_EFFECT),
        ("consent_code", "DELETE FROM consent_code", Gap.EVENT_WITHOUT_EFFECT),
        ("consent_token", "DELETE FROM consent_token", Gap.EVENT_WITHOUT_EFFECT),
        ("consent_consent", "UPDATE consent_consent SET uses_left = 2 WHERE uses_left = 1",
         Gap.RELEASES_DIFFER),
        ("consent_consent", "UPDATE consent_consent SET uses_left = 0 WHERE uses_left = 1",
         Gap.RELEASES_DIFFER),
    ],
)  # fmt: skip
def test_what_the_rows_and_the_log_tell_differently_is_found(
    busy: Office, table: str, statement: str, gap: Gap
) -> None:
    owner(busy, table, statement)
    assert gaps(busy) == [gap]


def _without_event(office: Office, kind: Kind) -> None:
    """The newest event of that kind was never written: neither it nor what stands for it."""
    engine = office.runtime.ledger.engine
    with engine.begin() as connection:
        for table in ("audit_event", "audit_leaf"):
            unguard(connection, table)
        newest = "SELECT max(number) FROM audit_search WHERE kind = :kind"
        number = connection.execute(text(newest), {"kind": kind.value}).scalar_one()
        for table in ("audit_leaf", "audit_event", "audit_search", "audit_about"):
            connection.execute(
                text(f"DELETE FROM {table} WHERE number = :number"), {"number": number}
            )


def test_a_redeemed_code_without_its_token_is_found(busy: Office) -> None:
    with busy.runtime.ledger.engine.begin() as connection:
        connection.execute(text("DELETE FROM consent_token"))
        connection.execute(
            text("UPDATE audit_search SET kind = 'code.issued' WHERE kind = 'token.issued'")
        )
    assert Gap.EFFECT_WITHOUT_EVENT in gaps(busy)
    assert any(each.place.startswith("code of ") for each in found(busy).findings)


def test_a_release_that_was_left_out_of_the_log_is_found(busy: Office) -> None:
    _without_event(busy, Kind.DATA_RELEASED)
    assert Gap.RELEASES_DIFFER in gaps(busy)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("UPDATE consent_token SET revoked_at = issued_at WHERE revoked_at IS NULL", "token of "),
        ("UPDATE consent_code SET dead_at = expires_at", "code of "),
    ],
)
def test_an_end_that_nothing_in_the_log_explains_is_found(
    busy: Office, change: str, place: str
) -> None:
    ends = change.replace("issued_at", "expires_at", 1) if "token" in change else change
    owner(busy, "consent_token", ends)
    report = found(busy)
    assert [each.gap for each in report.findings][:1] == [Gap.EFFECT_WITHOUT_EVENT]
    assert report.findings[0].place.startswith(place)


# The command and what it leaves behind


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[tuple[Office, Callable[..., tuple[int, str]]]]:
    """An installation on SQLite with all its guards, and its command line."""
    url = f"sqlite:///{tmp_path / 'vault.db'}"
    environment = {
        "CONSENT_VAULT_BASE_URL": "https://vault.example.fi",
        "CONSENT_VAULT_DATABASE_URL": url,
        "CONSENT_VAULT_DATA_FOLDER": str(tmp_path / "keys"),
    }

    def command(*typed: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["audit", "check", *typed], env=environment)
        return result.exit_code, result.stdout

    CliRunner().invoke(main, ["db", "upgrade"], env=environment)
    office = open_office(url, tmp_path)
    office.tokens()
    office.runtime.sequencer.run_once(office.clock())
    yield office, command
    office.runtime.close()


def told(runtime: Runtime) -> LastCheck | None:
    with runtime.ledger.read() as connection:
        return last_check(connection, runtime.ledger)


Installation = tuple[Office, Callable[..., tuple[int, str]]]


def test_the_command_says_that_nothing_is_missing_and_records_that_it_looked(
    installation: Installation,
) -> None:
    office, command = installation
    assert told(office.runtime) is None
    code, said = command()
    assert code == 0
    assert "nothing is missing" in said
    recorded = office.events(Kind.LOG_CHECKED)
    assert [each.get("reason") for each in recorded] == ["log-complete"]
    assert recorded[0].get("actor") == "system:operator-command"
    last = told(office.runtime)
    assert last is not None
    assert last.is_good(last.at + FRESH)
    assert not last.is_good(last.at + FRESH * 2)


def test_the_command_names_what_is_missing_and_repairs_nothing(installation: Installation) -> None:
    office, command = installation
    owner(office, "consent_code", "DELETE FROM consent_code")
    for _ in range(2):
        code, said = command()
        assert code == 1
        assert "event-without-effect: 1" in said
        assert "in consent_code" in said
        assert "tell the auditor" in said
    last = told(office.runtime)
    assert last is not None
    assert last.result is Result.GAPS
    assert not last.is_good(last.at)


def test_the_command_finds_a_guard_that_was_taken_away(installation: Installation) -> None:
    office, command = installation
    with office.runtime.ledger.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_event_no_delete"))
    code, said = command("--json")
    assert code == 1
    assert json.loads(said)["findings"] == [
        {"gap": "guard-weak", "place": "audit_event_no_delete is missing"}
    ]


def test_a_check_that_has_no_time_stops_and_goes_on_later(installation: Installation) -> None:
    office, command = installation
    code, said = command("--seconds", "0", "--json")
    assert code == 0
    report = json.loads(said)
    assert (report["rows"], report["complete"]) == (0, False)
    assert [e.get("reason") for e in office.events(Kind.LOG_CHECKED)] == ["log-check-stopped"]
    code, said = command("--from", report["cursor"], "--json")
    assert code == 0
    assert json.loads(said)["complete"]
    # The end alone is not the whole: what lies before the cursor was not looked at this time.
    assert office.events(Kind.LOG_CHECKED)[0].get("reason") == "log-check-stopped"
    assert "nothing is missing from there on" in command("--from", report["cursor"])[1]
    assert "go on with: consent-vault audit check --from" in command("--seconds", "0")[1]


def test_a_cursor_that_is_none_is_told_with_its_repair(installation: Installation) -> None:
    _, command = installation
    assert command("--from", "nonsense")[0] == 1


def test_what_is_recorded_is_the_digest_of_what_was_found(office: Office) -> None:
    report = check_installation(office.runtime.ledger, actor=SYSTEM, now=office.clock())
    (recorded,) = office.events(Kind.LOG_CHECKED)
    assert recorded.get("digest") == sha256(report.content).hexdigest()


# Promises that somebody holds


@pytest.fixture
def promise(installation: Installation, tmp_path: Path) -> Path:
    """What an agency has kept of an answer."""
    office, _ = installation
    file = tmp_path / "kept.promise"
    file.write_text(office.tokens()["event_promise"] + "\n")
    return file


def test_a_promise_that_was_kept_is_no_gap(installation: Installation, promise: Path) -> None:
    office, command = installation
    office.runtime.sequencer.run_once(office.clock())
    assert command("--promise", str(promise))[0] == 0
    note = from_header(promise.read_text().strip())
    promise.write_bytes(note)
    assert command("--promise", str(promise))[0] == 0


def test_a_promise_that_was_broken_is_one(installation: Installation, promise: Path) -> None:
    office, command = installation
    with office.runtime.ledger.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_queue"))
    code, said = command("--promise", str(promise), "--json")
    assert code == 1
    assert json.loads(said)["counts"]["promise-broken"] == 1


@pytest.mark.parametrize("content", ["", "nonsense!", "AAAA", "é"])
def test_what_is_no_promise_of_this_log_is_told_with_its_repair(
    installation: Installation, promise: Path, content: str
) -> None:
    promise.write_text(content)
    assert installation[1]("--promise", str(promise))[0] == 1
    assert installation[0].events(Kind.LOG_CHECKED) == []


# Every night


def test_the_check_is_made_once_each_night(each_office: Office) -> None:
    job = each_office.runtime.completeness
    assert job.run_once(each_office.clock()) is None  # the log began after this night
    each_office.clock.advance(hours=16)  # 01:00 the next morning
    each_office.runtime.sequencer.run_once(each_office.clock())
    report = job.run_once(each_office.clock())
    assert report is not None
    assert report.ok
    assert job.run_once(each_office.clock()) is None
    each_office.clock.advance(hours=23, minutes=59)
    assert job.run_once(each_office.clock()) is None
    each_office.clock.advance(minutes=1)
    each_office.runtime.sequencer.run_once(each_office.clock())
    assert job.run_once(each_office.clock()) is not None
    made = each_office.events(Kind.LOG_CHECKED)
    assert [each.get("reason") for each in made] == ["log-complete"] * 2
    assert {each.get("actor") for each in made} == {"system:consent-vault"}


def test_a_log_without_anything_is_not_checked(ledger: Ledger) -> None:
    assert CompletenessJob(ledger).run_once(NOW) is None


def test_a_check_that_was_stopped_is_made_again(office: Office) -> None:
    check_installation(office.runtime.ledger, actor=SYSTEM, now=office.clock(), stop=lambda: True)
    assert office.runtime.completeness.run_once(office.clock()) is not None
    assert office.runtime.completeness.run_once(office.clock()) is None


def test_while_another_process_checks_this_one_does_not(each_office: Office) -> None:
    if each_office.runtime.ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite is for one process")
    each_office.clock.advance(days=1)
    with alone(each_office.runtime.ledger):
        assert each_office.runtime.completeness.run_once(each_office.clock()) is None
    assert each_office.runtime.completeness.run_once(each_office.clock()) is not None


def test_what_is_missing_stands_in_the_operators_log(
    office: Office, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)  # where another test of this process has set up the logs
    office.tokens()
    office.runtime.sequencer.run_once(office.clock())
    owner(office, "consent_code", "DELETE FROM consent_code")
    office.clock.advance(days=1)
    office.runtime.completeness.run_once(office.clock())
    said = capsys.readouterr().out + caplog.text
    assert "log-checked" in said
    assert "log-has-gaps" in said
    assert "event-without-effect" in said


# The alarm


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = open_house(tmp_path)
    opened.runtime.sequencer.run_once(opened.clock())
    yield opened
    opened.runtime.close()


def _check(house: House) -> None:
    check_installation(house.runtime.ledger, actor=SYSTEM, now=house.clock())


def test_the_operators_page_and_the_numbers_tell_how_the_last_check_went(house: House) -> None:
    browser = house.signed_in(role=Role.OPERATOR)
    assert "Not checked yet" in browser.get("/en/operator").text
    assert "consent_vault_log_complete" not in browser.get("/metrics").text
    _check(house)
    assert "Run: consent-vault audit check" not in words_of(browser.get("/en/operator").text)
    numbers = browser.get("/metrics").text
    assert "consent_vault_log_complete 1" in numbers
    assert "consent_vault_log_check_age_seconds 0.0" in numbers


def test_a_gap_is_an_alarm_until_a_check_finds_none(house: House) -> None:
    browser = house.signed_in(role=Role.OPERATOR)
    with house.runtime.ledger.engine.begin() as connection:
        unguard(connection, "consent_purpose")
        connection.execute(text("CREATE TABLE kept AS SELECT * FROM consent_purpose"))
        connection.execute(text("DELETE FROM consent_purpose"))
    _check(house)
    assert "Run: consent-vault audit check" in words_of(browser.get("/en/operator").text)
    assert "consent_vault_log_complete 0" in browser.get("/metrics").text
    with house.runtime.ledger.engine.begin() as connection:
        connection.execute(text("INSERT INTO consent_purpose SELECT * FROM kept"))
        restore(connection)
    _check(house)
    assert "consent_vault_log_complete 1" in browser.get("/metrics").text


def test_a_check_that_is_too_old_is_an_alarm(house: House) -> None:
    _check(house)
    house.clock.advance(hours=37)
    browser = house.signed_in(role=Role.OPERATOR)
    assert "Run: consent-vault audit check" in words_of(browser.get("/en/operator").text)
    assert "consent_vault_log_complete 0" in browser.get("/metrics").text
