"""The commands around the log's signature: keys that rotate, a log begun anew, and the witness."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import randbelow

import httpx2
import pytest
from click.testing import CliRunner

from audit.cosignature import parse_cosigner, parse_vkey
from audit.model import SYSTEM, Event, Kind
from audit.proofs import latest_checkpoint
from audit.trust_policy import parse_policy
from audit.unit_of_work import begin
from service.cli.main import main
from service.runtime import Runtime, open_runtime
from service.settings import load_settings
from tests.running import COMMAND


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.output


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation by the environment, with an empty log."""
    for name, value in {
        "BASE_URL": "https://vault.example.fi",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'vault.db'}",
        "DATA_FOLDER": str(tmp_path / "keys"),
    }.items():
        monkeypatch.setenv(f"CONSENT_VAULT_{name}", value)
    assert run("db", "upgrade")[0] == 0
    return tmp_path


@contextmanager
def opened() -> Iterator[Runtime]:
    runtime = open_runtime(load_settings())
    try:
        yield runtime
    finally:
        runtime.log_watch.close()
        runtime.ledger.engine.dispose()


def grow(count: int) -> bytes:
    """Sign so many events more, as a service that starts and ends; gives the note."""
    with opened() as runtime:
        with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
            for _ in range(count):
                uow.record(Event(kind=Kind.LOG_SEARCHED))
        runtime.sequencer.run_once(runtime.now())
        with runtime.ledger.read() as connection:
            note = latest_checkpoint(connection)
    assert note is not None
    return note


def shown() -> list[tuple[str, str, str]]:
    """Log, word and key of each line of `audit vkeys`."""
    code, output = run("audit", "vkeys")
    assert code == 0
    return [tuple(line.split()) for line in output.splitlines()]  # type: ignore[misc]  # three words


def test_the_keys_of_the_bare_name_and_of_the_next_two_half_years_are_shown_ahead(
    installation: Path,
) -> None:
    assert installation.exists()
    found = shown()
    names = [parse_vkey(vkey).name for _, _, vkey in found]
    assert names[:2] == ["vault.example.fi/audit"] * 2
    assert len({log for log, _, _ in found}) == 4
    assert all(re.fullmatch(r"0|\d{4}h[12]", log) for log, _, _ in found)


def test_keys_are_changed_in_two_steps(installation: Path) -> None:
    before = {vkey for _, _, vkey in shown()}
    assert run("keys", "rotate-log")[0] == 0
    during = shown()
    assert before < {vkey for _, _, vkey in during}
    assert {word for _, word, _ in during} == {"signs"}
    assert run("keys", "rotate-log", "--finish")[0] == 0
    after = shown()
    assert {vkey for _, word, vkey in after if word == "retired"} == before
    assert (installation / "keys" / "log-00000001.pub").exists()
    assert not (installation / "keys" / "log.pem").exists()


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([["--finish"]], "begin a change with: consent-vault keys rotate-log"),
        ([[], []], "end that change first: consent-vault keys rotate-log --finish"),
    ],
)
def test_a_step_out_of_turn_is_told_with_the_right_one(
    installation: Path, steps: list[list[str]], told: str
) -> None:
    assert installation.exists()
    code, output = [run("keys", "rotate-log", *step) for step in steps][-1]
    assert code == 1
    assert told in output


def test_no_log_is_begun_anew_where_nothing_is_lost(installation: Path) -> None:
    assert installation.exists()
    grow(3)
    code, output = run("audit", "new-log", "--yes")
    assert code == 1
    assert "nothing is lost" in output


def test_a_restored_database_is_told_and_begun_anew_only_when_asked_for(
    installation: Path,
) -> None:
    grow(3)
    shutil.copy(installation / "vault.db", installation / "backup")
    grow(4)
    shutil.copy(installation / "backup", installation / "vault.db")
    code, output = run("doctor")
    assert code == 1
    assert "FAULT  log-outside: the copy in" in output
    code, output = run("audit", "new-log")
    assert code == 0
    assert "has the checkpoint of size 7" in output
    assert "are lost for good" in output
    code, output = run("audit", "new-log", "--yes")
    assert code == 0
    assert re.search(r"goes on as vault\.example\.fi/audit/\d{4}h[12]b\.", output)
    assert re.match(rb"vault\.example\.fi/audit/\d{4}h[12]b\n3\n", grow(1))  # link, event, event
    assert run("audit", "new-log", "--yes")[0] == 1


# The witness


def test_a_witness_keeps_its_name_and_keys(tmp_path: Path) -> None:
    folder = str(tmp_path / "w")
    code, first = run("witness", "--data", folder, "--name", "w.example", "--show-keys")
    assert code == 0
    assert [parse_cosigner(line).name for line in first.splitlines()] == ["w.example"] * 2
    assert run("witness", "--data", folder, "--show-keys") == (0, first)
    assert (tmp_path / "w" / "keys").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("before", "options", "told"),
    [
        (None, ["--show-keys"], "--name witness.example.org"),
        (None, ["--name", "two words", "--show-keys"], "without scheme"),
        ("w.example", ["--name", "v.example", "--show-keys"], "its name is w.example"),
        ("w.example", [], "it follows no log"),
        ("w.example", ["--log", "no key"], "a key after --log is none"),
    ],
)
def test_a_witness_that_cannot_start_says_why(
    tmp_path: Path, before: str | None, options: list[str], told: str
) -> None:
    folder = ["--data", str(tmp_path / "w")]
    if before is not None:
        run("witness", *folder, "--name", before, "--show-keys")
    code, output = run("witness", *folder, *options)
    assert code == 1
    assert told in output


def test_a_witness_whose_port_is_taken_says_so(tmp_path: Path) -> None:
    folder = ["--data", str(tmp_path / "w")]
    vkey = run("witness", *folder, "--name", "w.example", "--show-keys")[1].split()[0]
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        code, output = run("witness", *folder, "--log", vkey, "--port", port)
    assert code == 1
    assert f"cannot listen at 127.0.0.1 port {port}" in output
    assert "name another with --port" in output


def test_a_witness_whose_memory_cannot_be_read_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    options = ["--data", str(folder)]
    vkey = run("witness", *options, "--name", "w.example", "--show-keys")[1].split()[0]
    (folder / "witness.db").write_bytes(b"not a database" * 100)
    code, output = run("witness", *options, "--log", vkey, "--port", "0")
    assert code == 1
    assert "its memory" in output
    assert "bring back its newest copy" in output


def test_a_malformed_name_is_not_kept(tmp_path: Path) -> None:
    folder = ["--data", str(tmp_path / "w"), "--show-keys"]
    run("witness", *folder, "--name", "two words")
    assert run("witness", *folder, "--name", "w.example")[0] == 0


@contextmanager
def running_witness(folder: Path, port: int, vkeys: list[str]) -> Iterator[str]:
    """A witness in a process of its own; gives its address."""
    options = [word for vkey in vkeys for word in ("--log", vkey)]
    command = [*COMMAND, "witness", "--data", str(folder), "--port", str(port), *options]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSENT_VAULT_")}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx2.get(url)
                break
            except httpx2.TransportError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def test_log_and_witness_work_together_as_two_programs_and_over_a_restart_of_the_witness(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, port = installation / "w", 20_000 + randbelow(10_000)
    keys = run("witness", "--data", str(folder), "--name", "w.example", "--show-keys")[1].split()
    base = [vkey for log, _, vkey in shown() if log == "0"]
    policy = installation / "policy"
    lines = [f"witness W{n} {vkey} http://127.0.0.1:{port}" for n, vkey in enumerate(keys)]
    policy.write_text("\n".join([*lines, "group W all W0 W1", "quorum W", ""]))
    monkeypatch.setenv("CONSENT_VAULT_LOG_POLICY", str(policy))
    for count in (3, 4):
        grow(count)
        with running_witness(folder, port, base), opened() as runtime:
            assert runtime.log_watch.witnessing.run_once(runtime.now()) == 1
            with runtime.ledger.read() as connection:
                note = latest_checkpoint(connection)
                assert runtime.log_watch.alarms(connection, runtime.now()) == ()
        verdict = parse_policy(policy.read_bytes()).judge(note or b"")
        assert verdict.quorum
        assert set(verdict.cosigned) == {"W0", "W1"}
