"""Partitions of the log on PostgreSQL: so that old parts can be archived and taken out in one go.

Events are cut by their number, leaves by log and index, each at multiples of 4,194,304 (2^22),
which is a whole number of tiles at every level below the fourth. Partitions are made ahead by
whoever owns the tables: `consent-vault db upgrade`, or the sequencer where it may. Should one be
missing all the same, rows go into a net (the DEFAULT partition) and an alarm says so; nothing is
refused and nothing lost, and the next `tend` makes a partition of the net, for which writers wait
some milliseconds; otherwise they notice nothing.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.shards import shard_after, shard_at
from audit.store import partitions as store
from audit.store import tree
from audit.store.reading import highest_number
from audit.tree import current_log

TABLES = ("audit_event", "audit_leaf")
STEP = 4_194_304
AHEAD = 1
"""How many partitions stand empty beside the one that fills."""


@dataclass(frozen=True, slots=True)
class Room:
    """How far a table's partitions reach, and how far they are filled."""

    table: str
    log: str | None
    filled: int
    end: int

    @property
    def left(self) -> int:
        """How many rows still have a partition; less than none when the net holds some."""
        return self.end - self.filled

    def is_of_next(self, now: datetime) -> bool:
        """Whether nothing goes in there before the next half-year."""
        return self.log == shard_after(shard_at(now))


def rooms(connection: Connection, now: datetime) -> list[Room]:
    """The room for events, and for leaves of the log of now and of the next half-year; none on
    SQLite."""
    if connection.dialect.name == "sqlite":
        return []
    ends = [int(each.end[0]) for each in store.ranges(connection, "audit_event")]
    found = [Room("audit_event", None, highest_number(connection), max(ends, default=0))]
    leaves = store.ranges(connection, "audit_leaf")
    for log in (current_log(connection, now), shard_after(shard_at(now))):
        own = [int(each.end[1]) for each in leaves if each.end[0] == log]
        size = tree.leaf_count(connection, log)
        found.append(Room("audit_leaf", log, size, max(own, default=0)))
    return found


def alarms(connection: Connection, now: datetime) -> list[str]:
    """What an operator must be told; empty when all is well. For logs, health page and doctor."""
    found = rooms(connection, now)
    return [
        f"{each.table}: rows of {each.log or 'events'} lie in the default partition"
        if each.left < 0
        else f"{each.table}: the last partition of {each.log or 'events'} is in use"
        for each in found
        if each.left < STEP and not each.is_of_next(now)
    ]


def tend_each(
    transaction: Callable[[], AbstractContextManager[Connection]], now: datetime
) -> list[str]:
    """Tend every table, each in a transaction of its own; gives the names of what was made.

    With both tables locked in one, we and a reader of both would wait for each other.
    """
    made: list[str] = []
    for table in TABLES:
        with transaction() as connection:
            made += tend(connection, now, tables=[table])
    return made


def tend(
    connection: Connection,
    now: datetime,
    *,
    tables: Collection[str] = TABLES,
    step: int = STEP,
) -> list[str]:
    """Make the partitions that are missing, where we own the tables; gives their names."""
    if connection.dialect.name == "sqlite" or not store.owned(connection):
        return []
    # A writer that holds a lock for long must not make all others queue behind us.
    connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
    for room in _rooms_in(connection, now, tables):
        if room.left <= 0 and not room.is_of_next(now):
            store.hold_writers(connection, room.table)
    made = [name for table in tables for name in _OF_THE_NET[table](connection, step)]
    for room in _rooms_in(connection, now, tables):
        ahead = 0 if room.is_of_next(now) else AHEAD
        end = room.end
        while end < _whole(room.filled, step) + ahead * step:
            made.append(_add(connection, room, end, step))
            end += step
    return made


def _rooms_in(connection: Connection, now: datetime, tables: Collection[str]) -> list[Room]:
    return [room for room in rooms(connection, now) if room.table in tables]


def _add(connection: Connection, room: Room, start: int, step: int) -> str:
    log = "" if room.log is None else f"{room.log}_"
    name = f"{room.table}_{log}{start // step}"
    key = "" if room.log is None else f"'{room.log}', "
    values = f"FOR VALUES FROM ({key}{start}) TO ({key}{start + step})"
    store.add(connection, room.table, name, values)
    return name


def _of_the_net_of_events(connection: Connection, step: int) -> list[str]:
    highest = store.ends_of_default_events(connection)
    if highest is None:
        return []
    ends = [int(each.end[0]) for each in store.ranges(connection, "audit_event")]
    start = max(ends, default=0)
    name = f"audit_event_{start // step}"
    values = f"FOR VALUES FROM ({start}) TO ({_whole(highest, step)})"
    store.turn_default_into(connection, "audit_event", name, values)
    return [name]


def _of_the_net_of_leaves(connection: Connection, step: int) -> list[str]:
    """One partition of all that the net holds; where one that is there already lies in between,
    one for each log, into which the rows are copied while writers wait."""
    ranges = store.ranges(connection, "audit_leaf")
    held = [
        _Leaves(log, _end_of(ranges, log), _whole(highest, step))
        for log, highest in store.ends_of_default_leaves(connection)
    ]
    if not held:
        return []
    first, last = held[0], held[-1]
    begins = [(each.start[0], int(each.start[1])) for each in ranges if each.start[1].isdigit()]
    if any((first.log, first.start) <= each < (last.log, last.end) for each in begins):
        parts = {each.name(step): each.values(each) for each in held}
        store.spread_default_over(connection, "audit_leaf", parts)
        return list(parts)
    store.turn_default_into(connection, "audit_leaf", first.name(step), first.values(last))
    return [first.name(step)]


@dataclass(frozen=True, slots=True)
class _Leaves:
    """Leaves [start, end) of a log, for which there is no partition."""

    log: str
    start: int
    end: int

    def name(self, step: int) -> str:
        return f"audit_leaf_{self.log}_{self.start // step}"

    def values(self, last: "_Leaves") -> str:
        """The bounds from here to the end of the last."""
        return f"FOR VALUES FROM ('{self.log}', {self.start}) TO ('{last.log}', {last.end})"


def _end_of(ranges: Sequence[store.Partition], log: str) -> int:
    return max((int(each.end[1]) for each in ranges if each.end[0] == log), default=0)


_OF_THE_NET = {"audit_event": _of_the_net_of_events, "audit_leaf": _of_the_net_of_leaves}


def _whole(last: int, step: int) -> int:
    """The end of the step in which a number lies."""
    return (last // step + 1) * step
