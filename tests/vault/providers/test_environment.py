"""Keys out of a secret of the environment: strictly read, never changed, and refused when seen."""

import itertools
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.keys import KeyWrapper
from vault.envelope import MisplacedError
from vault.keys import CurrentKeyError, KeyProvider, OutsideKeysError, UnknownKeyError
from vault.providers.environment import (
    EnvironmentKeyProvider,
    KeySecretsError,
    LeakedSecretError,
    parse_secrets,
)
from vault.providers.file import FileKeyProvider

DEK = bytes(range(32))


def entry(number: int | str, key: bytes | None = None) -> str:
    return f"{number}:{b64encode(key or os.urandom(32)).decode()}"


def test_the_secret_serves_the_vault_and_the_log() -> None:
    opened = EnvironmentKeyProvider.open(entry(1))
    for_the_vault: KeyProvider = opened
    for_the_log: KeyWrapper = opened
    assert for_the_log.unwrap(for_the_vault.wrap(DEK, b"context"), b"context") == DEK


def test_the_highest_number_wraps_and_all_of_them_open() -> None:
    first, second = entry(1), entry(20)
    blob = EnvironmentKeyProvider.open(first).wrap(DEK, b"")
    both = EnvironmentKeyProvider.open(f"{second},{first}")
    assert both.key_id == "environment:20"
    assert both.key_ids() == ("environment:1", "environment:20")
    assert both.unwrap(blob, b"") == DEK
    assert both.wrapped_under(both.wrap(DEK, b"")) == "environment:20"
    with pytest.raises(UnknownKeyError, match="environment:1"):
        EnvironmentKeyProvider.open(second).unwrap(blob, b"")


def test_another_key_under_the_same_number_does_not_open() -> None:
    blob = EnvironmentKeyProvider.open(entry(1)).wrap(DEK, b"")
    with pytest.raises(MisplacedError):
        EnvironmentKeyProvider.open(entry(1)).unwrap(blob, b"")


def test_a_key_file_can_become_a_secret_as_it_is() -> None:
    key = os.urandom(32)
    blob = FileKeyProvider({1: key}).wrap(DEK, b"")
    assert EnvironmentKeyProvider.open(entry(1, key)).unwrap(blob, b"") == DEK


@pytest.mark.parametrize(
    "secret",
    [
        "",
        ",",
        "1",
        "1:",
        entry(0),
        entry("01"),
        entry("-1"),
        entry("١"),
        entry("1234567890"),
        " " + entry(1),
        entry(1) + "\n",
        entry(1) + ",",
        entry(1) + ";" + entry(2),
        entry(1, os.urandom(31)),
        entry(1, os.urandom(33)),
        entry(1, os.urandom(16)),
        entry(1)[:-1],
        "1:" + "A" * 42 + "B=",
        entry(1, bytes(32)),
        entry(1, b"password" * 4),
        entry(1) + "," + entry(1),
    ],
    ids=itertools.count(),  # the secrets are drawn anew in each process
)
def test_anything_but_a_list_of_numbered_random_keys_is_refused(secret: str) -> None:
    with pytest.raises(KeySecretsError) as caught:
        parse_secrets(secret)
    shown = str(caught.value)
    assert "entry" in shown
    assert all(part not in shown for part in secret.split(":") if len(part) > 10)


@pytest.mark.parametrize("place", [1, 2, 3])
def test_the_entry_at_fault_is_named(place: int) -> None:
    entries = [entry(number) for number in (1, 2, 3)]
    entries[place - 1] = "x"
    with pytest.raises(KeySecretsError, match=f"entry {place}"):
        parse_secrets(",".join(entries))


def test_the_keys_are_changed_from_outside_only() -> None:
    provider = EnvironmentKeyProvider.open(f"{entry(1)},{entry(2)}")
    with pytest.raises(OutsideKeysError, match="3:"):
        provider.add_key()
    with pytest.raises(OutsideKeysError, match="environment:1"):
        provider.destroy("environment:1")
    with pytest.raises(CurrentKeyError):
        provider.destroy("environment:2")
    with pytest.raises(UnknownKeyError):
        provider.destroy("environment:3")
    assert provider.key_ids() == ("environment:1", "environment:2")


@pytest.fixture
def shown() -> Iterator[tuple[str, int]]:
    """A secret that stands in the command line of a process, and which process that is."""
    secret = entry(1)
    script = "import sys; print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, f"KEY_SECRETS={entry(2)},{secret}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield secret, process.pid
        process.communicate()


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc here")
def test_a_secret_in_a_command_line_is_refused_with_the_process(shown: tuple[str, int]) -> None:
    secret, process = shown
    with pytest.raises(LeakedSecretError, match=f"process {process}") as caught:
        EnvironmentKeyProvider.open(f"{secret},{entry(3)}")
    assert caught.value.process == process
    assert secret not in str(caught.value)


def test_processes_that_end_or_hide_meanwhile_hold_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()  # its command line is gone
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "cmdline").write_bytes(b"sh\0-c\0true\0")
    EnvironmentKeyProvider.open(entry(1), processes=tmp_path)
    EnvironmentKeyProvider.open(entry(1), processes=tmp_path / "nothing")


def test_the_repr_hides_the_keys() -> None:
    secret = entry(4)
    shown = repr(EnvironmentKeyProvider.open(secret))
    assert shown == "EnvironmentKeyProvider(environment:4, keys hidden)"
