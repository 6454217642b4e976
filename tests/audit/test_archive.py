"""The archive: whole, read back, never changed, and what it holds still proves."""

import gzip
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from audit.archive import (
    ArchiveError,
    Part,
    check_archive,
    part_before,
    parts_before,
    read_entries,
    read_events,
    retire,
    take_out,
    write_archive,
)
from audit.archive_files import ArchivedEvent, ArchiveFileError
from audit.checkpoint import open_checkpoint
from audit.disclosure import commitment, leaf, split_digests
from audit.merkle import ProofError
from audit.model import SYSTEM
from audit.partitions import tend
from audit.proofs import (
    entries_bundle,
    inclusion,
    latest_checkpoint,
    minimum_index,
    named_tile,
    tile,
)
from audit.sequencer import Sequencer
from audit.store.archive import PartitionInUseError
from audit.tiles import TileName
from audit.tree import StoredTree
from audit.unit_of_work import Ledger, begin
from policies.ids import EventId
from tests.audit.checking import check_log
from tests.audit.faulty import run, unguard
from tests.audit.sample import LOG, NOW, record, signers
from tests.proving import proof_at, proven

NEXT = "2027h1"
LATER = datetime(2027, 1, 1, tzinfo=UTC)
BUNDLE = TileName(None, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An archive on a disk of its own."""
    made = tmp_path / "archive"
    made.mkdir()
    return made


@pytest.fixture
def ids(ledger: Ledger, sequencer: Sequencer) -> list[EventId]:
    """600 events of one half-year, and 300 of the next."""
    placed = []
    for count, now in ((300, NOW), (300, NOW + timedelta(days=3)), (300, LATER)):
        placed += record(ledger, count, now=now)
        sequencer.run_once(now)
    return placed


def archived(ledger: Ledger, log: str, index: int, folder: Path) -> Part:
    with ledger.read() as connection:
        part = part_before(connection, log, index)
        write_archive(connection, part, folder)
    return part


def entry_of(event: ArchivedEvent) -> bytes:
    return leaf(commitment(event.event_id, split_digests(event.digests)))


def test_whole_tiles_are_archived_and_a_closed_log_to_its_end(
    ledger: Ledger, ids: list[EventId]
) -> None:
    with ledger.read() as connection:
        assert part_before(connection, LOG, 300) == Part(LOG, 0, 256)
        assert part_before(connection, LOG, 599) == Part(LOG, 0, 512)
        assert part_before(connection, LOG, 600) == Part(LOG, 0, 600)
        assert part_before(connection, NEXT, 301) == Part(NEXT, 0, 256)
        for index in (255, 601):
            with pytest.raises(ArchiveError):
                part_before(connection, LOG, index)
        with pytest.raises(ArchiveError):
            part_before(connection, "2020h1", 256)


def test_a_day_means_what_was_signed_before_it(ledger: Ledger, ids: list[EventId]) -> None:
    with ledger.read() as connection:
        assert parts_before(connection, NOW) == []
        assert parts_before(connection, NOW + timedelta(days=1)) == [Part(LOG, 0, 256)]
        assert parts_before(connection, LATER) == [Part(LOG, 0, 600)]
        assert parts_before(connection, LATER + timedelta(days=1)) == [
            Part(LOG, 0, 600),
            Part(NEXT, 0, 256),
        ]


def test_the_files_are_those_of_tiles_and_hold_what_was_stored(
    ledger: Ledger, ids: list[EventId], folder: Path
) -> None:
    archived(ledger, LOG, 600, folder)
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    bundles = ["000", "001", "002.p/88"]
    assert names == sorted(
        [
            f"{LOG}/archive-0-600",
            f"{LOG}/checkpoint-600",
            *(f"{LOG}/tile/0/{each}" for each in bundles),
            *(f"{LOG}/tile/entries/{each}.gz" for each in bundles),
            *(f"{LOG}/events/{each}.jsonl.gz" for each in bundles),
        ]
    )
    with ledger.read() as connection:
        served = entries_bundle(connection, 1, log=LOG)
        assert (folder / LOG / "tile/0/001").read_bytes() == tile(connection, 0, 1, log=LOG)
    assert gzip.decompress((folder / LOG / "tile/entries/001.gz").read_bytes()) == served
    events = read_events(folder, LOG, BUNDLE)
    assert [each.event_id for each in events] == ids[:256]
    assert list(map(entry_of, events)) == read_entries(folder, LOG, BUNDLE)
    assert all((folder / name).stat().st_mode & 0o077 == 0 for name in names)


def test_the_list_is_one_that_sha256sum_reads(
    ledger: Ledger, ids: list[EventId], folder: Path
) -> None:
    archived(ledger, LOG, 300, folder)
    lines = (folder / LOG / "archive-0-256").read_text().splitlines()
    assert len(lines) == 4
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_a_second_run_changes_nothing_and_goes_on(
    ledger: Ledger, ids: list[EventId], folder: Path
) -> None:
    archived(ledger, LOG, 300, folder)
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
    archived(ledger, LOG, 300, folder)
    archived(ledger, LOG, 600, folder)
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_the_link_of_a_log_is_an_entry_without_an_event(
    ledger: Ledger, ids: list[EventId], folder: Path
) -> None:
    archived(ledger, NEXT, 256, folder)
    assert len(read_entries(folder, NEXT, BUNDLE)) == 256
    events = read_events(folder, NEXT, BUNDLE)
    assert [each.index for each in events] == list(range(1, 256))


FILES = (f"{LOG}/tile/0/000", f"{LOG}/tile/entries/000.gz", f"{LOG}/events/000.jsonl.gz")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ["flipped", "cut", "removed", "of another tile"])
def test_an_archive_that_is_not_what_was_written_is_named(
    ledger: Ledger, ids: list[EventId], folder: Path, name: str, how: str
) -> None:
    part = archived(ledger, LOG, 512, folder)
    path = folder / name
    content = path.read_bytes()
    match how:
        case "flipped":
            place = len(content) // 2
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        case "cut":
            path.write_bytes(content[:-9])
        case "removed":
            path.unlink()
        case _:
            path.write_bytes((folder / name.replace("000", "001")).read_bytes())
    with ledger.read() as connection, pytest.raises(ArchiveError) as error:
        check_archive(connection, part, folder)
    assert error.value.place == name


def repacked(path: Path, lines: list[str]) -> None:
    path.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))


def test_events_that_are_missing_or_exchanged_are_named(
    ledger: Ledger, ids: list[EventId], folder: Path
) -> None:
    part = archived(ledger, LOG, 256, folder)
    path = folder / FILES[2]
    lines = [str(each) for each in read_events(folder, LOG, BUNDLE)]
    swapped = [lines[0].replace('"index":0', '"index":1'), *lines[2:]]
    outside = [*lines[:-1], lines[-1].replace('"index":255', '"index":256')]
    for altered, reason in (
        (lines[:-1], "missing"),
        (swapped, "not the events of the entries"),
        (outside, "other entries"),
        ([lines[1], lines[0], *lines[2:]], "other entries"),
        ([*lines[:-1], lines[-1].replace(":", ": ")], "not the events of a log"),
        ([*lines[:-1], "ä\n"], "not the events of a log"),
    ):
        repacked(path, altered)
        with ledger.read() as connection, pytest.raises(ArchiveError, match=reason):
            check_archive(connection, part, folder)


def test_entries_that_are_no_bundle_are_named(
    ledger: Ledger, ids: list[EventId], folder: Path
) -> None:
    part = archived(ledger, LOG, 256, folder)
    (folder / FILES[1]).write_bytes(gzip.compress(b"\x00", mtime=0))
    with ledger.read() as connection, pytest.raises(ArchiveError, match="not a bundle"):
        check_archive(connection, part, folder)


@pytest.mark.parametrize("name", FILES[1:])
def test_what_cannot_be_unpacked_is_named(
    ledger: Ledger, ids: list[EventId], folder: Path, name: str
) -> None:
    part = archived(ledger, LOG, 256, folder)
    head = gzip.compress(b"", mtime=0)[:10]
    for content in (b"", b"no gzip", head, head + b"\xff" * 20):  # there is no such block of data
        (folder / name).write_bytes(content)
        with ledger.read() as connection, pytest.raises(ArchiveError) as error:
            check_archive(connection, part, folder)
        assert error.value.place == name


@pytest.mark.parametrize("line", ["", "{}\n", "[]\n", '{"index":1}\n', "1e999\n", "[" * 100_000])
def test_a_line_that_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ArchiveFileError):
        ArchivedEvent.parse(line)


def test_an_archive_is_never_written_over(ledger: Ledger, ids: list[EventId], folder: Path) -> None:
    archived(ledger, LOG, 256, folder)
    (folder / FILES[1]).write_bytes(b"something else")
    with pytest.raises(ArchiveError, match="stands there already"):
        archived(ledger, LOG, 512, folder)


def test_a_damaged_log_is_not_archived(ledger: Ledger, ids: list[EventId], folder: Path) -> None:
    unguard(ledger.engine, "audit_checkpoint")
    run(
        ledger.engine,
        f"UPDATE audit_checkpoint SET root = leaf_hash FROM audit_leaf WHERE"
        f" size = 600 AND audit_checkpoint.log = '{LOG}' AND \"index\" = 1",
    )
    with pytest.raises(ArchiveError, match="not the signed one"):
        archived(ledger, LOG, 512, folder)
    assert not list(folder.iterdir())


def test_a_log_without_a_checkpoint_is_not_archived(ledger: Ledger, folder: Path) -> None:
    with ledger.read() as connection, pytest.raises(ArchiveError, match="no checkpoint"):
        write_archive(connection, Part(LOG, 0, 256), folder)


def pruned(ledger: Ledger, log: str, index: int, folder: Path) -> list[str]:
    with ledger.read() as connection:
        made = write_archive(connection, part_before(connection, log, index), folder)
    with begin(ledger, actor=SYSTEM, now=LATER + timedelta(days=200)) as uow:
        retire(uow, made)
        return take_out(uow, made)


def test_below_the_minimum_index_entries_come_from_the_archive_and_proofs_from_the_log(
    ledger: Ledger, ids: list[EventId], folder: Path
) -> None:
    pruned(ledger, LOG, 600, folder)
    with ledger.read() as connection:
        assert minimum_index(connection, log=LOG) == 600
        assert minimum_index(connection, log=NEXT) == 0
        for name in (TileName(None, 0), TileName(None, 2, 88)):
            assert named_tile(connection, name, log=LOG) is None
        assert named_tile(connection, TileName(0, 0), log=LOG) is not None
        assert entries_bundle(connection, 0, log=NEXT) is not None
        verifiers = [signers().note_signers(LOG)[0].verifier]
        for name in Part(LOG, 0, 600).bundles():
            for event in read_events(folder, LOG, name)[::50]:
                proof = proof_at(connection, LOG, event.index)
                checkpoint = proven(proof, entry_of(event), verifiers)
                assert checkpoint.size == 600
                assert ids[event.index] == event.event_id
        with pytest.raises(ProofError):
            proof_at(connection, LOG, 600)


def test_the_next_archive_begins_where_the_last_one_ended(
    ledger: Ledger, ids: list[EventId], folder: Path
) -> None:
    pruned(ledger, LOG, 300, folder)
    with ledger.read() as connection:
        assert part_before(connection, LOG, 600) == Part(LOG, 256, 600)
        with pytest.raises(ArchiveError):
            part_before(connection, LOG, 300)


@pytest.fixture
def postgresql(engine: Engine) -> Engine:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no partitions")
    return engine


def fill(ledger: Ledger, sequencer: Sequencer, *batches: tuple[int, datetime]) -> list[EventId]:
    placed = []
    for count, now in batches:
        with ledger.engine.begin() as connection:
            tend(connection, now, step=256)
        placed += record(ledger, count, now=now)
        sequencer.run_once(now)
    with ledger.engine.begin() as connection:
        tend(connection, now, step=256)
    return placed


def tables(ledger: Ledger, name: str) -> list[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename"
    with ledger.read() as connection:
        found = connection.execute(text(f"{query} LIKE '{name}%' ORDER BY 1")).scalars()
        return list(found)


def test_partitions_below_the_archive_are_taken_out_and_the_rest_goes_on(
    postgresql: Engine, ledger: Ledger, sequencer: Sequencer, folder: Path
) -> None:
    ids = fill(ledger, sequencer, (256, NOW), (256, NOW), (100, NOW), (200, LATER), (10, LATER))
    # Leaf 511 is of event 512, which lies in a partition with events of the next half-year.
    assert pruned(ledger, LOG, 612, folder) == [
        "audit_event_0",
        "audit_event_1",
        "audit_leaf_2026h2_0",
    ]
    assert tables(ledger, "audit_event") == [
        f"audit_event{part}" for part in ("", "_0", "_1", "_2", "_3", "_4", "_default")
    ]
    with ledger.read() as connection:
        count = connection.execute(text("SELECT count(*) FROM audit_event")).scalar_one()
        # 512 to 822, the two of the archive and of what was taken out
        assert count == 822 - 511 + 2
        assert inclusion(connection, ledger, ids[0]) is None
        assert inclusion(connection, ledger, ids[-1]) is not None
    # Later the next half-year is archived, and with it goes what is left of the first.
    fill(ledger, sequencer, (300, LATER), (300, LATER), (300, LATER + timedelta(days=201)))
    assert pruned(ledger, NEXT, 812, folder) == [
        "audit_event_2",
        "audit_event_3",
        "audit_event_4",
        "audit_leaf_2026h2_1",
        "audit_leaf_2026h2_2",
        "audit_leaf_2027h1_0",
        "audit_leaf_2027h1_1",
    ]
    assert "audit_leaf_2026h2_end" in tables(ledger, "audit_leaf")
    with ledger.read() as connection:
        for log, size in ((LOG, 612), (NEXT, 813)):
            last = latest_checkpoint(connection, log=log)
            assert last is not None
            verifiers = [signers().note_signers(log)[0].verifier]
            checkpoint = open_checkpoint(last, verifiers, origin=verifiers[0].name)
            assert checkpoint.size == size
            assert StoredTree(connection, log, size).root() == checkpoint.root
            for name in Part(log, 0, size - size % 256).bundles():
                event = read_events(folder, log, name)[-1]
                proof = proof_at(connection, log, event.index)
                proven(proof, entry_of(event), verifiers)
        last_one = read_events(folder, LOG, TileName(None, 2, 100))[-1]
        proof = proof_at(connection, LOG, 611)
    proven(proof, entry_of(last_one), [signers().note_signers(LOG)[0].verifier])
    # A fresh sequencer finds all in order and goes on.
    record(ledger, 5, now=LATER)
    assert Sequencer(ledger, signers()).run_once(LATER + timedelta(days=202)) is not None


def test_a_partition_that_is_not_archived_as_a_whole_stays(
    postgresql: Engine, ledger: Ledger, sequencer: Sequencer, folder: Path
) -> None:
    fill(ledger, sequencer, (250, NOW), (250, NOW), (250, LATER))
    record(ledger)  # it waits, and keeps nothing else from going
    assert pruned(ledger, LOG, 256, folder) == ["audit_event_0"]
    assert "audit_leaf_2026h2_0" in tables(ledger, "audit_leaf")


def test_what_comes_into_a_partition_at_the_last_moment_keeps_it(
    postgresql: Engine, ledger: Ledger, sequencer: Sequencer, folder: Path
) -> None:
    """An event with a number of long ago, committed between the count and the taking out."""
    fill(ledger, sequencer, (300, NOW), (300, NOW), (300, LATER))
    run(
        postgresql,
        "CREATE FUNCTION late() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF EXISTS (SELECT 1 FROM pg_class WHERE relname = 'audit_event_0' AND NOT"
        " relispartition AND relnamespace = current_schema()::regnamespace) THEN"
        " INSERT INTO audit_event_0 (number, event_id, at, commitment, digests, sealed)"
        " VALUES (0, gen_random_uuid(), now(), '', '', ''); END IF; END $$",
        "CREATE EVENT TRIGGER late ON ddl_command_end WHEN TAG IN ('ALTER TABLE')"
        " EXECUTE FUNCTION late()",
    )
    try:
        with pytest.raises(PartitionInUseError, match="audit_event_0"):
            pruned(ledger, LOG, 512, folder)
    finally:
        run(postgresql, "DROP EVENT TRIGGER late")
    with ledger.read() as connection:
        assert minimum_index(connection, log=LOG) == 0
        assert proof_at(connection, LOG, 0) is not None
    check_log(ledger, LOG, NEXT)
