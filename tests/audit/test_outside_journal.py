"""The journal outside the database: on the disk before it returns, and every damage is found."""

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from audit.journal_line import JournalEntry, consent_over
from audit.outside_journal import Damage, Fault, JournalError, OutsideJournal
from policies.ids import ConsentId

KEY = bytes(range(32))
AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def entry(number: int) -> JournalEntry:
    return consent_over(ConsentId(UUID(int=number)), withdrawn=True, at=AT)


@pytest.fixture
def journal(tmp_path: Path) -> OutsideJournal:
    return OutsideJournal(tmp_path / "journal", KEY)


@pytest.fixture
def three(journal: OutsideJournal) -> OutsideJournal:
    journal.append([entry(1)])
    journal.append([entry(2), entry(3)])
    return journal


def lines(journal: OutsideJournal) -> list[bytes]:
    return journal.path.read_bytes().splitlines(keepends=True)


def told(journal: OutsideJournal) -> list[int]:
    return [each.id_at(0).int for each in journal.read().entries]


def test_a_journal_that_is_not_there_tells_nothing(journal: OutsideJournal) -> None:
    content = journal.read()
    assert (content.entries, content.faults) == ((), ())
    assert content.digest == sha256(b"").hexdigest()
    assert not journal.path.exists()


def test_what_is_appended_is_read_in_its_order(three: OutsideJournal) -> None:
    content = three.read()
    assert content.entries == (entry(1), entry(2), entry(3))
    assert content.faults == ()
    assert content.digest == sha256(three.path.read_bytes()).hexdigest()
    assert three.path.stat().st_mode & 0o777 == 0o600
    assert KEY.hex() not in repr(three)


def test_another_opening_of_the_file_goes_on_with_it(three: OutsideJournal) -> None:
    OutsideJournal(three.path, KEY).append([entry(4)])
    assert three.read().faults == ()
    assert told(three) == [1, 2, 3, 4]


def test_a_torn_last_line_is_told_and_the_next_one_follows_whole(three: OutsideJournal) -> None:
    three.path.write_bytes(three.path.read_bytes()[:-20])
    assert three.read().faults == (Fault(Damage.NO_LINE, 3),)
    three.append([entry(4)])
    assert told(three) == [1, 2, 4]
    # What a crash tore was never committed: nothing is missing before the line after it.
    assert three.read().faults == (Fault(Damage.NO_LINE, 3),)


def test_a_torn_first_line_does_not_stop_the_journal(journal: OutsideJournal) -> None:
    journal.append([entry(1)])
    journal.path.write_bytes(journal.path.read_bytes()[:50])
    journal.append([entry(2)])
    assert told(journal) == [2]
    assert journal.read().faults == (Fault(Damage.NO_LINE, 1),)


def test_a_line_that_lacks_its_newline_only_is_whole(three: OutsideJournal) -> None:
    three.path.write_bytes(three.path.read_bytes()[:-1])
    assert told(three) == [1, 2, 3]
    three.append([entry(4)])
    assert told(three) == [1, 2, 3, 4]
    assert three.read().faults == ()


def test_a_line_that_was_taken_out_is_missed(three: OutsideJournal) -> None:
    first, _, third = lines(three)
    three.path.write_bytes(first + third)
    assert told(three) == [1, 3]
    assert three.read().faults == (Fault(Damage.MISSING, 2),)


def test_lines_in_another_order_are_found(three: OutsideJournal) -> None:
    first, second, third = lines(three)
    three.path.write_bytes(second + first + third)
    assert sorted(told(three)) == [1, 2, 3]
    assert {each.damage for each in three.read().faults} == {Damage.MISSING}


def test_a_changed_line_does_not_count_and_the_others_do(three: OutsideJournal) -> None:
    first, second, third = lines(three)
    three.path.write_bytes(first + second.replace(b"withdrawn", b"withdrown") + third)
    assert told(three) == [1, 3]
    assert three.read().faults == (Fault(Damage.NO_LINE, 2), Fault(Damage.MISSING, 3))


def test_a_file_of_another_installation_is_neither_read_nor_written(three: OutsideJournal) -> None:
    before = three.path.read_bytes()
    other = OutsideJournal(three.path, bytes(32))
    assert other.read().entries == ()
    assert len(other.read().faults) == 3
    with pytest.raises(JournalError, match="no line in it is of this installation"):
        other.append([entry(4)])
    assert three.path.read_bytes() == before


def test_a_folder_that_is_not_there_is_told_with_the_repair(tmp_path: Path) -> None:
    journal = OutsideJournal(tmp_path / "nowhere" / "journal", KEY)
    with pytest.raises(JournalError, match=r"nowhere/journal: No such file.*operator\.md"):
        journal.append([entry(1)])


def test_a_journal_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    with pytest.raises(JournalError, match="Is a directory"):
        OutsideJournal(tmp_path / "journal", KEY).read()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / "journal").symlink_to("/dev/full")
    with pytest.raises(JournalError, match="No space left"):
        OutsideJournal(tmp_path / "journal", KEY).append([entry(1)])


def test_who_waits_too_long_for_another_process_gives_up(three: OutsideJournal) -> None:
    before = three.path.read_bytes()
    impatient = OutsideJournal(three.path, KEY, patience=0.05)
    with three.path.open("rb") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(JournalError, match="another process holds it"):
            impatient.append([entry(4)])
    assert three.path.read_bytes() == before
    impatient.append([entry(4)])
    assert told(three) == [1, 2, 3, 4]


def test_many_threads_write_one_unbroken_journal(journal: OutsideJournal) -> None:
    threads = [
        threading.Thread(target=OutsideJournal(journal.path, KEY).append, args=([entry(n)],))
        for n in range(24)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.read().faults == ()
    assert sorted(told(journal)) == [*range(24)]


_WRITER = """
import sys
from pathlib import Path
from tests.audit.test_outside_journal import KEY, OutsideJournal, entry
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 20):
    OutsideJournal(Path(sys.argv[1]), KEY).append([entry(number)])
"""


@pytest.fixture
def writers(journal: OutsideJournal) -> Iterator[list[subprocess.Popen[bytes]]]:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(journal.path), str(first)],
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
        for first in (100, 200)
    ]
    yield started
    for each in started:
        each.kill()
        each.wait()


def test_two_processes_write_one_unbroken_journal(
    journal: OutsideJournal, writers: list[subprocess.Popen[bytes]]
) -> None:
    assert [each.wait() for each in writers] == [0, 0]
    assert journal.read().faults == ()
    assert sorted(told(journal)) == [*range(100, 120), *range(200, 220)]


def test_the_journal_of_another_host_is_read_with_the_same_key(
    journal: OutsideJournal, three: OutsideJournal, tmp_path: Path
) -> None:
    assert OutsideJournal(tmp_path / "none", KEY).beside(three.path).read() == three.read()
    assert OutsideJournal(tmp_path / "none", bytes(32)).beside(three.path).read().faults
