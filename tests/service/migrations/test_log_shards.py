"""A log from before the half-yearly logs: kept as it was signed, and continued under a new name."""

import os
from datetime import UTC, datetime

import pytest
from alembic import command
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from audit.bundle import write_bundle
from audit.checkpoint import Checkpoint
from audit.disclosure import commitment, leaf, split_digests
from audit.edge import Edge
from audit.log_signers import LogSigners
from audit.merkle import leaf_hash
from audit.proofs import inclusion, logs
from audit.seal import seal_parts
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger
from audit.verify import verify_bundle
from policies.ids import EventId, new_uuid
from service.migrations.upgrade import _config, upgrade
from tests.audit.sample import NOW, record
from tests.wrapping import MemoryWrapper

SIGNERS = LogSigners("vault.example/audit", [Ed25519PrivateKey.from_private_bytes(bytes(32))])
LATER = datetime(2026, 12, 24, tzinfo=UTC)
COUNT = 300
CLOSED = seal_parts(new_uuid(), [])
"""What is sealed of an event that nobody can open."""


@pytest.fixture
def before(empty_engine: Engine) -> Engine:
    """A database without rows at the revision before."""
    with empty_engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    return empty_engine


def fill(connection: Connection) -> list[EventId]:
    """Three hundred closed events under a checkpoint, as they were written at that time."""
    ids = [EventId(new_uuid()) for _ in range(COUNT)]
    sqlite = connection.dialect.name == "sqlite"
    at = int(NOW.timestamp() * 1_000_000) if sqlite else NOW
    edge, leaves, events = Edge(), [], []
    tiles = []
    for number, event_id in enumerate(ids, 1):
        digests = os.urandom(768)
        committed = commitment(event_id, split_digests(digests))
        stored = {"n": number, "id": event_id.hex if sqlite else event_id, "at": at}
        events.append(stored | {"commitment": committed, "digests": digests, "sealed": CLOSED})
        leaves.append({"place": number - 1, "n": number, "hash": leaf_hash(leaf(committed))})
        tiles += edge.append([leaf_hash(leaf(committed))])
    event = "INSERT INTO audit_event VALUES (:n, :id, :at, :commitment, :digests, :sealed)"
    connection.execute(text(event), events)
    connection.execute(text("INSERT INTO audit_leaf VALUES (:place, :n, :hash)"), leaves)
    rows = [{"p": each.index, "hashes": each.hashes, "root": each.root} for each in tiles]
    connection.execute(text("INSERT INTO audit_tile VALUES (0, :p, :hashes, :root)"), rows)
    note = SIGNERS.sign("0", str(Checkpoint("vault.example/audit", COUNT, edge.root())), NOW)
    signed = {"size": COUNT, "root": edge.root(), "at": at, "note": note}
    connection.execute(
        text("INSERT INTO audit_checkpoint VALUES (:size, :root, :at, :note)"), signed
    )
    if not sqlite:
        connection.execute(text(f"SELECT setval('audit_event_number_seq', {COUNT})"))
    return ids


def test_what_was_signed_still_verifies_and_is_continued(before: Engine) -> None:
    with before.begin() as connection:
        ids = fill(connection)
    assert upgrade(before)
    ledger = Ledger(before, MemoryWrapper())
    ids += record(ledger, 5)
    signed = Sequencer(ledger, SIGNERS).run_once(LATER)
    assert signed is not None
    assert (signed.origin, signed.size) == ("vault.example/audit/2026h2", 6)
    with ledger.read() as connection:
        assert logs(connection) == ["0", "2026h2"]
        for log, size, events in (("0", COUNT, COUNT), ("2026h2", 6, 5)):
            bundle = write_bundle(connection, ledger, signers=SIGNERS, log=log)
            report = verify_bundle(bundle, vkey=SIGNERS.vkeys(log)[0])
            assert (report.size, report.closed + sum(report.kinds.values())) == (size, events)
        for place, log, index in ((0, "0", 0), (299, "0", 299), (304, "2026h2", 5)):
            proof = inclusion(connection, ledger, ids[place])
            assert proof is not None
            assert (proof.log, proof.index) == (log, index)


def test_an_empty_log_of_that_time_leaves_no_trace(before: Engine) -> None:
    upgrade(before)
    ledger = Ledger(before, MemoryWrapper())
    record(ledger)
    signed = Sequencer(ledger, SIGNERS).run_once(LATER)
    assert signed is not None
    assert (signed.origin, signed.size) == ("vault.example/audit/2026h2", 1)


@pytest.mark.parametrize("table", ["audit_leaf", "audit_tile", "audit_checkpoint"])
def test_the_tables_are_insert_only_as_before(before: Engine, table: str) -> None:
    with before.begin() as connection:
        fill(connection)
    upgrade(before)
    assert table in inspect(before).get_table_names()
    for change in (f"DELETE FROM {table}", f"UPDATE {table} SET log = 'x'"):
        with before.connect() as connection, pytest.raises(DBAPIError, match="insert-only"):
            connection.execute(text(change))
