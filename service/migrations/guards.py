"""The guards of every room's insert-only tables: whether they stand, and how they come there."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table

from audit.guards import WeakGuard, restore_guards, weak_guards
from service.migrations.tables import ROOMS

TABLES: Sequence[Table] = [table for room in ROOMS for table in room.sorted_tables]


def weak(connection: Connection) -> list[WeakGuard]:
    """The guards that do not hold."""
    return weak_guards(connection, TABLES)


def restore(connection: Connection) -> list[WeakGuard]:
    """Make anew what does not hold, and what a new revision's tables still lack."""
    return restore_guards(connection, TABLES)
