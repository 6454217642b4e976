"""The copy outside the database: it only moves forward, whole, and refuses what is not ours."""

import threading
from pathlib import Path

import pytest

from audit.outside_copy import OutsideCopy, OutsideCopyError
from tests.audit.growing import GrowingLog

LOG = GrowingLog()


@pytest.fixture
def copy(tmp_path: Path) -> OutsideCopy:
    return OutsideCopy(tmp_path / "checkpoint")


def test_there_is_none_at_first(copy: OutsideCopy) -> None:
    assert copy.read() is None


def test_it_moves_forward_and_reads_back_as_it_was_signed(copy: OutsideCopy) -> None:
    for size in (1, 2, 7, 7):
        assert copy.advance(LOG.note(size))
        assert copy.read() == LOG.note(size)
    assert copy.path.stat().st_mode & 0o777 == 0o600


def test_it_never_moves_back(copy: OutsideCopy) -> None:
    copy.advance(LOG.note(7))
    assert not copy.advance(LOG.note(6))
    assert copy.read() == LOG.note(7)


@pytest.mark.parametrize("later", ["2026h2b", "2027h1"])
def test_a_later_log_follows_whatever_its_size_and_the_older_one_never_comes_back(
    copy: OutsideCopy, later: str
) -> None:
    copy.advance(LOG.note(7))
    assert copy.advance(LOG.note(1, log=later))
    assert not copy.advance(LOG.note(9))
    assert copy.read() == LOG.note(1, log=later)


def test_another_tree_of_the_same_size_is_refused_and_changes_nothing(copy: OutsideCopy) -> None:
    copy.advance(LOG.note(7))
    with pytest.raises(OutsideCopyError, match="same size"):
        copy.advance(GrowingLog("two").note(7))
    assert copy.read() == LOG.note(7)


@pytest.mark.parametrize(
    "content", [b"", b"nothing", LOG.note(7)[:60], LOG.note(7).replace(b"\n7\n", b"\nseven\n")]
)
def test_a_file_that_is_no_checkpoint_is_refused_by_name(copy: OutsideCopy, content: bytes) -> None:
    copy.path.write_bytes(content)
    for use in (copy.read, lambda: copy.advance(LOG.note(8))):
        with pytest.raises(OutsideCopyError, match=r"checkpoint: not a signed .*operator\.md"):
            use()
    assert copy.path.read_bytes() == content


def test_of_many_writers_the_newest_checkpoint_stays(copy: OutsideCopy) -> None:
    sizes = [*range(1, 17)]
    threads = [
        threading.Thread(target=OutsideCopy(copy.path).advance, args=(LOG.note(size),))
        for size in sizes
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert copy.read() == LOG.note(16)
    left = sorted(path.name for path in copy.path.parent.iterdir())
    assert left == ["checkpoint", "checkpoint.lock"]


def test_a_copy_that_cannot_be_written_leaves_the_old_one_and_no_draft(copy: OutsideCopy) -> None:
    copy.advance(LOG.note(7))
    copy.path.unlink()
    copy.path.mkdir()  # nothing can be put in its place
    with pytest.raises(OSError, match="directory"):
        copy._write(LOG.note(8))
    assert sorted(path.name for path in copy.path.parent.iterdir()) == [
        "checkpoint", "checkpoint.lock",
    ]  # fmt: skip
