"""Any sequence of appends, crashes and proofs: the log stays equal to a reference tree.

The reference is a list of what was acknowledged, hashed by the second verifier. Crashes come at
each step of the sequencer, with what was written before them undone, and after its commit. Now and
then half a year passes, and the log goes on in a tree of its own.
"""

import shutil
import tempfile
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.exc import DBAPIError

from audit.checkpoint import Checkpoint, open_checkpoint
from audit.database import open_engine
from audit.disclosure import leaf
from audit.merkle import ProofError, verify_consistency, verify_inclusion
from audit.model import SYSTEM
from audit.proofs import consistency, inclusion, latest_checkpoint, logs
from audit.sequencer import Sequencer
from audit.store import metadata
from audit.store import tree as store
from audit.unit_of_work import Ledger, begin
from policies.ids import EventId
from tests.audit.checking import ActingSigner, check_log
from tests.audit.faulty import refuse, repair
from tests.audit.sample import LOG_NAME, NOW, signers, viewed
from tests.audit.second_verifier import (
    Subtree,
    check_path,
    check_proof,
    hash_of_leaf,
    subtree_hashes,
)
from tests.wrapping import MemoryWrapper

LINK = "consent-vault/previous-checkpoint/v1\n"
CRASHES = {
    "before the queue is emptied": ("audit_queue", "DELETE"),
    "before the leaves are written": ("audit_leaf", "INSERT"),
    "before the checkpoint is written": ("audit_checkpoint", "INSERT"),
}


class CrashError(Exception):
    """The process ends here."""


def crash(*_: object) -> None:
    raise CrashError


@dataclass(frozen=True, slots=True)
class Reference:
    """What one half-yearly log must be."""

    entries: list[bytes] = field(default_factory=list)
    ids: list[EventId | None] = field(default_factory=list)
    """None for the link to the log before."""
    sizes: list[int] = field(default_factory=list)
    """At which a checkpoint was signed."""

    @property
    def mth(self) -> Subtree:
        return subtree_hashes(self.entries)


class LogMachine(RuleBasedStateMachine):
    """One log on SQLite and its reference; a crash takes everything that is only in memory."""

    empty: Path
    """A database with the tables and nothing in them, copied for each run."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.empty, self.folder / "log.db")
        self.now = NOW
        self.waiting: list[tuple[EventId, bytes]] = []
        self.logs: dict[str, Reference] = {}
        self.wrapper = MemoryWrapper()
        self.begin_process()

    def begin_process(self) -> None:
        self.log = Ledger(open_engine(f"sqlite:///{self.folder / 'log.db'}"), self.wrapper)
        self.sequencer = Sequencer(self.log, signers())

    @rule()
    def restart(self) -> None:
        self.log.engine.dispose()
        self.begin_process()

    @rule()
    def half_a_year_passes(self) -> None:
        self.now += timedelta(days=184)

    @rule(count=st.integers(1, 40) | st.sampled_from([255, 256, 257]))
    def append(self, count: int) -> None:
        with begin(self.log, actor=SYSTEM, now=self.now) as uow:
            ids = [uow.record(viewed()) for _ in range(count)]
        with self.log.read() as connection:
            numbers = store.queued(connection, 10**6)[-count:]
            written = [leaf(each) for _, each in store.commitments(connection, numbers)]
        self.waiting += zip(ids, written, strict=True)

    @rule(count=st.integers(1, 5))
    def crash_while_appending(self, count: int) -> None:
        with suppress(CrashError), begin(self.log, actor=SYSTEM, now=self.now) as uow:
            for _ in range(count):
                uow.record(viewed())
            crash()
        self.restart()

    @rule()
    def sequence(self) -> None:
        made = self.sequencer.run_once(self.now)
        assert (made is not None) == bool(self.waiting)
        if made is not None:
            self.placed(made)

    @precondition(lambda self: self.waiting)
    @rule(where=st.sampled_from(list(CRASHES)))
    def crash_while_writing(self, where: str) -> None:
        table, change = CRASHES[where]
        refuse(self.log.engine, table, change)
        with pytest.raises(DBAPIError, match="planted"):
            self.sequencer.run_once(self.now)
        repair(self.log.engine, table)
        self.restart()

    @precondition(lambda self: self.waiting)
    @rule()
    def crash_while_signing(self) -> None:
        with pytest.raises(CrashError):
            Sequencer(self.log, ActingSigner(crash)).run_once(self.now)
        self.restart()

    @precondition(lambda self: self.waiting)
    @rule()
    def crash_while_publishing(self) -> None:
        seen: list[Checkpoint] = []
        publish = [lambda checkpoint, _: seen.append(checkpoint), crash]
        with pytest.raises(CrashError):
            Sequencer(self.log, signers(), publish=publish).run_once(self.now)
        self.placed(seen[0])
        self.restart()

    @precondition(lambda self: self.logs)
    @rule(data=st.data())
    def prove_an_event(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(list(self.logs)))
        log = self.logs[name]
        size = log.sizes[-1]
        index = data.draw(st.integers(0, size - 1))
        event_id = log.ids[index]
        if event_id is None:
            return
        with self.log.read() as connection:
            proof = inclusion(connection, self.log, event_id)
        assert proof is not None
        assert (proof.log, proof.index, proof.size) == (name, index, size)
        leaf_hash, root = hash_of_leaf(log.entries[index]), log.mth(0, size)
        check_path(index, size, leaf_hash, proof.hashes, root)
        changed = mutated(data, [leaf_hash, root, *proof.hashes])
        with pytest.raises(ProofError):
            verify_inclusion(
                index=index, size=size, leaf=changed[0], root=changed[1], proof=changed[2:]
            )

    @precondition(lambda self: self.logs)
    @rule(data=st.data())
    def prove_growth(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(list(self.logs)))
        log = self.logs[name]
        size = log.sizes[-1]
        old = data.draw(st.sampled_from(log.sizes) | st.integers(1, size))
        with self.log.read() as connection:
            proof = consistency(connection, old, size, log=name)
        root, grown = log.mth(0, old), log.mth(0, size)
        check_proof(old, size, root, grown, proof.hashes)
        changed = mutated(data, [root, grown, *proof.hashes])
        with pytest.raises(ProofError):
            verify_consistency(
                old_size=old,
                new_size=size,
                old_root=changed[0],
                new_root=changed[1],
                proof=changed[2:],
            )

    @invariant()
    def the_newest_checkpoint_of_each_log_is_the_reference(self) -> None:
        with self.log.read() as connection:
            assert logs(connection) == list(self.logs)
            notes = {name: latest_checkpoint(connection, log=name) for name in self.logs}
        for name, note in notes.items():
            assert note is not None
            origin, log = signers().origin(name), self.logs[name]
            signed = open_checkpoint(note, signers().verifiers(name), origin=origin)
            assert (signed.size, signed.root) == (log.sizes[-1], log.mth(0, log.sizes[-1]))

    def teardown(self) -> None:
        while (made := self.sequencer.run_once(self.now)) is not None:
            self.placed(made)
        sizes = [len(log.entries) for log in self.logs.values()]
        assert check_log(self.log, *self.logs) == sum(sizes)
        self.log.engine.dispose()
        shutil.rmtree(self.folder)

    def placed(self, checkpoint: Checkpoint) -> None:
        """All that was committed is in it: nothing waits for another round."""
        name = checkpoint.origin.rpartition("/")[2]
        if name not in self.logs:
            self.logs[name] = self.begun_log()
        log = self.logs[name]
        for event_id, entry in self.waiting:
            log.ids.append(event_id)
            log.entries.append(entry)
        self.waiting = []
        assert checkpoint.size == len(log.entries)
        log.sizes.append(checkpoint.size)

    def begun_log(self) -> Reference:
        """A new log, which holds the last checkpoint of the one before it, if there is one."""
        if not self.logs:
            return Reference()
        name, before = list(self.logs.items())[-1]
        root = b64encode(before.mth(0, before.sizes[-1])).decode()
        link = f"{LINK}{LOG_NAME}/{name}\n{before.sizes[-1]}\n{root}\n"
        return Reference([link.encode()], [None])


def mutated(data: st.DataObject, hashes: list[bytes]) -> list[bytes]:
    """The same with one bit changed, or one hash of the proof too few or too many."""
    how = data.draw(st.sampled_from(["bit", "more", "fewer"]))
    if how == "more":
        return [*hashes, hashes[0]]
    if how == "fewer" and len(hashes) > 2:
        return hashes[:-1]
    which = data.draw(st.integers(0, len(hashes) - 1))
    bit = data.draw(st.integers(0, 255))
    changed = (int.from_bytes(hashes[which], "big") ^ (1 << bit)).to_bytes(32, "big")
    return [*hashes[:which], changed, *hashes[which + 1 :]]


@pytest.mark.slow
def test_the_log_equals_a_reference_tree_whatever_happens(tmp_path: Path) -> None:
    LogMachine.empty = tmp_path / "empty.db"
    engine = open_engine(f"sqlite:///{LogMachine.empty}")
    metadata.create_all(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    # Without shrinking: it would take minutes, and 25 steps can be read as they are.
    phases = (Phase.reuse, Phase.generate)
    limits = settings(max_examples=40, stateful_step_count=25, deadline=None, phases=phases)
    run_state_machine_as_test(LogMachine, settings=limits)
