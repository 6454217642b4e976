"""`consent-vault audit forget`: by whom, for which years, on whose order; and what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit.erasure import ORDERED, RETENTION_ENDED
from audit.model import SYSTEM, Event, Kind
from audit.reader import entries_about, search
from audit.unit_of_work import begin
from policies.ids import PersonId
from service.cli.main import main
from service.log_retention import LogRetentionJob
from service.runtime import Runtime, open_runtime
from service.settings import load_settings
from tests.service.house import AINO, VILLE
from tests.service.office import Office
from vault.people import IDENTITY_SCHEME, enrol

YEAR = timedelta(days=365)


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation by the environment."""
    monkeypatch.setenv("CONSENT_VAULT_BASE_URL", "https://vault.example.fi")
    monkeypatch.setenv("CONSENT_VAULT_DATABASE_URL", f"sqlite:///{tmp_path / 'vault.db'}")
    monkeypatch.setenv("CONSENT_VAULT_DATA_FOLDER", str(tmp_path / "keys"))
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    return tmp_path


@pytest.fixture
def aino(installation: Path) -> PersonId:
    """A person with entries of this year and of three years ago."""
    assert installation.exists()
    runtime = open_runtime(load_settings())
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now() - 3 * YEAR) as uow:
        person = enrol(uow, runtime.vault, scheme=IDENTITY_SCHEME, identifier=AINO)
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        uow.record(Event(kind=Kind.DATA_VIEWED, subject=person))
    runtime.close()
    return person


def forget(*typed: str, code: str = AINO) -> Result:
    return CliRunner().invoke(main, ["audit", "forget", *typed], input=f"{code}\n")


def readable(person: PersonId) -> list[bool]:
    """Of each entry in her list, newest first, whether it says anything."""
    runtime = open_runtime(load_settings())
    with runtime.ledger.read() as connection:
        entries = entries_about(connection, runtime.ledger, person)
    runtime.close()
    return [bool(each.fields) for each in entries]


def destructions() -> list[tuple[str | None, str | None, str | None]]:
    runtime = open_runtime(load_settings())
    found = destroyed(runtime)
    runtime.close()
    return found


def destroyed(runtime: Runtime) -> list[tuple[str | None, str | None, str | None]]:
    with runtime.ledger.read() as connection:
        found = search(connection, runtime.ledger, kind=Kind.KEYS_DESTROYED)
    return [(each.get("reason"), each.get("reference"), each.get("case")) for each in found]


def test_by_order_all_goes_whatever_the_retention(aino: PersonId) -> None:
    result = forget("--order", "H-2026/17", "--yes")
    assert result.exit_code == 0, result.output
    assert "keys rotate" in result.output  # what is left to do for the backups
    assert readable(aino) == []
    assert destructions() == [(ORDERED, "all-years", "H-2026/17")]


def test_without_yes_it_is_only_told_what_would_go(aino: PersonId) -> None:
    result = forget(str(aino), "--order", "H-2026/17")
    assert result.exit_code == 0
    assert "--yes" in result.output
    assert readable(aino) == [True, True]
    assert destructions() == []


@pytest.mark.parametrize("years", [None, "3", "99"])
def test_while_the_retention_runs_an_order_is_needed(
    aino: PersonId, monkeypatch: pytest.MonkeyPatch, years: str | None
) -> None:
    if years is not None:
        monkeypatch.setenv("CONSENT_VAULT_LOG_RETENTION_YEARS", years)
    result = forget(str(aino), "--yes")
    assert result.exit_code == 1
    assert "must still be kept" in result.output
    assert "--order" in result.output
    assert readable(aino) == [True, True]
    assert destructions() == []


def test_an_ended_year_goes_without_an_order(
    aino: PersonId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSENT_VAULT_LOG_RETENTION_YEARS", "1")
    runtime = open_runtime(load_settings())
    year = (runtime.now() - 3 * YEAR).year
    runtime.close()
    assert forget(str(aino), "--yes").exit_code == 1
    result = forget(str(aino), "--year", str(year), "--yes")
    assert result.exit_code == 0, result.output
    assert readable(aino) == [True, False]
    assert destructions() == [(None, str(year), None)]


@pytest.mark.usefixtures("aino")
@pytest.mark.parametrize("order", ["no spaces, please", "010199-9012", ""])
def test_an_order_is_a_reference_and_nothing_of_a_person(order: str) -> None:
    result = forget("--order", order, "--yes")
    assert result.exit_code == 1
    assert "no reference" in result.output
    assert "9012" not in result.output


@pytest.mark.usefixtures("aino")
def test_whoever_is_not_known_is_told_and_not_made_known() -> None:
    result = forget("--order", "H/1", "--yes", code=VILLE)
    assert result.exit_code == 1
    assert "nobody is known" in result.output
    assert destructions() == []


def test_what_time_ends_goes_by_itself(each_office: Office) -> None:
    runtime, now = each_office.runtime, each_office.clock()
    with begin(runtime.ledger, actor=SYSTEM, now=now - 3 * YEAR) as uow:
        person = enrol(uow, runtime.vault, scheme=IDENTITY_SCHEME, identifier=VILLE)
    assert LogRetentionJob(runtime.ledger, None).run_once(now) == 0
    assert LogRetentionJob(runtime.ledger, 3).run_once(now) == 0
    assert LogRetentionJob(runtime.ledger, 2).run_once(now) == 1
    with runtime.ledger.read() as connection:
        (entry,) = entries_about(connection, runtime.ledger, person)
    assert entry.fields == {}
    assert destroyed(runtime) == [(RETENTION_ENDED, f"{now.year - 3} keys=1", None)]
