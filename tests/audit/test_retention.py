"""A minimum index is believed only as the log itself tells: behind a faked one nothing hides."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import delete, func, insert, select, update

from audit.archive import part_before, retire, take_out, write_archive
from audit.health import Damage, Fault, LogChecker
from audit.model import SYSTEM, Event, Kind
from audit.partitions import tend
from audit.retention import believed_minimum
from audit.sequencer import Sequencer
from audit.store import tables
from audit.unit_of_work import Ledger, begin
from policies.ids import EventId, new_uuid
from tests.audit.sample import LOG, NOW, record, signers
from tests.unguarded import unguard

NEXT = "2027h1"
LATER = datetime(2027, 1, 1, tzinfo=UTC)
MUCH_LATER = LATER + timedelta(days=200)
EVENT, LEAF, TILE = tables.event, tables.leaf, tables.tile


@pytest.fixture
def placed(ledger: Ledger, sequencer: Sequencer) -> Ledger:
    """600 events of one half-year, in partitions of 256 on PostgreSQL, and 10 of the next."""
    for count, now in ((300, NOW), (300, NOW), (10, LATER)):
        with ledger.engine.begin() as connection:
            tend(connection, now, step=256)
        record(ledger, count, now=now)
        sequencer.run_once(now)
    return ledger


def prune(ledger: Ledger, folder: Path, log: str, index: int, now: datetime = MUCH_LATER) -> None:
    folder.mkdir(exist_ok=True)
    with ledger.read() as connection:
        made = write_archive(connection, part_before(connection, log, index), folder)
    with begin(ledger, actor=SYSTEM, now=now) as uow:
        retire(uow, made)
        take_out(uow, made)


@pytest.fixture
def pruned(placed: Ledger, tmp_path: Path) -> Ledger:
    """The first 512 entries are archived, and on PostgreSQL out of the tables."""
    prune(placed, tmp_path / "archive", LOG, 512)
    return placed


def minimum(ledger: Ledger, log: str = LOG) -> int:
    with ledger.read() as connection:
        return believed_minimum(connection, ledger, log)


def claim(
    ledger: Ledger, index: int, event_id: UUID, *, log: str = LOG, at: datetime = NOW
) -> None:
    """What whoever may insert rows can do: a minimum index by hand."""
    row = {"log": log, "minimum_index": index, "at": at, "audit_event_id": event_id}
    with ledger.engine.begin() as connection:
        connection.execute(insert(tables.retention).values(row))


def tamper(ledger: Ledger, *changes: object) -> None:
    with ledger.engine.begin() as connection:
        for table in ("audit_event", "audit_leaf", "audit_tile", "audit_retention"):
            unguard(connection, table)
        for change in changes:
            connection.execute(change)  # type: ignore[call-overload]


def checked(ledger: Ledger) -> Fault | None:
    """Everything read once, from the first entry on."""
    checker = LogChecker(ledger, signers())
    found = [checker.run_once(MUCH_LATER) for _ in range(3)]
    return next((fault for fault in found if fault is not None), None)


def pruning(ledger: Ledger, reference: str, kind: Kind = Kind.LOG_PRUNED) -> EventId:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return uow.record(Event(kind=kind, reference=reference))


def test_of_a_log_of_which_nothing_was_archived_all_must_be_here(placed: Ledger) -> None:
    assert minimum(placed) == 0
    assert checked(placed) is None


def test_what_the_log_tells_of_its_archive_is_believed(pruned: Ledger) -> None:
    assert (minimum(pruned), minimum(pruned, NEXT)) == (512, 0)
    assert checked(pruned) is None


@pytest.mark.parametrize(
    ("how", "index"),
    [
        ("no event", 256),
        ("no event", 10**9),
        ("another event", 600),
        ("another kind", 600),
        ("another index", 600),
    ],
)
def test_behind_a_faked_minimum_index_nothing_hides(placed: Ledger, how: str, index: int) -> None:
    match how:
        case "no event":
            event_id = EventId(new_uuid())
        case "another event":
            (event_id,) = record(placed)
        case "another kind":
            event_id = pruning(placed, f"{LOG}:{index}", Kind.LOG_ARCHIVED)
        case _:
            event_id = pruning(placed, f"{LOG}:{index - 1}")
    claim(placed, index, event_id)
    assert minimum(placed) == 0
    tamper(placed, delete(LEAF).where(LEAF.c.log == LOG, LEAF.c.index == 7))
    assert checked(placed) == Fault(Damage.ENTRY_MISSING, 7)


def test_an_event_that_was_changed_tells_nothing(pruned: Ledger) -> None:
    newest = select(func.max(EVENT.c.number)).scalar_subquery()
    tamper(pruned, update(EVENT).where(EVENT.c.number == newest).values(digests=bytes(768)))
    assert minimum(pruned) == 0


def test_a_faked_minimum_index_above_the_true_one_hides_nothing_either(pruned: Ledger) -> None:
    claim(pruned, 600, EventId(new_uuid()))
    assert minimum(pruned) == 512
    tamper(pruned, delete(LEAF).where(LEAF.c.log == LOG, LEAF.c.index == 520))
    assert checked(pruned) == Fault(Damage.ENTRY_MISSING, 520)


def test_what_is_still_here_of_an_archived_part_must_be_good(pruned: Ledger) -> None:
    """On PostgreSQL the leaves of a part stay as long as one of their events does."""
    if pruned.engine.dialect.name == "sqlite":
        tamper(pruned, update(EVENT).where(EVENT.c.number == 5).values(digests=bytes(768)))
        assert checked(pruned) == Fault(Damage.EVENT_CHANGED, 4, 5)
        return
    first = select(func.min(LEAF.c.index)).where(LEAF.c.log == LOG).scalar_subquery()
    with pruned.read() as connection:
        index = connection.execute(select(first)).scalar_one()
    hashed = update(LEAF).where(LEAF.c.log == LOG, LEAF.c.index == index)
    tamper(pruned, hashed.values(leaf_hash=bytes(32)))
    assert checked(pruned) in {
        Fault(Damage.ENTRY_CHANGED, index, index + 1),
        Fault(Damage.TILE_CHANGED, index // 256 * 256),
    }


@pytest.mark.parametrize("change", ["changed", "gone"])
def test_the_tiles_of_an_archived_part_stay_and_must_be_good(pruned: Ledger, change: str) -> None:
    first = (TILE.c.log == LOG, TILE.c.level == 0, TILE.c.position == 0)
    act = delete(TILE) if change == "gone" else update(TILE).values(hashes=bytes(8192))
    tamper(pruned, act.where(*first))
    assert checked(pruned) == Fault(Damage.TILE_CHANGED, 0)


def test_entries_below_the_minimum_index_may_be_gone_on_any_database(pruned: Ledger) -> None:
    tamper(
        pruned,
        delete(LEAF).where(LEAF.c.log == LOG, LEAF.c.index < 256, LEAF.c.index > 9),
        delete(EVENT).where(EVENT.c.number < 200),
    )
    assert checked(pruned) is None


def test_of_an_archived_pruning_a_later_one_tells(
    pruned: Ledger, sequencer: Sequencer, tmp_path: Path
) -> None:
    """The event of the first pruning goes into a later archive itself."""
    record(pruned, 300, now=MUCH_LATER + timedelta(seconds=1))
    sequencer.run_once(MUCH_LATER + timedelta(seconds=1))
    prune(pruned, tmp_path / "archive", "2027h2", 256, MUCH_LATER + timedelta(days=200))
    tamper(pruned, delete(EVENT).where(EVENT.c.number < 700))
    assert (minimum(pruned), minimum(pruned, "2027h2")) == (512, 256)
    claim(pruned, 600, EventId(new_uuid()), at=MUCH_LATER + timedelta(days=300))
    assert minimum(pruned) == 512  # later than all that is archived, so its event would be here


def test_nobody_calls_a_faked_minimum_index_archived(placed: Ledger) -> None:
    """Neither with a row from before all time, nor with the first events taken away."""
    claim(placed, 600, EventId(new_uuid()), at=NOW - timedelta(days=9999))
    tamper(placed, delete(EVENT).where(EVENT.c.number == 1))
    assert minimum(placed) == 0
    assert checked(placed) == Fault(Damage.EVENT_MISSING, 0, 1)
