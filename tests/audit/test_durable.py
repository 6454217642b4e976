"""Files that are there whole or not at all."""

from pathlib import Path

import pytest

from audit.durable import private_file, sync_folder


def test_a_file_is_there_after_its_block_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with private_file(path) as file:
        file.write(b"after")
        assert path.read_bytes() == b"before"
    sync_folder(tmp_path)
    assert path.read_bytes() == b"after"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def fail_in_the_middle(path: Path) -> None:
    with private_file(path) as file:
        file.write(b"half")
        raise OSError("no room")


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with pytest.raises(OSError, match="no room"):
        fail_in_the_middle(path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_no_folder_is_refused_before_its_block(tmp_path: Path) -> None:
    reached = False
    with pytest.raises(FileNotFoundError), private_file(tmp_path / "none" / "file"):
        reached = True
    assert not reached


def test_a_folder_that_is_not_there_cannot_be_synced(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "none")
