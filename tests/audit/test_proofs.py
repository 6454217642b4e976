"""What the log gives to verifiers: only what is signed, and it verifies."""

from datetime import timedelta

import pytest

from audit.checkpoint import open_checkpoint
from audit.completeness import broken_promises
from audit.disclosure import commitment, leaf
from audit.event_document import event_document
from audit.merkle import ProofError, fold, leaf_hash, verify_inclusion
from audit.own_log import DamagedEntry, own_entry
from audit.partitions import STEP, tend
from audit.promise import Promise
from audit.proofs import (
    EventTwiceError,
    LogHead,
    checkpoint_at,
    checkpoints,
    consistency,
    entries_bundle,
    inclusion,
    latest_checkpoint,
    log_heads,
    log_state,
    proof_text,
    tile,
)
from audit.reader import disclosures, everything
from audit.sequencer import Sequencer
from audit.tiles import split_hashes, unpack_entries
from audit.tree import StoredTree, TreeDamagedError
from audit.unit_of_work import Ledger
from policies.ids import EventId, new_uuid
from tests.audit.faulty import run, unguard
from tests.audit.sample import AINO, LOG, LOG_NAME, NOW, ORIGIN, record, signer, signers
from tests.proving import proven


@pytest.fixture
def ids(ledger: Ledger, sequencer: Sequencer) -> list[EventId]:
    """A log of 600 events, signed at 100, 300 and 600."""
    ids = []
    for count in (100, 200, 300):
        ids += record(ledger, count)
        sequencer.run_once(NOW)
    return ids


def test_a_receipt_verifies_with_nothing_but_the_public_key(
    ledger: Ledger, ids: list[EventId]
) -> None:
    with ledger.read() as connection:
        for event_id in (ids[0], ids[255], ids[256], ids[599]):
            proof = inclusion(connection, ledger, event_id)
            disclosed = disclosures(connection, ledger, event_id)
            assert proof is not None
            assert disclosed is not None
            entry = leaf(commitment(event_id, disclosed.digests))
            checkpoint = proven(proof_text(proof), entry, [signer().verifier])
            assert checkpoint.size == 600


def test_a_receipt_does_not_prove_another_event(ledger: Ledger, ids: list[EventId]) -> None:
    with ledger.read() as connection:
        proof, other = (inclusion(connection, ledger, each) for each in ids[:2])
        assert proof is not None
        assert other is not None
        root = StoredTree(connection, LOG, 600).root()
    with pytest.raises(ProofError):
        verify_inclusion(
            index=proof.index,
            size=proof.size,
            leaf=other.leaf_hash,
            proof=proof.hashes,
            root=root,
        )


def test_an_event_without_a_place_has_no_proof(ledger: Ledger) -> None:
    (event_id,) = record(ledger)
    with ledger.read() as connection:
        assert inclusion(connection, ledger, event_id) is None


def test_an_unknown_event_has_no_proof(ledger: Ledger, ids: list[EventId]) -> None:
    with ledger.read() as connection:
        assert inclusion(connection, ledger, EventId(new_uuid())) is None


@pytest.mark.parametrize("sizes", [(0, 5), (6, 5), (1, 601), (601, 601), (-1, 5)])
def test_there_is_no_consistency_proof_beyond_the_signed_tree(
    ledger: Ledger, ids: list[EventId], sizes: tuple[int, int]
) -> None:
    with ledger.read() as connection, pytest.raises(ProofError):
        consistency(connection, *sizes)


def test_an_empty_log_has_nothing_to_give(ledger: Ledger) -> None:
    with ledger.read() as connection:
        assert latest_checkpoint(connection) is None
        assert checkpoint_at(connection, 1) is None
        assert tile(connection, 0, 0, 1) is None
        assert entries_bundle(connection, 0, 1) is None
        assert log_state(connection).size == 0
        with pytest.raises(ProofError):
            consistency(connection, 1, 1)


def test_older_checkpoints_stay(ledger: Ledger, ids: list[EventId]) -> None:
    with ledger.read() as connection:
        for size in (100, 300, 600):
            note = checkpoint_at(connection, size)
            assert note is not None
            opened = open_checkpoint(note, [signer().verifier], origin=ORIGIN)
            assert opened.root == StoredTree(connection, LOG, size).root()
        assert checkpoint_at(connection, 200) is None
        assert latest_checkpoint(connection) == checkpoint_at(connection, 600)


def test_the_history_is_given_in_pages(ledger: Ledger, ids: list[EventId]) -> None:
    with ledger.read() as connection:
        assert log_heads(connection) == [LogHead(LOG, 600)]
        pages = [checkpoints(connection, LOG, after=after, limit=2) for after in (0, 300, 600)]
        assert [[each.size for each in page] for page in pages] == [[100, 300], [600], []]
        assert pages[1][0].note == checkpoint_at(connection, 600)
        assert pages[1][0].at == NOW


def test_tiles_are_full_or_partial_and_give_the_root(ledger: Ledger, ids: list[EventId]) -> None:
    with ledger.read() as connection:
        full = tile(connection, 0, 0)
        partial = tile(connection, 0, 2, 88)
        above = tile(connection, 1, 0, 2)
        assert full is not None
        assert partial is not None
        assert above is not None
        assert (len(full), len(partial), len(above)) == (8192, 88 * 32, 64)
        assert split_hashes(above)[0] == fold(split_hashes(full))
        assert tile(connection, 0, 0, 17) == full[: 17 * 32]


@pytest.mark.parametrize(
    "name",
    [(0, 2, 89), (0, 2, 256), (0, 3, 1), (1, 0, 3), (2, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)],
)
def test_tiles_beyond_the_signed_tree_are_not_given(
    ledger: Ledger, ids: list[EventId], name: tuple[int, int, int]
) -> None:
    record(ledger, 5)
    with ledger.read() as connection:
        assert tile(connection, *name) is None


def test_entries_are_the_leaves_of_the_tiles(ledger: Ledger, ids: list[EventId]) -> None:
    with ledger.read() as connection:
        for index, width in ((0, 256), (2, 88), (1, 3)):
            entries = entries_bundle(connection, index, width)
            hashes = tile(connection, 0, index, width)
            assert entries is not None
            assert hashes is not None
            assert [leaf_hash(each) for each in unpack_entries(entries)] == split_hashes(hashes)
        assert entries_bundle(connection, 2, 89) is None


def test_the_state_tells_what_waits_and_for_how_long(ledger: Ledger, ids: list[EventId]) -> None:
    record(ledger, 2, now=NOW + timedelta(seconds=5))
    record(ledger, 1, now=NOW + timedelta(seconds=9))
    with ledger.read() as connection:
        state = log_state(connection)
    assert (state.size, state.queued, state.checkpoint_at) == (600, 3, NOW)
    assert state.oldest_queued_at == NOW + timedelta(seconds=5)
    assert state.waiting_seconds(NOW + timedelta(seconds=12)) == 7.0
    assert state.waiting_seconds(NOW) == 0.0


def test_a_log_that_waits_for_nothing_has_waited_no_time(
    ledger: Ledger, ids: list[EventId]
) -> None:
    with ledger.read() as connection:
        assert log_state(connection).waiting_seconds(NOW + timedelta(days=1)) == 0.0


def test_a_missing_tile_is_named(ledger: Ledger, ids: list[EventId]) -> None:
    unguard(ledger.engine, "audit_tile")
    run(ledger.engine, "DELETE FROM audit_tile WHERE position = 1")
    with ledger.read() as connection, pytest.raises(TreeDamagedError, match="tile 1/0"):
        inclusion(connection, ledger, ids[0])


def test_a_missing_entry_is_named(ledger: Ledger, ids: list[EventId]) -> None:
    unguard(ledger.engine, "audit_leaf")
    run(ledger.engine, 'DELETE FROM audit_leaf WHERE "index" = 5')
    with ledger.read() as connection:
        assert tile(connection, 0, 0) is not None
        with pytest.raises(TreeDamagedError, match="bundle 0"):
            entries_bundle(connection, 0)


@pytest.fixture
def doubled(ledger: Ledger) -> EventId:
    """An event, and another one of the same id: on PostgreSQL in a later partition, where no key
    forbids it; on SQLite by somebody who has made the table anew without the key."""
    with ledger.engine.begin() as connection:
        tend(connection, NOW)
    (event_id, _) = record(ledger, 2)
    columns = "event_id, at, commitment, digests, sealed"
    again = f"SELECT {STEP} + 7, {columns} FROM audit_event WHERE number = 1"
    if ledger.engine.dialect.name == "sqlite":
        run(
            ledger.engine,
            "CREATE TABLE copy AS SELECT * FROM audit_event",
            f"INSERT INTO copy (number, {columns}) {again}",
            "DROP TABLE audit_event",
            "ALTER TABLE copy RENAME TO audit_event",
        )
    else:
        run(ledger.engine, f"INSERT INTO audit_event (number, {columns}) {again}")
    run(
        ledger.engine,
        "INSERT INTO audit_about (person_id, number)"
        f" SELECT person_id, {STEP} + 7 FROM audit_about WHERE number = 1",
        f"INSERT INTO audit_queue (number) VALUES ({STEP} + 7)",
    )
    Sequencer(ledger, signers()).run_once(NOW)
    return event_id


def test_an_event_that_stands_in_the_log_twice_is_named(ledger: Ledger, doubled: EventId) -> None:
    with ledger.read() as connection:
        with pytest.raises(EventTwiceError, match=r"twice: the second time at 2026h2/2") as error:
            inclusion(connection, ledger, doubled)
        assert isinstance(error.value, TreeDamagedError)
        with pytest.raises(EventTwiceError):
            event_document(connection, ledger, doubled, may_open=everything)


def test_an_event_that_stands_in_the_log_twice_has_kept_its_promise(
    ledger: Ledger, doubled: EventId
) -> None:
    with ledger.read() as connection:
        shown = disclosures(connection, ledger, doubled)
    assert shown is not None
    kept = Promise(LOG_NAME, doubled, commitment(doubled, shown.digests), NOW)
    broken = Promise(LOG_NAME, doubled, bytes(32), NOW)
    later = NOW + timedelta(hours=1)
    assert broken_promises(ledger, [kept, broken], now=later) == [str(doubled)]


def test_of_two_lines_under_one_id_a_person_is_told_that_neither_can_be_believed(
    ledger: Ledger, doubled: EventId
) -> None:
    with ledger.read() as connection:
        found = own_entry(connection, ledger, AINO, doubled, now=NOW)
    assert isinstance(found, DamagedEntry)
    assert (found.event_id, found.index) == (doubled, 0)
