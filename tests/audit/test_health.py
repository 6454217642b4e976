"""The checker: it finds what was changed later, names the first of it, and goes on where it was."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Update, delete, select, update

from audit.disclosure import commitment, leaf, split_digests
from audit.health import Damage, Fault, LogChecker, Standing, standings
from audit.log_signers import LogSigners
from audit.merkle import fold, leaf_hash
from audit.sequencer import Sequencer
from audit.store import tables
from audit.tiles import split_hashes
from audit.unit_of_work import Ledger
from tests.audit.sample import LOG, LOG_NAME, NOW, record, signers
from tests.unguarded import unguard

LATER = NOW + timedelta(seconds=5)


@pytest.fixture
def checker(ledger: Ledger) -> LogChecker:
    return LogChecker(ledger, signers())


def grow(ledger: Ledger, sequencer: Sequencer, *counts: int) -> None:
    """One checkpoint for each count."""
    for count in counts:
        record(ledger, count)
        sequencer.run_once(NOW)


def standing(ledger: Ledger, log: str = LOG) -> Standing:
    with ledger.read() as connection:
        return next(each for each in standings(connection) if each.log == log)


def tamper(ledger: Ledger, table: str, act: Callable[[Connection], object]) -> None:
    with ledger.engine.begin() as connection:
        unguard(connection, table)
        act(connection)


def test_an_empty_log_has_no_fault_and_no_standing(ledger: Ledger, checker: LogChecker) -> None:
    assert checker.run_once(NOW) is None
    with ledger.read() as connection:
        assert standings(connection) == []


def test_a_log_that_nobody_has_read_again_is_not_called_good(
    ledger: Ledger, sequencer: Sequencer
) -> None:
    grow(ledger, sequencer, 3)
    assert standing(ledger).verified == 0
    assert standing(ledger).verified_at is None


def test_new_entries_are_read_up_to_the_newest_checkpoint(
    ledger: Ledger, sequencer: Sequencer, checker: LogChecker
) -> None:
    grow(ledger, sequencer, 3)
    assert checker.run_once(LATER) is None
    found = standing(ledger)
    assert (found.verified, found.verified_at, found.fault) == (3, LATER, None)
    grow(ledger, sequencer, 4)
    assert LogChecker(ledger, signers()).run_once(LATER) is None  # another worker goes on
    assert standing(ledger).verified == 7


def test_one_run_reads_a_piece_and_the_next_one_goes_on(
    ledger: Ledger, sequencer: Sequencer, checker: LogChecker
) -> None:
    grow(ledger, sequencer, 600)
    read = []
    for _ in range(3):
        assert checker.run_once(LATER, new=256, old=256) is None
        read.append((standing(ledger).verified, standing(ledger).again))
    assert read == [(256, 256), (512, 512), (600, 0)]
    assert standing(ledger).passed_at == LATER


def test_what_was_good_is_read_again_for_ever(
    ledger: Ledger, sequencer: Sequencer, checker: LogChecker
) -> None:
    grow(ledger, sequencer, 300)
    for _ in range(2):
        checker.run_once(NOW, old=256)
    tamper(ledger, "audit_event", lambda c: c.execute(_change(7)))
    assert checker.run_once(LATER, old=256) == Fault(Damage.EVENT_CHANGED, 6, 7)
    assert standing(ledger).fault == Fault(Damage.EVENT_CHANGED, 6, 7)
    assert standing(ledger).verified == 300  # it was good when it was read first


def test_to_begin_again_looks_at_once(
    ledger: Ledger, sequencer: Sequencer, checker: LogChecker
) -> None:
    grow(ledger, sequencer, 600)
    checker.run_once(NOW, old=256)
    tamper(ledger, "audit_event", lambda c: c.execute(_change(7)))
    assert checker.run_once(NOW, old=256) is None
    checker.begin_again(NOW)
    assert checker.run_once(NOW, old=256) == Fault(Damage.EVENT_CHANGED, 6, 7)


def _change(number: int) -> Update:
    event = tables.event
    return update(event).where(event.c.number == number).values(digests=bytes(768))


def _other_commitment(connection: Connection) -> None:
    event = tables.event
    first = select(event.c.event_id, event.c.digests, event.c.commitment)
    row = connection.execute(first.where(event.c.number == 2)).one()
    connection.execute(delete(event).where(event.c.number == 2))
    swap = update(event).where(event.c.number == 5)
    connection.execute(
        swap.values(event_id=row.event_id, digests=row.digests, commitment=row.commitment)
    )


LEAF, TILE, EVENT = tables.leaf, tables.tile, tables.event
FULL = 300
DAMAGES: dict[str, tuple[str, Callable[[Connection], object], Fault]] = {
    "an event's digests": (
        "audit_event",
        lambda c: c.execute(_change(5)),
        Fault(Damage.EVENT_CHANGED, 4, 5),
    ),
    "an event's id": (
        "audit_event",
        lambda c: c.execute(update(EVENT).where(EVENT.c.number == 5).values(event_id=_id(c))),
        Fault(Damage.EVENT_CHANGED, 4, 5),
    ),
    "another event in its row": (
        "audit_event",
        _other_commitment,
        Fault(Damage.EVENT_MISSING, 1, 2),
    ),
    "an event gone": (
        "audit_event",
        lambda c: c.execute(delete(EVENT).where(EVENT.c.number == 5)),
        Fault(Damage.EVENT_MISSING, 4, 5),
    ),
    "a leaf's hash": (
        "audit_leaf",
        lambda c: c.execute(update(LEAF).where(LEAF.c.index == 4).values(leaf_hash=bytes(32))),
        Fault(Damage.ENTRY_CHANGED, 4, 5),
    ),
    "a leaf that stands for nothing": (
        "audit_leaf",
        lambda c: c.execute(update(LEAF).where(LEAF.c.index == 4).values(number=None)),
        Fault(Damage.ENTRY_CHANGED, 4, None),
    ),
    "a leaf gone": (
        "audit_leaf",
        lambda c: c.execute(delete(LEAF).where(LEAF.c.index == 4)),
        Fault(Damage.ENTRY_MISSING, 4),
    ),
    "a tile's hashes": (
        "audit_tile",
        lambda c: c.execute(update(TILE).values(hashes=bytes(8192))),
        Fault(Damage.TILE_CHANGED, 0),
    ),
    "a tile gone": ("audit_tile", lambda c: c.execute(delete(TILE)), Fault(Damage.TILE_CHANGED, 0)),
}


def _id(connection: Connection) -> object:
    return connection.execute(select(tables.log_key.c.key_id)).scalars().first()


@pytest.mark.parametrize("name", DAMAGES)
def test_each_damage_is_found_and_its_first_entry_named(
    ledger: Ledger, sequencer: Sequencer, checker: LogChecker, name: str
) -> None:
    table, act, expected = DAMAGES[name]
    grow(ledger, sequencer, FULL)
    tamper(ledger, table, act)
    assert checker.run_once(LATER) == expected
    found = standing(ledger)
    assert found.fault == expected
    assert found.verified == expected.index
    assert found.passed_at is None


def test_what_was_repaired_is_good_again(
    ledger: Ledger, sequencer: Sequencer, checker: LogChecker
) -> None:
    grow(ledger, sequencer, 10)
    hashed = select(LEAF.c.leaf_hash).where(LEAF.c.index == 4)
    with ledger.read() as connection:
        before = connection.execute(hashed).scalar_one()
    change = update(LEAF).where(LEAF.c.index == 4)
    tamper(ledger, "audit_leaf", lambda c: c.execute(change.values(leaf_hash=bytes(32))))
    assert checker.run_once(LATER) is not None
    assert checker.run_once(LATER) is not None
    tamper(ledger, "audit_leaf", lambda c: c.execute(change.values(leaf_hash=before)))
    assert checker.run_once(LATER) is None
    assert standing(ledger).verified == 10


def _rewrite(connection: Connection) -> None:
    """Entry 300 tells another story, and everything above it is made anew to fit."""
    for table in ("audit_event", "audit_leaf", "audit_tile"):
        unguard(connection, table)
    event_id = connection.execute(
        select(EVENT.c.event_id).where(EVENT.c.number == 301)
    ).scalar_one()
    made = commitment(event_id, split_digests(bytes(768)))
    hashed = leaf_hash(leaf(made))
    story = {"digests": bytes(768), "commitment": made}
    connection.execute(update(EVENT).where(EVENT.c.number == 301).values(story))
    connection.execute(update(LEAF).where(LEAF.c.index == 300).values(leaf_hash=hashed))
    of_tile = TILE.c.position == 1
    hashes = split_hashes(connection.execute(select(TILE.c.hashes).where(of_tile)).scalar_one())
    hashes[300 - 256] = hashed
    connection.execute(
        update(TILE).where(of_tile).values(hashes=b"".join(hashes), root=fold(hashes))
    )


def test_who_rewrites_all_of_it_alike_is_found_by_what_was_signed_before(
    ledger: Ledger, sequencer: Sequencer, checker: LogChecker
) -> None:
    grow(ledger, sequencer, 200, 90, 5, 3, 7, 200, 100)  # signed at 200, 290, 295, 298, 305 …
    with ledger.engine.begin() as connection:
        _rewrite(connection)
    assert checker.run_once(LATER) == Fault(Damage.ROOT_CHANGED, 298)
    assert standing(ledger).verified == 0


def test_a_tree_that_lacks_a_leaf_where_the_checker_has_been_has_no_root(
    ledger: Ledger, sequencer: Sequencer, checker: LogChecker
) -> None:
    grow(ledger, sequencer, 200, 312)
    checker.run_once(NOW, old=256)
    tamper(ledger, "audit_tile", lambda c: c.execute(delete(TILE).where(TILE.c.position == 0)))
    # What was signed at 200 is of leaves alone, and still holds.
    assert checker.run_once(LATER, old=256) == Fault(Damage.ROOT_CHANGED, 200)


def test_a_checkpoint_by_a_stranger_is_no_checkpoint(ledger: Ledger, sequencer: Sequencer) -> None:
    grow(ledger, sequencer, 5)
    checker = LogChecker(ledger, LogSigners(LOG_NAME, [Ed25519PrivateKey.generate()]))
    assert checker.run_once(LATER) == Fault(Damage.SIGNATURE, 4)


def test_a_checkpoint_that_says_something_else_than_its_row_is_damage(
    ledger: Ledger, sequencer: Sequencer, checker: LogChecker
) -> None:
    grow(ledger, sequencer, 5)
    change = update(tables.checkpoint).values(root=bytes(32))
    tamper(ledger, "audit_checkpoint", lambda c: c.execute(change))
    assert checker.run_once(LATER) == Fault(Damage.SIGNATURE, 4)


def test_each_half_year_is_read_and_its_first_leaf_held_against_the_log_before(
    ledger: Ledger, sequencer: Sequencer, checker: LogChecker
) -> None:
    grow(ledger, sequencer, 5)
    spring = NOW + timedelta(days=60)
    record(ledger, 4, now=spring)
    sequencer.run_once(spring)
    for _ in range(2):
        assert checker.run_once(spring) is None
    assert (standing(ledger).verified, standing(ledger, "2027h1").verified) == (5, 5)
    assert standing(ledger).passed_at == standing(ledger, "2027h1").passed_at == spring
    first = (LEAF.c.log == "2027h1", LEAF.c.index == 0)
    change = update(LEAF).where(*first).values(leaf_hash=bytes(32))
    tamper(ledger, "audit_leaf", lambda c: c.execute(change))
    checker.run_once(spring)
    assert checker.run_once(spring) == Fault(Damage.ENTRY_CHANGED, 0)


@pytest.mark.parametrize("empty_engine", ["sqlite"], indirect=True)  # so many leaves cost a minute
def test_every_level_of_tiles_is_held_against_the_one_below(
    ledger: Ledger, sequencer: Sequencer, checker: LogChecker
) -> None:
    grow(ledger, sequencer, *[4096] * 16)  # 65,536 leaves: the first tile of level 1 is full
    assert checker.run_once(LATER, new=70_000, old=256) is None
    assert standing(ledger).verified == 65_536
    change = update(TILE).where(TILE.c.level == 1).values(hashes=bytes(8192))
    tamper(ledger, "audit_tile", lambda c: c.execute(change))
    with ledger.engine.begin() as connection:
        connection.execute(delete(tables.check))
    assert checker.run_once(LATER, new=70_000, old=256) == Fault(Damage.TILE_CHANGED, 0)
