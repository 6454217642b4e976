"""`consent-vault keys status` and `keys rotate`, typed beside a running service."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from audit.model import SYSTEM
from audit.unit_of_work import begin
from policies.ids import PersonId
from service.cli.main import main
from service.runtime import Runtime, open_runtime
from service.settings import load_settings
from tests.unguarded import unguard
from tests.vault.given import GROSS, deposited, fact, viewed
from vault.people import enrol

PEOPLE = 3
SCHEME = "urn:example:test"


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """A service that was started before anybody thought of rotating, with people in it."""
    for name, value in {
        "BASE_URL": "https://vault.example.fi",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'vault.db'}",
        "DATA_FOLDER": str(tmp_path / "keys"),
    }.items():
        monkeypatch.setenv(f"CONSENT_VAULT_{name}", value)
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    runtime = open_runtime(load_settings())
    for number in range(PEOPLE):
        deposited(runtime.ledger, runtime.vault, somebody(runtime, number), fact())
    yield runtime
    runtime.close()


def somebody(runtime: Runtime, number: object) -> PersonId:
    with begin(runtime.ledger, actor=SYSTEM, now=datetime.now(UTC)) as uow:
        return enrol(uow, runtime.vault, scheme=SCHEME, identifier=f"somebody-{number}")


def keys(*words: str) -> Result:
    return CliRunner().invoke(main, ["keys", *words])


def said(*words: str) -> str:
    result = keys(*words)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*words: str) -> str:
    result = keys(*words)
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit), result.exception
    return " ".join(result.output.split())


def state() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said("status", "--json"))
    return found


def test_status_before_any_rotation(running: Runtime) -> None:
    told = said("status")
    assert f"file:1 wraps {PEOPLE} keys of people" in " ".join(told.split())
    assert "kek-00000001.secret" in told
    assert "rotation" not in told
    found = state()
    assert [each["key_id"] for each in found["generations"]] == ["file:1"]
    assert found["person_keys"] is None
    assert found["rewrapped"]["done"] == found["rewrapped"]["total"]
    assert {each["mode"] for each in found["files"]} == {"0600"}
    assert running is not None


def test_the_main_key_is_replaced_beside_a_running_service(running: Runtime) -> None:
    told = said("rotate")
    assert "are wrapped under file:2" in told
    assert "take a backup, then: consent-vault keys rotate --finish" in told
    # The service takes up the new key by itself, for what was there and for what comes.
    who = somebody(running, "new")
    deposited(running.ledger, running.vault, who, fact())
    assert len(viewed(running.ledger, running.vault, who, GROSS).facts) == 1
    assert len(viewed(running.ledger, running.vault, somebody(running, 0), GROSS).facts) == 1
    assert "opens only" in said("status")
    assert "file:1 is destroyed" in said("rotate", "--finish", "--at-once")
    assert len(viewed(running.ledger, running.vault, somebody(running, 1), GROSS).facts) == 1
    old, new = state()["generations"]
    assert (old["key_id"], old["in_provider"], old["person_keys"]) == ("file:1", False, 0)
    assert old["destroyed_at"] is not None
    assert (new["wraps"], new["person_keys"]) == (True, PEOPLE + 1)
    assert "destroyed" in said("status")
    assert "wraps since" in said("status")
    assert not list(running.settings.data_folder.glob("kek-00000001.*"))


def test_each_step_may_be_taken_twice(running: Runtime) -> None:
    assert "nothing to do" in said("rotate", "--finish")
    said("rotate")
    said("rotate")
    assert [each["key_id"] for each in state()["generations"]] == ["file:1", "file:2"]
    said("rotate", "--finish", "--at-once")
    assert "nothing to do" in said("rotate", "--finish", "--at-once")
    assert running.key_provider.key_ids() == ("file:2",)


def test_the_old_key_is_not_destroyed_within_the_hour(running: Runtime) -> None:
    said("rotate")
    told = refused("rotate", "--finish")
    assert "No key was destroyed." in told
    ready = datetime.now(UTC) + timedelta(hours=1)
    assert f"{ready:%Y-%m-%d}" in told
    assert running.key_provider.key_ids() == ("file:1", "file:2")


def test_the_old_key_is_not_destroyed_while_it_is_needed(running: Runtime) -> None:
    from service.key_state import ring_of

    ring_of(running).begin(actor=SYSTEM, now=datetime.now(UTC))
    told = refused("rotate", "--finish", "--at-once")
    assert "keys are wrapped under file:1 still" in told
    assert "Repair: consent-vault keys rotate" in told
    assert "wrapped under the newest: " in said("status")
    said("rotate")
    said("rotate", "--finish", "--at-once")


def test_a_key_that_was_added_past_us_is_not_taken_for_granted(running: Runtime) -> None:
    running.key_provider.add_key()
    assert "has not been taken into use" in refused("rotate", "--finish", "--at-once")


def test_a_key_that_does_not_open_is_told_and_stops_nothing(running: Runtime) -> None:
    with running.ledger.engine.begin() as connection:
        query = "SELECT min(person_id) FROM vault_person_key"
        person = connection.execute(text(query)).scalar_one()
        damage = "UPDATE vault_person_key SET wrapped = substr(wrapped, 1, 60) WHERE person_id = :p"
        connection.execute(text(damage), {"p": person})
    told = refused("rotate")
    assert "1 keys could not be wrapped anew." in told
    assert "restore these rows from a backup" in told
    assert [each["person_keys"] for each in state()["generations"]] == [1, PEOPLE - 1]
    assert "are wrapped under file:1 still" in refused("rotate", "--finish", "--at-once")


def test_the_keys_of_people_are_replaced(running: Runtime) -> None:
    told = said("rotate", "--person-keys")
    assert f"{PEOPLE} people have a key from after" in told
    found = state()["person_keys"]
    assert (found["rotation"], found["done"], found["total"]) == (1, PEOPLE, PEOPLE)
    assert found["ended_at"] is not None
    assert f"ended {datetime.now(UTC).date().isoformat()}, {PEOPLE} of {PEOPLE}" in said("status")
    assert len(viewed(running.ledger, running.vault, somebody(running, 0), GROSS).facts) == 1


def test_people_whose_data_does_not_open_are_told_by_their_random_ids(running: Runtime) -> None:
    who = somebody(running, 0)
    with running.ledger.engine.begin() as connection:
        unguard(connection, "vault_record_version")
        damage = (
            "UPDATE vault_record_version SET sealed = substr(sealed, 1, 80) WHERE person_id = :p"
        )
        connection.execute(text(damage), {"p": who.hex})
    told = refused("rotate", "--person-keys")
    assert "The keys of 1 people stay as they are." in told
    assert str(who) in told
    assert "under way" in said("status")
    assert state()["person_keys"]["done"] == PEOPLE - 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--finish", "--person-keys"], "people's keys need no second step"),
        (["--at-once"], "--at-once goes with --finish"),
        (["--finsh"], "--finish"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    running: Runtime, words: list[str], told: str
) -> None:
    assert told in refused("rotate", *words)
    assert running.key_provider.key_ids() == ("file:1",)
