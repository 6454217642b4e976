"""`consent-vault audit archive`: what it writes, what it takes out, and what it says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text
from starlette.testclient import TestClient

from audit.health import LogChecker
from audit.model import SYSTEM, Event, Kind
from audit.partitions import tend
from audit.proofs import minimum_index
from audit.reader import search
from audit.store.archive import raise_minimum
from audit.unit_of_work import begin
from audit.verify import verify_bundle
from service.app import create_app
from service.cli.main import main
from service.doctor.database import check_room
from service.doctor.log import check_log
from service.migrations.upgrade import upgrade
from service.runtime import Runtime, open_runtime
from service.settings import load_settings
from tests.postgres import schema_of_its_own
from tests.unguarded import unguard

LOG = "2026h1"
OLD = datetime(2026, 3, 2, 9, tzinfo=UTC)
NEW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def runtime(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    """An installation with 700 events of spring and 300 of autumn, the log at rest."""
    if request.param == "sqlite":
        yield from opened(f"sqlite:///{tmp_path / 'vault.db'}", tmp_path, monkeypatch)
    else:
        with schema_of_its_own(request.getfixturevalue("postgresql_url")) as url:
            yield from opened(url, tmp_path, monkeypatch)


def opened(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    monkeypatch.setenv("CONSENT_VAULT_DATABASE_URL", url)
    monkeypatch.setenv("CONSENT_VAULT_DATA_FOLDER", str(tmp_path / "keys"))
    monkeypatch.setenv("CONSENT_VAULT_BASE_URL", "https://vault.example.fi")
    runtime = open_runtime(load_settings())
    upgrade(runtime.ledger.engine)
    for count, now in ((400, OLD), (300, OLD + timedelta(days=9)), (300, NEW)):
        happen(runtime, count, now)
    yield runtime
    runtime.close()


def happen(runtime: Runtime, count: int, now: datetime) -> None:
    with begin(runtime.ledger, actor=SYSTEM, now=now) as uow:
        for _ in range(count):
            uow.record(Event(kind=Kind.SIGN_IN_BEGUN))
    runtime.sequencer.run_once(now)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["audit", "archive", *arguments])


def archived(runtime: Runtime, kind: Kind) -> list[str | None]:
    with runtime.ledger.read() as connection:
        return [each.get("reference") for each in search(connection, runtime.ledger, kind=kind)]


def test_a_copy_is_written_and_recorded_and_nothing_leaves(
    runtime: Runtime, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    result = run("--before", "2026-07-01", str(folder))
    assert result.exit_code == 0, result.output
    assert f"{LOG}: entries 0 to 699 stand in {folder}" in result.output
    assert ("this is a copy" in result.output) == (runtime.ledger.engine.dialect.name == "sqlite")
    assert archived(runtime, Kind.LOG_ARCHIVED) == [f"{LOG}:0-700"]
    assert archived(runtime, Kind.LOG_PRUNED) == []
    with runtime.ledger.read() as connection:
        assert minimum_index(connection, log=LOG) == 0


def test_an_index_means_whole_tiles_below_it(runtime: Runtime, tmp_path: Path) -> None:
    result = run("--before", f"{LOG}:600", str(tmp_path / "archive"))
    assert result.exit_code == 0, result.output
    assert "entries 0 to 511" in result.output


@pytest.mark.parametrize(
    ("before", "code", "told"),
    [
        ("2026-01-01", 0, "nothing of the log is as old as that"),
        (f"{LOG}:701", 1, "no checkpoint covers that index"),
        (f"{LOG}:100", 1, "there is no whole tile to archive"),
        ("2020h1:256", 1, "no checkpoint covers that index"),
        ("yesterday", 2, "give a day like 2026-07-01"),
    ],
)
def test_what_cannot_be_archived_is_told(
    runtime: Runtime, tmp_path: Path, before: str, code: int, told: str
) -> None:
    result = run("--before", before, str(tmp_path / "archive"))
    assert (result.exit_code, told in result.output) == (code, True), result.output
    assert archived(runtime, Kind.LOG_ARCHIVED) == []


def test_another_content_under_the_same_name_stops_it(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "archive" / LOG / "tile" / "0" / "000"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")
    result = run("--before", "2026-07-01", str(tmp_path / "archive"))
    assert result.exit_code == 1
    assert f"{LOG}/tile/0/000: stands there already" in result.output
    assert archived(runtime, Kind.LOG_ARCHIVED) == []


def test_on_sqlite_nothing_can_be_taken_out(runtime: Runtime, tmp_path: Path) -> None:
    if runtime.ledger.engine.dialect.name != "sqlite":
        pytest.skip("for the database without partitions")
    result = run("--before", "2026-07-01", "--detach", str(tmp_path / "archive"))
    assert result.exit_code == 1
    assert "leave --detach away" in result.output
    assert not (tmp_path / "archive").exists()


def test_what_is_taken_out_is_no_longer_served_and_all_else_holds(
    runtime: Runtime, tmp_path: Path
) -> None:
    if runtime.ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no partitions")
    before = run("--before", "2026-07-01", "--detach", str(tmp_path / "archive"))
    assert before.exit_code == 0, before.output
    # All thousand events lie in one partition, which is still being filled.
    assert "none was taken out" in before.output
    assert archived(runtime, Kind.LOG_PRUNED) == [f"{LOG}:700"]
    with TestClient(create_app(runtime), base_url="https://vault.example.fi") as visitor:
        told = visitor.get(f"/audit/logs/{LOG}/retention").json()
        assert told["minimum_index"] == 700
        assert visitor.get(f"/audit/logs/{LOG}/tile/entries/000").status_code == 404
        assert visitor.get(f"/audit/logs/{LOG}/tile/entries/002.p/188").status_code == 404
        assert visitor.get(f"/audit/logs/{LOG}/tile/0/000").status_code == 200
        assert visitor.get("/audit/logs/2026h2/tile/entries/000").status_code == 200
    newest = run("--before", "2026h2:256", "--detach", str(tmp_path / "archive"))
    assert "the policy lets nothing of it go yet" in newest.output
    assert archived(runtime, Kind.LOG_PRUNED) == [f"{LOG}:700"]
    checker = LogChecker(runtime.ledger, runtime.log_signers)
    assert checker.run_once(NEW) is None
    assert check_log(runtime.ledger.engine, runtime.settings).found.endswith("wait")


def test_the_doctor_tells_of_partitions_that_are_missing(runtime: Runtime) -> None:
    engine = runtime.ledger.engine
    assert check_room(engine).ok
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("SELECT setval('audit_event_number_seq', 9000000)"))
        happen(runtime, 1, NEW)
        finding = check_room(engine)
        assert "default partition" in finding.found
        assert "db upgrade" in finding.repair
        with engine.begin() as connection:
            assert tend(connection, NEW)
        assert check_room(engine).ok


def take_out(runtime: Runtime) -> None:
    """What `--detach` does once all partitions of the half-year are full, on either database."""
    with runtime.ledger.engine.begin() as connection:
        for table in ("audit_event", "audit_leaf"):
            unguard(connection, table)
        connection.execute(text(f"DELETE FROM audit_leaf WHERE log = '{LOG}' AND \"index\" < 512"))
        connection.execute(text("DELETE FROM audit_event WHERE number <= 700"))


def export(file: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["audit", "export", str(file), "--log", LOG, *arguments])


def test_an_export_names_the_archive_that_it_needs_and_takes_the_rest_from_it(
    runtime: Runtime, tmp_path: Path
) -> None:
    folder, file = tmp_path / "archive", tmp_path / "log.zip"
    run("--before", "2026-07-01", str(folder))
    with begin(runtime.ledger, actor=SYSTEM, now=NEW) as uow:
        event_id = uow.record(Event(kind=Kind.LOG_PRUNED, reference=f"{LOG}:700"))
        raise_minimum(uow.connection, LOG, 700, NEW, event_id)
    take_out(runtime)
    without = export(file)
    assert without.exit_code == 1
    assert f"the entries of {LOG} below 700 were archived and taken out" in without.output
    assert f"consent-vault audit export {file} --log {LOG} --archive FOLDER" in without.output
    assert not file.exists()
    assert archived(runtime, Kind.LOG_EXPORTED) == []
    assert export(file, "--archive", str(folder)).exit_code == 0
    assert verify_bundle(file.read_bytes()).size == 700
    (folder / LOG / "events" / "000.jsonl.gz").unlink()
    broken = export(tmp_path / "second.zip", "--archive", str(folder))
    assert broken.exit_code == 1
    assert f"{LOG}/events/000.jsonl.gz: cannot be read" in broken.output
