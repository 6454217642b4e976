"""Half-yearly logs: each begins with the end of the one before, and all of them stay provable."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import insert, text

from audit.bundle import write_bundle
from audit.bundle_files import manifest_text
from audit.checkpoint import Checkpoint, open_checkpoint
from audit.container import pack, unpack
from audit.disclosure import leaf
from audit.edge import Edge
from audit.faults import BundleError, Fault
from audit.merkle import leaf_hash, verify_consistency, verify_inclusion
from audit.note import sign_note
from audit.proofs import (
    checkpoint_at,
    consistency,
    current_log,
    entries_bundle,
    inclusion,
    latest_checkpoint,
    log_state,
    logs,
    tile,
)
from audit.reader import disclosures, entry
from audit.sequencer import ClockWentBackError, Sequencer
from audit.shards import UNSHARDED, link_entry, linked_text, name_of, origin_of, shard_at
from audit.store import tables
from audit.store import tree as store
from audit.tiles import unpack_entries
from audit.tree import TreeDamagedError
from audit.unit_of_work import Ledger
from audit.verify import verify_bundle
from policies.ids import EventId
from tests.audit.checking import check_log
from tests.audit.faulty import run, unguard
from tests.audit.sample import LOG, LOG_NAME, NOW, ORIGIN, record, signers

LATER = datetime(2027, 1, 1, tzinfo=UTC)
NEXT = "2027h1"


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        (datetime(2026, 7, 1, tzinfo=UTC), "2026h2"),
        (datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "2026h2"),
        (LATER, "2027h1"),
        (datetime(2027, 6, 30, 23, 59, tzinfo=UTC), "2027h1"),
        (datetime(2027, 7, 1, 1, 59, tzinfo=timezone(timedelta(hours=3))), "2027h1"),
    ],
)
def test_the_half_year_is_that_of_utc(moment: datetime, name: str) -> None:
    assert shard_at(moment) == name


@pytest.mark.parametrize("log", [UNSHARDED, "2026h2", "2026h2b"])
def test_the_name_of_the_whole_log_is_in_the_origin_of_each_shard(log: str) -> None:
    assert name_of(origin_of("log.example/audit", log)) == "log.example/audit"


def test_the_tree_from_before_the_shards_keeps_the_bare_name() -> None:
    assert origin_of("vault.example/log", UNSHARDED) == "vault.example/log"
    assert origin_of("vault.example/log", LOG) == ORIGIN
    assert sorted([NEXT, LOG, UNSHARDED]) == [UNSHARDED, LOG, NEXT]


def test_an_entry_is_either_a_link_or_an_event() -> None:
    assert linked_text(link_entry("a\n1\nb\n")) == "a\n1\nb\n"
    assert linked_text(b"consent-vault/event/v1 AAAA") is None


@pytest.fixture
def old(ledger: Ledger, sequencer: Sequencer) -> list[EventId]:
    """Events of the first half-year, in two batches."""
    placed = record(ledger, 300)
    sequencer.run_once(NOW)
    placed += record(ledger, 10)
    sequencer.run_once(NOW + timedelta(minutes=1))
    return placed


@pytest.fixture
def new(ledger: Ledger, sequencer: Sequencer, old: list[EventId]) -> list[EventId]:
    """Events of the next half-year, in two batches."""
    placed = record(ledger, 5, now=LATER)
    sequencer.run_once(LATER)
    placed += record(ledger, 260, now=LATER)
    sequencer.run_once(LATER + timedelta(minutes=1))
    return placed


def opened(ledger: Ledger, log: str, size: int | None = None) -> Checkpoint:
    with ledger.read() as connection:
        if size is None:
            note = latest_checkpoint(connection, log=log)
        else:
            note = checkpoint_at(connection, size, log=log)
    assert note is not None
    return open_checkpoint(note, signers().verifiers(log), origin=signers().origin(log))


def test_the_first_log_begins_with_an_event(ledger: Ledger, old: list[EventId]) -> None:
    assert check_log(ledger) == 310
    with ledger.read() as connection:
        bundle = entries_bundle(connection, 0)
        assert bundle is not None
        assert linked_text(unpack_entries(bundle)[0]) is None
        assert (logs(connection), current_log(connection)) == ([LOG], LOG)


def test_the_next_log_begins_with_the_last_checkpoint(ledger: Ledger, new: list[EventId]) -> None:
    assert check_log(ledger, LOG, NEXT) == 310 + 1 + 265
    with ledger.read() as connection:
        assert logs(connection) == [LOG, NEXT]
        assert log_state(connection).log == current_log(connection) == NEXT
        assert log_state(connection).size == 266
        bundle = entries_bundle(connection, 0, 6)
    assert bundle is not None
    first = unpack_entries(bundle)[0]
    assert linked_text(first) == str(opened(ledger, LOG)) == str(opened(ledger, LOG, 310))
    assert len(first) < 200


@pytest.mark.parametrize("restarted", [True, False])
def test_who_sequences_next_makes_no_difference(ledger: Ledger, restarted: bool) -> None:
    made = Sequencer(ledger, signers())
    for now in (NOW, LATER, LATER + timedelta(days=200)):
        record(ledger, 3, now=now)
        assert made.run_once(now) is not None
        made = Sequencer(ledger, signers()) if restarted else made
    assert check_log(ledger, LOG, NEXT, "2027h2") == 3 + 4 + 4


def test_two_sequencers_take_turns_over_the_border(ledger: Ledger) -> None:
    first, second = Sequencer(ledger, signers()), Sequencer(ledger, signers())
    moments = [NOW, NOW, LATER, LATER, LATER]
    for each, now in zip([first, second, second, first, second], moments, strict=True):
        record(ledger, 3, now=now)
        assert each.run_once(now) is not None
    assert check_log(ledger, LOG, NEXT) == 6 + 10


def test_proofs_are_under_the_checkpoint_of_their_own_log(
    ledger: Ledger, old: list[EventId], new: list[EventId]
) -> None:
    with ledger.read() as connection:
        for log, index, event_id in [(LOG, 0, old[0]), (LOG, 309, old[-1]), (NEXT, 1, new[0])]:
            proof = inclusion(connection, ledger, event_id)
            shown = disclosures(connection, ledger, event_id)
            told = entry(connection, ledger, event_id)
            assert proof is not None
            assert shown is not None
            assert told is not None
            assert (proof.log, proof.index) == (shown.log, shown.index) == (log, index)
            assert (told.log, told.index) == (log, index)
            verify_inclusion(
                index=index,
                size=proof.size,
                leaf=proof.leaf_hash,
                proof=proof.hashes,
                root=opened(ledger, log).root,
            )


def test_consistency_is_within_one_log(ledger: Ledger, new: list[EventId]) -> None:
    for log, before, after in ((LOG, 300, 310), (NEXT, 6, 266)):
        with ledger.read() as connection:
            proof = consistency(connection, before, after, log=log)
        verify_consistency(
            old_size=before,
            old_root=opened(ledger, log, before).root,
            new_size=after,
            new_root=opened(ledger, log).root,
            proof=proof.hashes,
        )


def test_tiles_and_entries_of_each_log_give_its_root(ledger: Ledger, new: list[EventId]) -> None:
    with ledger.read() as connection:
        for log, rest in ((LOG, 54), (NEXT, 10)):
            bundles = [
                entries_bundle(connection, 0, log=log),
                entries_bundle(connection, 1, rest, log=log),
            ]
            edge = Edge()
            for each in bundles:
                assert each is not None
                edge.append(map(leaf_hash, unpack_entries(each)))
            assert edge.root() == opened(ledger, log).root
            assert tile(connection, 0, 1, rest, log=log) == b"".join(edge.partial(0))
        assert tile(connection, 0, 0, log="2025h1") is None


def test_nothing_is_put_into_a_closed_log(
    ledger: Ledger, sequencer: Sequencer, new: list[EventId]
) -> None:
    record(ledger)
    with pytest.raises(ClockWentBackError):
        sequencer.run_once(NOW + timedelta(minutes=2))
    assert check_log(ledger, LOG, NEXT) == 576


def test_a_log_put_back_to_the_old_half_year_is_not_continued(
    ledger: Ledger, sequencer: Sequencer, new: list[EventId]
) -> None:
    for table in ("audit_checkpoint", "audit_leaf", "audit_tile"):
        unguard(ledger.engine, table)
        run(ledger.engine, f"DELETE FROM {table} WHERE log = '{NEXT}'")
    record(ledger, now=LATER)
    with pytest.raises(TreeDamagedError, match="smaller"):
        sequencer.run_once(LATER + timedelta(days=1))


def test_a_new_log_is_not_begun_on_a_damaged_one(ledger: Ledger, old: list[EventId]) -> None:
    unguard(ledger.engine, "audit_leaf")
    run(ledger.engine, 'DELETE FROM audit_leaf WHERE "index" = 309')
    record(ledger, now=LATER)
    with pytest.raises(TreeDamagedError, match="differ in number"):
        Sequencer(ledger, signers()).run_once(LATER)


def test_a_leaf_that_stands_for_nothing_is_damage(ledger: Ledger, old: list[EventId]) -> None:
    unguard(ledger.engine, "audit_leaf")
    run(ledger.engine, 'UPDATE audit_leaf SET number = NULL WHERE "index" = 7')
    with ledger.read() as connection, pytest.raises(TreeDamagedError, match="leaf 7"):
        entries_bundle(connection, 0)


def test_the_tree_from_before_the_shards_is_the_first_link(ledger: Ledger) -> None:
    (event_id,) = record(ledger)
    with ledger.engine.begin() as connection:  # as the migration leaves it
        ((number, commitment),) = store.commitments(connection, [1])
        edge = Edge()
        edge.append([leaf_hash(leaf(commitment))])
        connection.execute(text("DELETE FROM audit_queue"))
        store.insert_leaves(connection, UNSHARDED, 0, [number], edge.partial(0))
        bare = str(Checkpoint(LOG_NAME, 1, edge.root()))
        note = signers().sign(UNSHARDED, bare, NOW)
        row = {"log": UNSHARDED, "size": 1, "root": edge.root(), "at": NOW, "note": note}
        connection.execute(insert(tables.checkpoint).values(row))
    record(ledger, 2)
    Sequencer(ledger, signers()).run_once(NOW + timedelta(seconds=1))
    assert check_log(ledger, UNSHARDED, LOG) == 4
    with ledger.read() as connection:
        bundle = entries_bundle(connection, 0, 3)
        proof = inclusion(connection, ledger, event_id)
    assert bundle is not None
    assert linked_text(unpack_entries(bundle)[0]) == bare
    assert proof is not None
    assert (proof.log, proof.index) == (UNSHARDED, 0)


def exported(ledger: Ledger, log: str, size: int | None = None) -> bytes:
    with ledger.read() as connection:
        return write_bundle(connection, ledger, signers=signers(), log=log, size=size)


def test_each_log_is_exported_and_verified_by_itself(ledger: Ledger, new: list[EventId]) -> None:
    for log, size, events in ((LOG, 310, 310), (NEXT, 266, 265), (NEXT, 6, 5)):
        report = verify_bundle(exported(ledger, log, size), vkey=signers().vkeys(log)[0])
        assert (report.origin, report.size) == (f"{LOG_NAME}/{log}", size)
        assert sum(report.kinds.values()) == events


def test_an_event_missing_behind_the_link_is_named(ledger: Ledger, new: list[EventId]) -> None:
    files = unpack(exported(ledger, NEXT, 6))
    lines = files["events.jsonl"].decode().splitlines(keepends=True)
    assert re.match(r'{"index":1,', lines[0])
    files["events.jsonl"] = "".join(lines[:-1]).encode()
    rest = {name: data for name, data in files.items() if name != "manifest"}
    with pytest.raises(BundleError) as error:
        verify_bundle(_signed(rest, NEXT))
    assert (error.value.fault, error.value.entry) == (Fault.LINE_COUNT, 5)


def _signed(files: dict[str, bytes], log: str) -> bytes:
    signer = signers().note_signers(log)[0]
    return pack(files | {"manifest": sign_note(manifest_text(signer.name, files), [signer])})
