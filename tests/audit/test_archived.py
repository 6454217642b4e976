"""An export of a log of which a part is archived: the same to the byte, or told where it stands."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Delete, delete

from audit.archive import (
    ArchiveError,
    part_before,
    read_events,
    retire,
    take_out,
    write_archive,
)
from audit.archive_files import events_path, pack
from audit.archived import ArchivedEntriesError
from audit.bundle import write_bundle
from audit.model import SYSTEM
from audit.sequencer import Sequencer
from audit.store import tables
from audit.tiles import TileName
from audit.tree import TreeDamagedError
from audit.unit_of_work import Ledger, begin
from audit.verify import verify_bundle
from tests.audit.sample import LOG, NOW, record, signers
from tests.unguarded import unguard

NEXT = "2027h1"
LATER = datetime(2027, 1, 1, tzinfo=UTC)
EVENT, LEAF = tables.event, tables.leaf


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    made = tmp_path / "archive"
    made.mkdir()
    return made


@pytest.fixture
def log(ledger: Ledger, sequencer: Sequencer) -> Ledger:
    """600 events of one half-year, signed at 300 too, and 300 of the next."""
    for count, now in ((300, NOW), (300, NOW), (300, LATER)):
        record(ledger, count, now=now)
        sequencer.run_once(now)
    return ledger


def exported(
    ledger: Ledger, archive: Path | None = None, *, log: str = LOG, size: int | None = None
) -> bytes:
    with ledger.read() as connection:
        return write_bundle(
            connection, ledger, signers=signers(), log=log, size=size, archive=archive
        )


def remove(ledger: Ledger, *gone: Delete) -> None:
    with ledger.engine.begin() as connection:
        for table in ("audit_event", "audit_leaf"):
            unguard(connection, table)
        for each in gone:
            connection.execute(each)


def prune(ledger: Ledger, archive: Path, log: str, index: int) -> None:
    with ledger.read() as connection:
        made = write_archive(connection, part_before(connection, log, index), archive)
    with begin(ledger, actor=SYSTEM, now=LATER + timedelta(days=200)) as uow:
        retire(uow, made)
        take_out(uow, made)


@pytest.fixture
def pruned(log: Ledger, archive: Path) -> Ledger:
    """The first half-year as it is when its partitions are gone: only its last leaves stay."""
    prune(log, archive, LOG, 600)
    remove(
        log,
        delete(LEAF).where(LEAF.c.log == LOG, LEAF.c.index < 512),
        delete(EVENT).where(EVENT.c.number <= 600),
    )
    return log


def test_it_is_named_what_stands_in_the_archive(pruned: Ledger) -> None:
    with pytest.raises(ArchivedEntriesError, match="2026h2: entries below 600 stand in") as error:
        exported(pruned)
    assert (error.value.log, error.value.minimum) == (LOG, 600)


def test_the_rest_of_the_logs_needs_no_archive(pruned: Ledger) -> None:
    assert verify_bundle(exported(pruned, log=NEXT)).size == 301


@pytest.mark.parametrize("size", [300, 600])
def test_with_the_archive_the_export_is_the_one_from_before(
    log: Ledger, archive: Path, size: int
) -> None:
    before = exported(log, size=size)
    prune(log, archive, LOG, 600)
    assert exported(log, size=size) == before  # what is here still needs no archive
    remove(
        log,
        delete(LEAF).where(LEAF.c.log == LOG, LEAF.c.index < 512),
        delete(EVENT).where(EVENT.c.number <= 600),
    )
    assert exported(log, archive, size=size) == before
    assert verify_bundle(before).size == size


def test_a_later_log_begins_with_its_link_in_the_archive_too(log: Ledger, archive: Path) -> None:
    before = exported(log, log=NEXT)
    prune(log, archive, NEXT, 256)
    remove(
        log,
        delete(LEAF).where(LEAF.c.log == NEXT, LEAF.c.index < 256),
        delete(EVENT).where(EVENT.c.number > 600, EVENT.c.number < 800),
    )
    assert exported(log, archive, log=NEXT) == before


def test_what_is_missing_above_the_minimum_index_is_damage(log: Ledger, archive: Path) -> None:
    prune(log, archive, NEXT, 256)
    remove(log, delete(LEAF).where(LEAF.c.log == NEXT, LEAF.c.index == 300))
    with pytest.raises(TreeDamagedError):
        exported(log, archive, log=NEXT)


@pytest.mark.parametrize("name", [f"{LOG}/tile/entries/000.gz", f"{LOG}/events/001.jsonl.gz"])
@pytest.mark.parametrize("how", ["gone", "cut"])
def test_an_archive_that_is_not_whole_is_named(
    pruned: Ledger, archive: Path, name: str, how: str
) -> None:
    if how == "gone":
        (archive / name).unlink()
    else:
        (archive / name).write_bytes((archive / name).read_bytes()[:-9])
    with pytest.raises(ArchiveError) as error:
        exported(pruned, archive)
    assert error.value.place == name


def test_an_archived_event_must_be_that_of_its_leaf(pruned: Ledger, archive: Path) -> None:
    name = TileName(None, 0)
    lines = [str(each) for each in read_events(archive, LOG, name)]
    lines[3] = lines[4].replace('"index":4', '"index":3')
    (archive / events_path(LOG, name)).write_bytes(pack("".join(lines).encode()))
    with pytest.raises(ArchiveError, match=r"000\.jsonl\.gz: not the events of the entries"):
        exported(pruned, archive)


def test_archived_entries_must_be_those_of_the_log(pruned: Ledger, archive: Path) -> None:
    first, second = (archive / LOG / f"tile/entries/00{i}.gz" for i in (0, 1))
    first.write_bytes(second.read_bytes())
    with pytest.raises(ArchiveError, match=r"000\.gz: not the entries of the log"):
        exported(pruned, archive)


def test_no_archived_event_may_be_missing(pruned: Ledger, archive: Path) -> None:
    name = TileName(None, 0)
    lines = [str(each) for each in read_events(archive, LOG, name)]
    (archive / events_path(LOG, name)).write_bytes(pack("".join(lines[1:]).encode()))
    with pytest.raises(ArchiveError, match="an event is missing"):
        exported(pruned, archive)
