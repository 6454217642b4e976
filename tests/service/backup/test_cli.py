"""`consent-vault backup` and `restore` as an operator types them."""

import json
import socket
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from audit.journal_line import dataset_erased
from audit.model import SYSTEM, Actor, Event, Kind
from audit.reader import search
from audit.unit_of_work import begin
from policies.ids import DatasetId, PersonId
from service.behind import journal_of
from service.cli.main import main
from service.runtime import open_runtime
from service.settings import load_settings
from tests.consent.flow import Flow, public_key
from tests.unguarded import unguard
from tests.vault.given import AINO, GLUCOSE, document, fact
from vault.deposits import deposit
from vault.disputes import dispute
from vault.erasure import blinded_dataset
from vault.model import DisputeReason
from vault.people import IDENTITY_SCHEME, enrol
from vault.store.tables import version


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation by the environment."""
    for name, value in {
        "BASE_URL": "https://vault.example.fi",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'vault.db'}",
        "DATA_FOLDER": str(tmp_path / "keys"),
    }.items():
        monkeypatch.setenv(f"CONSENT_VAULT_{name}", value)
    assert typed("db", "upgrade").exit_code == 0
    happen(Kind.SIGNED_IN)
    return tmp_path


def typed(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def happen(kind: Kind) -> None:
    runtime = open_runtime(load_settings())
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        uow.record(Event(kind=kind))
    runtime.close()


def held(dataset: DatasetId | None = None) -> PersonId:
    """Somebody with a value, and a line that this data set of hers was erased; without a name it
    is one that no catalogue has."""
    runtime = open_runtime(load_settings())
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        person = enrol(uow, runtime.vault, scheme=IDENTITY_SCHEME, identifier=AINO)
        for each in (fact(), fact(GLUCOSE, 64)):
            deposit(uow, runtime.vault, person, document(each))
    blinded = bytes(32) if dataset is None else blinded_dataset(runtime.vault, person, dataset)
    line = dataset_erased(uuid4(), person, blinded, at=runtime.now())
    journal_of(runtime).append([line])
    runtime.close()
    return person


def sign() -> None:
    runtime = open_runtime(load_settings())
    runtime.sequencer.run_once(runtime.now())
    runtime.close()


def happened() -> list[Kind | None]:
    runtime = open_runtime(load_settings())
    with runtime.ledger.read() as connection:
        found = [entry.kind for entry in search(connection, runtime.ledger)]
    runtime.close()
    return found[::-1]


def test_out_and_back_and_what_came_between_is_gone(installation: Path) -> None:
    file = installation / "backup"
    made = typed("backup", str(file))
    assert made.exit_code == 0
    assert "read again and whole" in made.output
    happen(Kind.SIGNED_OUT)
    assert "is whole" in typed("restore", str(file), "--check").output
    assert Kind.SIGNED_OUT in happened()
    restored = typed("restore", str(file), "--replace", "--no-journal")
    assert restored.exit_code == 0, restored.output
    assert "what was there before is kept" in restored.output
    kinds = happened()
    assert kinds[:2] == [Kind.SIGNED_IN, Kind.BACKUP_BEGUN]
    assert Kind.BACKUP_RESTORED in kinds
    assert Kind.SIGNED_OUT not in kinds


def test_both_speak_to_programs(installation: Path) -> None:
    file = installation / "backup"
    made = json.loads(typed("backup", str(file), "--json").output)
    assert made["bytes"] == file.stat().st_size
    restored = json.loads(typed("restore", str(file), "--replace", "--no-journal", "--json").output)
    assert restored["backup"] == made["backup"]
    assert (restored["log_refused"], restored["journal_faults"]) == (None, 0)


def test_what_was_stopped_since_and_what_nobody_can_know_is_said(
    installation: Path,
) -> None:
    runtime = open_runtime(load_settings())
    flow = Flow(runtime.ledger)
    given = flow.given(details_uses=3)
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        person = enrol(uow, runtime.vault, scheme=IDENTITY_SCHEME, identifier=AINO)
    runtime.close()
    assert typed("backup", str(installation / "backup")).exit_code == 0
    keys = installation / "keys.json"
    keys.write_text(json.dumps({"keys": [public_key("key-2")]}))
    assert typed("client", "keys", flow.client.id, str(keys)).exit_code == 0
    disputed_since(person)
    restored = typed("restore", str(installation / "backup"), "--replace")
    assert restored.exit_code == 0, restored.output
    for words in (
        "of what the journal tells: 1 client keys replaced again",
        "consent-vault client keys",
        "1 consents have a limited number of uses",
        "1 people dispute a value that is not in this copy",
    ):
        assert words in restored.output
    again = typed("restore", str(installation / "backup"), "--replace", "--json")
    told = json.loads(again.output)
    assert told["client_keys_replaced_again"] == 1
    assert told["consents_with_unknown_uses"] == [str(given.record.consent)]
    assert told["people_with_unmarked_disputes"] == [str(person)]


def disputed_since(person: PersonId) -> None:
    """Of a value that came after the backup."""
    runtime = open_runtime(load_settings())
    value = fact()
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        deposit(uow, runtime.vault, person, document(value))
    with begin(runtime.ledger, actor=Actor.person(person), now=runtime.now()) as uow:
        dispute(
            uow,
            runtime.vault,
            person,
            attribute=value.attribute,
            source=value.source,
            reason=DisputeReason.WRONG,
        )
    runtime.close()


def test_a_log_that_lost_entries_makes_another_exit_code_and_names_the_way_out(
    installation: Path,
) -> None:
    file = installation / "backup"
    sign()
    typed("backup", str(file))
    happen(Kind.SIGNED_OUT)
    sign()
    refused = typed("restore", str(file), "--replace", "--no-journal")
    assert refused.exit_code == 3
    assert "the log is not signed" in refused.output
    begun = typed("restore", str(file), "--replace", "--no-journal", "--new-log")
    assert begun.exit_code == 0, begun.output
    assert "the log goes on as" in begun.output


def test_a_database_is_not_replaced_unasked(installation: Path) -> None:
    file = installation / "backup"
    typed("backup", str(file))
    refused = typed("restore", str(file))
    assert refused.exit_code == 1
    assert "Nothing was restored." in refused.output
    assert "--replace" in refused.output


def test_what_is_no_backup_is_refused_with_the_repair(installation: Path) -> None:
    file = installation / "letter"
    file.write_text("Dear operator")
    refused = typed("restore", str(file), "--replace", "--no-journal")
    assert refused.exit_code == 1
    assert "take another copy of the file" in refused.output


def test_nothing_is_restored_under_a_running_service(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = installation / "backup"
    typed("backup", str(file))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("CONSENT_VAULT_DEMO", "true")
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        monkeypatch.setenv("CONSENT_VAULT_BASE_URL", address)
        refused = typed("restore", str(file), "--replace", "--no-journal")
    assert refused.exit_code == 1
    assert "stop it first" in refused.output


REPLAYING = (("serve", "--port", "0"), ("restore", "backup", "--replace"))


@pytest.mark.parametrize("command", REPLAYING, ids=lambda each: each[0])
def test_a_journal_of_a_data_set_that_is_unknown_is_told_with_the_repair(
    installation: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(installation)
    held()
    assert typed("backup", "backup").exit_code == 0
    refused = typed(*command)
    assert refused.exit_code == 1, refused.output
    assert "which the catalogue does not have" in refused.output
    assert "Repair: bring the file of that data set back" in refused.output


@pytest.mark.parametrize("command", REPLAYING, ids=lambda each: each[0])
def test_what_does_not_open_while_the_journal_is_replayed_is_told_with_the_repair(
    installation: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(installation)
    person = held(DatasetId("income"))
    runtime = open_runtime(load_settings())
    with runtime.ledger.engine.begin() as connection:
        unguard(connection, "vault_record_version")
        connection.execute(version.update().values(sealed=b"\x01" + bytes(100)))
    runtime.close()
    assert typed("backup", "backup").exit_code == 0
    refused = typed(*command)
    assert refused.exit_code == 1, refused.output
    assert "does not open with the keys of this installation" in refused.output
    assert str(person) not in refused.output


@pytest.mark.parametrize("command", REPLAYING, ids=lambda each: each[0])
def test_a_journal_that_cannot_be_read_is_told_with_the_repair(
    installation: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(installation)
    assert typed("backup", "backup").exit_code == 0
    runtime = open_runtime(load_settings())
    path = journal_of(runtime).path
    runtime.close()
    path.unlink(missing_ok=True)
    path.mkdir()
    refused = typed(*command)
    assert refused.exit_code == 1, refused.output
    assert "the journal of erasures cannot be read" in refused.output


def test_a_folder_that_cannot_be_written_is_named(installation: Path) -> None:
    refused = typed("backup", str(installation / "nowhere" / "backup"))
    assert refused.exit_code == 1
    assert "cannot be used" in refused.output
