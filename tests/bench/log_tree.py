"""A large log made quickly: rows by COPY, hashes and tiles by the log's own edge, one signature."""

import os
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from audit.checkpoint import Checkpoint
from audit.disclosure import leaf
from audit.edge import Edge
from audit.log_signers import LogSigners
from audit.merkle import leaf_hash
from audit.partitions import tend
from audit.shards import shard_at
from audit.store import tree as store
from audit.tree import StoredTree
from audit.unit_of_work import Ledger

PIECE = 65_536
_EVENT = "COPY audit_event (number, event_id, at, commitment, digests, sealed) FROM STDIN"
_LEAF = 'COPY audit_leaf (log, "index", number, leaf_hash) FROM STDIN'
_QUEUE = "COPY audit_queue (number) FROM STDIN"


def grow(ledger: Ledger, signers: LogSigners, size: int, now: datetime, *, every: int = 1) -> None:
    """Let the newest log have that many leaves; every n-th with an event behind it.

    The events are empty but for their commitment: what is measured afterwards opens none of them.
    """
    log = shard_at(now)
    with ledger.engine.begin() as connection:
        tend(connection, now)
        last = store.last_checkpoint(connection, log)
        edge = Edge() if last is None else StoredTree(connection, log, last.size).edge()
        number = _next_number(connection)
    while edge.size < size:
        count = min(PIECE, size - edge.size)
        with ledger.engine.begin() as connection:
            _piece(connection, log, edge, number, count, now, every)
            tend(connection, now)
        number += count
    with ledger.engine.begin() as connection:
        connection.execute(text(f"SELECT setval('audit_event_number_seq', {number})"))
        checkpoint = Checkpoint(signers.origin(log), edge.size, edge.root())
        note = signers.sign(log, str(checkpoint), now)
        row = store.CheckpointRow(log, checkpoint.size, checkpoint.root, now, note)
        store.insert_checkpoint(connection, row)


def wait_in_queue(ledger: Ledger, count: int, now: datetime) -> None:
    """Events of customary size, waiting for their places."""
    with ledger.engine.begin() as connection:
        number = _next_number(connection)
        rows = (
            (each, _uuid(), now, os.urandom(32), bytes(768), bytes(440))
            for each in range(number, number + count)
        )
        _copy(connection, _EVENT, rows)
        _copy(connection, _QUEUE, ((each,) for each in range(number, number + count)))
        connection.execute(text(f"SELECT setval('audit_event_number_seq', {number + count})"))


def analyse(ledger: Ledger) -> None:
    """Fresh statistics, as autovacuum would make them in time."""
    with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _piece(
    connection: Connection,
    log: str,
    edge: Edge,
    number: int,
    count: int,
    now: datetime,
    every: int,
) -> None:
    start = edge.size
    random = os.urandom(32 * count)
    commitments = [random[place : place + 32] for place in range(0, len(random), 32)]
    hashes = [leaf_hash(leaf(each)) for each in commitments]
    tiles = edge.append(hashes)
    numbers = range(number, number + count)
    events = (
        (each, _uuid(), now, commitment, b"", b"")
        for each, commitment in zip(numbers, commitments, strict=True)
    )
    _copy(connection, _EVENT, islice(events, 0, None, every))
    _copy(
        connection,
        _LEAF,
        ((log, start + place, number + place, hashed) for place, hashed in enumerate(hashes)),
    )
    store.insert_tiles(connection, log, tiles)


def _copy(connection: Connection, statement: str, rows: Iterator[tuple[Any, ...]]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _next_number(connection: Connection) -> int:
    return int(connection.execute(text("SELECT nextval('audit_event_number_seq')")).scalar_one())


def _uuid() -> UUID:
    return UUID(bytes=os.urandom(16))
