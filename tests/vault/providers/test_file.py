"""The key folder and its provider: complete or absent, for the owner only, bound to context."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.vault import cobblestone
from vault.envelope import (
    ChangedError,
    MisplacedError,
    TruncatedError,
    join_parts,
)
from vault.keys import CurrentKeyError, NoKeyError, UnknownKeyError
from vault.providers.file import (
    FileKeyProvider,
    KeyFileError,
    KeyFolder,
    KeyPermissionsError,
)

DEK = bytes(range(32))


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return KeyFolder.open_or_create(tmp_path / "keys")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def pem(key: object) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined,no-any-return]  # any private key


def put(folder: KeyFolder, name: str, content: bytes, permissions: int = 0o600) -> Path:
    path = folder.path / name
    path.write_bytes(content)
    path.chmod(permissions)
    return path


def test_a_new_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    KeyFolder.open_or_create(tmp_path / "a" / "keys")
    assert mode(tmp_path / "a" / "keys") == 0o700


def test_a_new_secret_is_for_its_owner_only_and_leaves_nothing_beside_it(
    folder: KeyFolder,
) -> None:
    folder.secret("identifier-index")
    assert [path.name for path in folder.path.iterdir()] == ["identifier-index.secret"]
    assert mode(folder.path / "identifier-index.secret") == 0o600


def test_a_secret_stays_the_same(folder: KeyFolder) -> None:
    first = folder.secret("cookie")
    assert len(first) == 32
    assert KeyFolder.open_or_create(folder.path).secret("cookie") == first


def test_each_name_has_a_secret_of_its_own(folder: KeyFolder) -> None:
    assert folder.secret("one") != folder.secret("two")


def test_an_ed25519_key_stays_the_same(folder: KeyFolder) -> None:
    key = folder.private_key("log", "ed25519")
    assert pem(folder.private_key("log", "ed25519")) == pem(key)
    assert mode(folder.path / "log.pem") == 0o600


def test_a_p256_key_stays_the_same(folder: KeyFolder) -> None:
    key = folder.private_key("receipts", "p256")
    assert isinstance(key.curve, SECP256R1)
    assert pem(folder.private_key("receipts", "p256")) == pem(key)


@pytest.mark.parametrize("permissions", [0o750, 0o701, 0o770, 0o777, 0o1700])
def test_a_folder_that_is_open_to_others_is_refused_with_the_repair(
    tmp_path: Path, permissions: int
) -> None:
    path = tmp_path / "my keys"
    path.mkdir()
    path.chmod(permissions)
    with pytest.raises(KeyPermissionsError) as caught:
        KeyFolder.open_or_create(path)
    assert caught.value.repair == f"chmod 700 '{path}'"
    assert caught.value.repair in str(caught.value)


@pytest.mark.parametrize("permissions", [0o640, 0o604, 0o660, 0o700])
def test_a_secret_that_is_open_to_others_is_refused_with_the_repair(
    folder: KeyFolder, permissions: int
) -> None:
    folder.secret("cookie")
    path = folder.path / "cookie.secret"
    path.chmod(permissions)
    with pytest.raises(KeyPermissionsError) as caught:
        folder.secret("cookie")
    assert caught.value.path == path
    assert f"chmod 600 {path}" in str(caught.value)


def test_a_private_key_that_is_open_to_others_is_refused(folder: KeyFolder) -> None:
    folder.private_key("log", "ed25519")
    (folder.path / "log.pem").chmod(0o644)
    with pytest.raises(KeyPermissionsError):
        folder.private_key("log", "ed25519")


def test_narrower_permissions_are_accepted(folder: KeyFolder) -> None:
    first = folder.secret("cookie")
    (folder.path / "cookie.secret").chmod(0o400)
    assert folder.secret("cookie") == first


@pytest.mark.parametrize("length", [0, 31, 33, 5000])
def test_a_damaged_secret_is_an_error_and_is_not_replaced(folder: KeyFolder, length: int) -> None:
    path = put(folder, "cookie.secret", bytes(length))
    with pytest.raises(KeyFileError) as caught:
        folder.secret("cookie")
    assert caught.value.path == path
    assert path.stat().st_size == length


@pytest.mark.parametrize(
    "content",
    [
        b"not a key",
        Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")
        ),
        b"",
    ],
    ids=["no PEM", "encrypted", "empty"],
)
def test_a_file_that_is_no_plain_private_key_is_an_error(folder: KeyFolder, content: bytes) -> None:
    put(folder, "log.pem", content)
    with pytest.raises(KeyFileError, match="backup"):
        folder.private_key("log", "ed25519")


def test_a_key_of_another_kind_is_an_error(folder: KeyFolder) -> None:
    put(folder, "one.pem", pem(generate_private_key(SECP256R1())))
    put(folder, "two.pem", pem(Ed25519PrivateKey.generate()))
    put(folder, "three.pem", pem(generate_private_key(SECP384R1())))
    with pytest.raises(KeyFileError, match="kind ed25519"):
        folder.private_key("one", "ed25519")
    for name in ("two", "three"):
        with pytest.raises(KeyFileError, match="kind p256"):
            folder.private_key(name, "p256")


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", "a_b", "a.b", "-a", "a--b", "ä", "a\n"])
def test_a_name_that_could_lead_elsewhere_is_a_programming_error(
    folder: KeyFolder, name: str
) -> None:
    with pytest.raises(ValueError, match="name"):
        folder.secret(name)


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(FileExistsError):
        KeyFolder.open_or_create(tmp_path / "keys")


def test_many_who_start_at_once_get_the_same_secret(folder: KeyFolder) -> None:
    start, got = threading.Barrier(8), list[bytes]()

    def first_use() -> None:
        start.wait()
        got.append(KeyFolder(folder.path).secret("cookie"))

    threads = [threading.Thread(target=first_use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len(set(got)) == 1


def test_a_full_disk_leaves_no_half_written_key(folder: KeyFolder) -> None:
    script = (
        "import resource, sys; from pathlib import Path;"
        "from vault.providers.file import KeyFolder;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16));"
        "KeyFolder(Path(sys.argv[1])).secret('cookie')"
    )
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    done = run(script, folder.path)
    assert b"File too large" in done.communicate()[1]
    assert done.returncode == 1
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == limit
    assert list(folder.path.iterdir()) == []


def test_a_kill_at_any_moment_leaves_whole_keys_only(folder: KeyFolder) -> None:
    script = (
        "import sys; from pathlib import Path;"
        "from vault.providers.file import KeyFolder;"
        "folder = KeyFolder(Path(sys.argv[1]));"
        "print('ready', flush=True);"
        "[folder.secret(f'{sys.argv[2]}-{i}') for i in range(100000)]"
    )
    for round_ in range(5):
        maker = run(script, folder.path, str(round_))
        assert maker.stdout is not None
        maker.stdout.readline()
        time.sleep(0.02 + 0.011 * round_)
        maker.send_signal(signal.SIGKILL)
        maker.communicate()
    found = list(folder.path.glob("[!.]*.secret"))
    assert found
    assert all(path.stat().st_size == 32 for path in found)
    assert all(mode(path) == 0o600 for path in folder.path.iterdir())


def run(script: str, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_the_provider_is_the_same_after_a_restart(tmp_path: Path) -> None:
    blob = FileKeyProvider.open_or_create(tmp_path / "keys").wrap(DEK, b"context")
    assert FileKeyProvider.open_or_create(tmp_path / "keys").unwrap(blob, b"context") == DEK
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["kek-00000001.secret"]


def test_a_wrapped_key_names_format_and_key_and_has_the_length_of_its_format() -> None:
    key = os.urandom(32)
    blob = FileKeyProvider({258: key}).wrap(DEK, b"context")
    assert blob[:5] == bytes.fromhex("0100000102")
    assert len(blob) == 109
    assert cobblestone.unseal(key, join_parts(blob[:5], b"context"), blob[5:]) == DEK


def test_the_newest_key_wraps_and_the_older_ones_still_open(folder: KeyFolder) -> None:
    old = FileKeyProvider.open_or_create(folder.path)
    blob = old.wrap(DEK, b"")
    folder.secret("kek-00000002")
    both = FileKeyProvider.open_or_create(folder.path)
    assert both.key_id == "file:2"
    assert both.unwrap(blob, b"") == DEK
    assert both.wrap(DEK, b"")[:5] == bytes.fromhex("0100000002")


def test_other_secrets_are_not_taken_for_key_encryption_keys(folder: KeyFolder) -> None:
    folder.secret("kek-old")
    folder.secret("identifier-index")
    assert FileKeyProvider.open_or_create(folder.path).key_id == "file:1"


def test_a_key_that_is_not_there_is_named(folder: KeyFolder) -> None:
    blob = FileKeyProvider({7: os.urandom(32)}).wrap(DEK, b"")
    with pytest.raises(UnknownKeyError, match="file:7") as caught:
        FileKeyProvider.open_or_create(folder.path).unwrap(blob, b"")
    assert caught.value.key_id == "file:7"


def test_another_key_under_the_same_number_does_not_open() -> None:
    blob = FileKeyProvider({1: os.urandom(32)}).wrap(DEK, b"")
    with pytest.raises(MisplacedError):
        FileKeyProvider({1: os.urandom(32)}).unwrap(blob, b"")


def test_a_renumbered_blob_does_not_open_under_the_same_key() -> None:
    key = os.urandom(32)
    blob = FileKeyProvider({1: key}).wrap(DEK, b"")
    with pytest.raises(MisplacedError):
        FileKeyProvider({2: key}).unwrap(blob[:4] + b"\x02" + blob[5:], b"")


@pytest.mark.parametrize("length", [0, 4, 5, 76])
def test_a_short_blob_is_named_truncated(length: int) -> None:
    provider = FileKeyProvider({1: os.urandom(32)})
    with pytest.raises(TruncatedError):
        provider.unwrap(provider.wrap(DEK, b"")[:length], b"")


def test_a_changed_blob_is_found() -> None:
    provider = FileKeyProvider({1: os.urandom(32)})
    blob = provider.wrap(DEK, b"")
    with pytest.raises(ChangedError):
        provider.unwrap(blob[:-1] + bytes([blob[-1] ^ 1]), b"")


def test_a_damaged_key_encryption_key_stops_the_start(folder: KeyFolder) -> None:
    put(folder, "kek-00000001.secret", b"short")
    with pytest.raises(KeyFileError, match="backup"):
        FileKeyProvider.open_or_create(folder.path)


def test_a_new_generation_wraps_and_the_older_one_still_opens(folder: KeyFolder) -> None:
    provider = FileKeyProvider.open_or_create(folder.path)
    blob = provider.wrap(DEK, b"")
    assert provider.key_ids() == ("file:1",)
    assert provider.add_key() == "file:2"
    assert provider.key_id == "file:2"
    assert provider.key_ids() == ("file:1", "file:2")
    assert provider.wrapped_under(provider.wrap(DEK, b"")) == "file:2"
    assert provider.unwrap(blob, b"") == DEK
    assert mode(folder.path / "kek-00000002.secret") == 0o600


def test_a_running_process_takes_up_the_generation_that_another_one_added(
    folder: KeyFolder,
) -> None:
    running, other = (FileKeyProvider.open_or_create(folder.path) for _ in range(2))
    other.add_key()
    assert running.unwrap(other.wrap(DEK, b""), b"") == DEK
    assert running.wrapped_under(running.wrap(DEK, b"")) == "file:2"
    assert running.key_ids() == ("file:1", "file:2")


def test_a_running_process_never_wraps_under_a_key_that_another_one_destroyed(
    folder: KeyFolder,
) -> None:
    running, other = (FileKeyProvider.open_or_create(folder.path) for _ in range(2))
    other.add_key()
    other.destroy("file:1")
    assert running.key_id == "file:2"
    assert running.wrapped_under(running.wrap(DEK, b"")) == "file:2"


def test_two_processes_that_add_at_once_have_the_same_key(folder: KeyFolder) -> None:
    one, other = (FileKeyProvider.open_or_create(folder.path) for _ in range(2))
    start = threading.Barrier(2)

    def add(provider: FileKeyProvider) -> None:
        start.wait()
        provider.add_key()

    threads = [threading.Thread(target=add, args=[each]) for each in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.key_id == other.key_id
    assert other.unwrap(one.wrap(DEK, b""), b"") == DEK


def test_what_was_wrapped_under_a_destroyed_key_never_opens_again(folder: KeyFolder) -> None:
    provider = FileKeyProvider.open_or_create(folder.path)
    blob = provider.wrap(DEK, b"")
    provider.add_key()
    provider.destroy("file:1")
    assert provider.key_ids() == ("file:2",)
    assert not (folder.path / "kek-00000001.secret").exists()
    assert provider.wrapped_under(blob) == "file:1"
    for opened in (provider, FileKeyProvider.open_or_create(folder.path)):
        with pytest.raises(UnknownKeyError, match="file:1"):
            opened.unwrap(blob, b"")


def test_the_key_that_wraps_is_not_destroyed(folder: KeyFolder) -> None:
    provider = FileKeyProvider.open_or_create(folder.path)
    with pytest.raises(CurrentKeyError, match="another key first") as caught:
        provider.destroy("file:1")
    assert caught.value.key_id == "file:1"
    provider.add_key()
    with pytest.raises(CurrentKeyError):
        provider.destroy("file:2")
    assert provider.key_ids() == ("file:1", "file:2")


@pytest.mark.parametrize("key_id", ["file:9", "pkcs11:1", "1", "", "file:01", "../kek"])
def test_a_key_that_is_not_there_cannot_be_destroyed(folder: KeyFolder, key_id: str) -> None:
    provider = FileKeyProvider.open_or_create(folder.path)
    provider.add_key()
    with pytest.raises(UnknownKeyError):
        provider.destroy(key_id)
    assert provider.key_ids() == ("file:1", "file:2")


def test_a_destroyed_secret_is_overwritten_before_it_is_removed(folder: KeyFolder) -> None:
    secret = folder.secret("kek-00000001")
    with (folder.path / "kek-00000001.secret").open("rb") as still_open:
        folder.destroy("kek-00000001")
        assert still_open.read() != secret
    folder.destroy("kek-00000001")


def test_keys_that_vanish_under_a_running_process_are_not_made_anew(folder: KeyFolder) -> None:
    provider = FileKeyProvider.open_or_create(folder.path)
    (folder.path / "kek-00000001.secret").unlink()
    with pytest.raises(NoKeyError, match="backup"):
        provider.wrap(DEK, b"")
    assert list(folder.path.iterdir()) == []


def test_a_key_that_is_destroyed_while_the_folder_is_read_is_not_made_anew(
    folder: KeyFolder,
) -> None:
    folder.secret("kek-00000001")
    assert folder.existing_secret("kek-00000002") is None
    assert folder.numbers("kek") == {1}
    assert list(folder.numbered_secrets("kek")) == [1]


def test_keys_in_memory_only_have_generations_too() -> None:
    provider = FileKeyProvider({1: os.urandom(32)})
    blob = provider.wrap(DEK, b"")
    assert provider.add_key() == "file:2"
    assert provider.unwrap(blob, b"") == DEK
    provider.destroy("file:1")
    with pytest.raises(UnknownKeyError):
        provider.unwrap(blob, b"")


def test_a_header_says_its_key_whether_it_is_here_or_not() -> None:
    provider = FileKeyProvider({1: os.urandom(32)})
    assert provider.wrapped_under(bytes.fromhex("01ffffffff")) == "file:4294967295"


def test_the_repr_of_a_provider_hides_its_keys() -> None:
    key = os.urandom(32)
    shown = repr(FileKeyProvider({1: key}))
    assert shown == "FileKeyProvider(file:1, keys hidden)"
    assert repr(key)[2:-1] not in shown
