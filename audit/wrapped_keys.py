"""A table of keys that are wrapped by a provider, as the key ring (vault.key_ring) works on it.

To wrap a key anew changes nothing but its wrapping, and only where the row still holds what was
read: so a key that was destroyed or wrapped anew meanwhile is left alone. It is an UPDATE and not a
new row, since whoever waits to destroy the key finds it in the changed row, and would not find it
in a new one. The statements are here and not in a store because they are the same in two rooms.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Connection,
    LargeBinary,
    Table,
    bindparam,
    func,
    literal,
    select,
    text,
    tuple_,
    update,
)

from audit.keys import context_of
from audit.store.tables import log_key

RowId = tuple[Any, ...]

HEADER_BYTES = 5
"""How many first bytes of a wrapped key name its key-encryption key (KEK)."""


@dataclass(frozen=True, slots=True)
class WrappedRow:
    """A wrapped key as its table holds it, and what its wrapping is bound to."""

    id: RowId
    wrapped: bytes = field(repr=False)
    context: bytes = field(repr=False)


class WrappedKeys:
    """A table with a column `wrapped`."""

    def __init__(self, table: Table, *, reason: str, context: Callable[[Any], bytes]) -> None:
        self.reason = reason
        """Which keys these are, as a reason code."""
        self._context = context
        self._id = list(table.primary_key.columns)
        self._header = func.substr(
            table.c.wrapped, text("1"), text(str(HEADER_BYTES)), type_=LargeBinary
        )
        self._table = table
        self._replace = (
            update(table)
            .where(*(each == bindparam(f"of_{each.name}") for each in self._id))
            .where(table.c.wrapped == bindparam("read"))
            .values(wrapped=bindparam("new"))
        )

    def headers(self, connection: Connection) -> dict[bytes, int]:
        """How many keys there are under each header."""
        query = select(self._header, func.count()).group_by(self._header)
        return {row[0]: row[1] for row in connection.execute(query)}

    def page(
        self, connection: Connection, headers: Collection[bytes], after: RowId | None, limit: int
    ) -> list[WrappedRow]:
        """The next keys under one of these headers, in the order of their rows' ids."""
        query = select(*self._id, self._table.c.wrapped).where(self._header.in_(headers))
        if after is not None:
            last = (literal(part, each.type) for part, each in zip(after, self._id, strict=True))
            query = query.where(tuple_(*self._id) > tuple_(*last))
        rows = connection.execute(query.order_by(*self._id).limit(limit))
        return [WrappedRow(tuple(row[:-1]), row.wrapped, self._context(row)) for row in rows]

    def replace(self, connection: Connection, rows: Sequence[tuple[WrappedRow, bytes]]) -> int:
        """Give each row that still is what was read its new wrapping; how many that were."""
        changes = [
            {f"of_{each.name}": part for each, part in zip(self._id, row.id, strict=True)}
            | {"read": row.wrapped, "new": new}
            for row, new in rows
        ]
        return connection.execute(self._replace, changes).rowcount


LOG_KEYS = WrappedKeys(log_key, reason="log-keys", context=lambda row: context_of(row.key_id))
"""The keys of the log."""
