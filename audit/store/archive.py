"""SQL on what has been archived: minimum indexes, and the partitions below them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, text

from audit.store.partitions import Partition, add, detach, ranges
from audit.store.tables import checkpoint, retention

_PLACED = """\
SELECT count(*) FROM audit_leaf l
JOIN (SELECT log, max(minimum_index) AS minimum FROM audit_retention GROUP BY log) r
  ON r.log = l.log AND l."index" < r.minimum
WHERE l.number >= :start AND l.number < :end"""


class PartitionInUseError(RuntimeError):
    """Rows came into a partition while it was taken out; nothing was changed."""


def minimum_index(connection: Connection, log: str) -> int:
    """The highest one that was ever set, 0 before."""
    query = select(func.max(retention.c.minimum_index)).where(retention.c.log == log)
    return connection.execute(query).scalar_one() or 0


def raise_minimum(
    connection: Connection, log: str, index: int, at: datetime, event_id: UUID
) -> None:
    """Set a new minimum index."""
    values = {"log": log, "minimum_index": index, "at": at, "audit_event_id": event_id}
    connection.execute(insert(retention).values(values))


def size_at(connection: Connection, log: str, moment: datetime) -> int:
    """The size that the log had signed before that moment."""
    query = select(func.max(checkpoint.c.size)).where(
        checkpoint.c.log == log, checkpoint.c.at < moment
    )
    return connection.execute(query).scalar_one() or 0


def detach_below_minimum(connection: Connection) -> list[str]:
    """Take out every partition of which nothing is at or above a minimum index (PostgreSQL).

    Events first. Leaves stay as long as one of their events does, so that no event ever stands
    without its leaf. The hashes of a partial tile at the end of a closed log stay: there is no
    tile row that would hold them.
    """
    connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
    counted = [(each, _all_below(connection, each)) for each in ranges(connection, "audit_event")]
    events = [(each, count) for each, count in counted if count]
    gone = max((_end(each) for each, _ in events), default=_lowest(connection))
    parts = ranges(connection, "audit_leaf")
    leaves = [each for each in parts if _leaves_below(connection, each, gone)]
    for part, count in events:
        detach(connection, "audit_event", part.name)  # from here on no writer is in it
        if _count(connection, part) != count:
            raise PartitionInUseError(part.name)
    for part in leaves:
        _detach_leaves(connection, part)
    return [each.name for each in (*(part for part, _ in events), *leaves)]


def _all_below(connection: Connection, part: Partition) -> int:
    """How many events are in it, when it is full and each has a leaf below a minimum index."""
    highest = connection.execute(text("SELECT max(number) FROM audit_event")).scalar_one()
    count = _count(connection, part)
    if not count or highest < _end(part):
        return 0
    lowest = connection.execute(text(f"SELECT min(number) FROM {part.name}")).scalar_one()
    numbers = {"start": lowest, "end": _end(part)}
    placed: int = connection.execute(text(_PLACED), numbers).scalar_one()
    return count if placed == count else 0


def _count(connection: Connection, part: Partition) -> int:
    counted: int = connection.execute(text(f"SELECT count(*) FROM {part.name}")).scalar_one()
    return counted


def _lowest(connection: Connection) -> int:
    """The lowest event that is still there: leaves of lower ones may go."""
    return connection.execute(text("SELECT min(number) FROM audit_event")).scalar_one() or 0


def _leaves_below(connection: Connection, part: Partition, gone: int) -> bool:
    """Whether none of its leaves has an event that stays, or is at or above a minimum index."""
    query = text(
        f'SELECT count(*), max(l.number), bool_and(l."index" < coalesce(r.minimum, 0))'
        f" FROM {part.name} l LEFT JOIN (SELECT log, max(minimum_index) AS minimum"
        " FROM audit_retention GROUP BY log) r ON r.log = l.log"
    )
    count, highest, below = connection.execute(query).one()
    return bool(count) and bool(below) and (highest or 0) < gone


def _detach_leaves(connection: Connection, part: Partition) -> None:
    detach(connection, "audit_leaf", part.name)
    tails = connection.execute(
        text(
            f'SELECT log, max("index") / 256 * 256 AS start FROM {part.name}'
            ' GROUP BY log HAVING (max("index") + 1) % 256 <> 0'
        )
    ).all()
    for log, start in tails:
        name = f"audit_leaf_{log}_end"
        values = f"FOR VALUES FROM ('{log}', {start}) TO ('{log}', {start + 256})"
        add(connection, "audit_leaf", name, values)
        connection.exec_driver_sql(
            'INSERT INTO audit_leaf (log, "index", number, leaf_hash)'
            f' SELECT log, "index", number, leaf_hash FROM {part.name}'
            f" WHERE log = '{log}' AND \"index\" >= {start}"
        )


def _end(part: Partition) -> int:
    return int(part.end[0])
