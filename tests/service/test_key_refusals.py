"""A start that cannot have its keys says what is wrong and what repairs it, and serves nobody."""

import os
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from audit.database import open_engine
from audit.model import SYSTEM, Event, Kind
from audit.unit_of_work import begin
from service.cli.main import main
from service.migrations.upgrade import upgrade
from service.runtime import open_runtime
from service.settings import Settings
from tests.softhsm import PIN, SoftToken


@pytest.fixture
def base(tmp_path: Path) -> dict[str, Any]:
    """Settings of an installation whose database has its tables."""
    url = f"sqlite:///{tmp_path / 'vault.db'}"
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    return {
        "base_url": "https://vault.example.fi",
        "database_url": url,
        "data_folder": tmp_path / "keys",
    }


def started(given: dict[str, Any], *command: str) -> Result:
    environment = {f"CONSENT_VAULT_{name.upper()}": str(value) for name, value in given.items()}
    return CliRunner().invoke(main, list(command or ("serve", "--port", "0")), env=environment)


def written(given: dict[str, Any]) -> None:
    """Let the installation begin: an event is sealed under its keys."""
    runtime = open_runtime(Settings(**given))
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        uow.record(Event(kind=Kind.SIGNED_IN))
    runtime.close()


def of_token(token: SoftToken) -> dict[str, Any]:
    return {
        "key_provider": "pkcs11",
        "pkcs11_module": token.module,
        "pkcs11_token": "vault of a test",
        "pkcs11_pin": PIN,
    }


def refused(result: Result, why: str, repair: str) -> None:
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    first, second, third = result.output.strip().splitlines()[-3:]
    assert first.startswith("Error: ")
    assert why in second
    assert third.startswith("  Repair: ")
    assert repair in third


@pytest.mark.parametrize(
    ("fault", "why", "repair"),
    [
        ({"pkcs11_module": "/nothing.so"}, "cannot be loaded", "PKCS11_MODULE"),
        ({"pkcs11_token": "another"}, "no token has the label", "PKCS11_TOKEN"),
        ({"pkcs11_pin": "999999"}, "the PIN is wrong", "PKCS11_PIN_FILE"),
        ({"pkcs11_key": "another"}, "no key-encryption key", "backup"),
    ],
)
def test_a_token_at_fault_stops_the_start(
    base: dict[str, Any], token: SoftToken, fault: dict[str, Any], why: str, repair: str
) -> None:
    written(base | of_token(token))
    result = started(base | of_token(token) | fault)
    refused(result, why, repair)
    assert PIN not in result.output
    assert "999999" not in result.output


def test_a_server_that_is_away_stops_the_start(base: dict[str, Any]) -> None:
    given = {"transit_url": "http://127.0.0.1:9", "transit_token": "hvs.canary"}
    result = started(base | given | {"key_provider": "transit"})
    refused(result, "does not answer", "look at the key service")
    assert "canary" not in result.output


Harm = Callable[[Path], object]


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda key: key.unlink(), "no key-encryption key"),
        (lambda key: key.write_bytes(os.urandom(32)), "do not open the newest event"),
        (lambda key: key.rename(key.with_name("kek-00000002.secret")), "file:1, which is not"),
        (lambda key: key.write_bytes(b"short"), "a secret has 32 bytes"),
    ],
    ids=["missing", "another", "of another number", "cut"],
)
def test_a_key_file_that_is_missing_or_wrong_stops_the_start(
    base: dict[str, Any], harm: Harm, why: str
) -> None:
    written(base)
    harm(base["data_folder"] / "kek-00000001.secret")
    before = sorted(base["data_folder"].iterdir())
    refused(started(base), why, "restore")
    refused(started(base, "keys", "status"), why, "restore")
    assert sorted(base["data_folder"].iterdir()) == before


def test_another_secret_of_the_environment_stops_the_start(base: dict[str, Any]) -> None:
    def secret(number: int) -> dict[str, str]:
        key = b64encode(os.urandom(32)).decode()
        return {"key_provider": "environment", "key_secrets": f"{number}:{key}"}

    written(base | secret(1))
    refused(started(base | secret(1)), "do not open the newest event", "restore")
    refused(started(base | secret(2)), "environment:1, which is not there", "restore")
    refused(started(base | secret(1) | {"key_secrets": "1:no"}), "entry 1", "correct it")
