"""When to sweep away rows that have had their time.

One insert in 256, by the first byte of a digest that nobody can choose, takes the expired rows
along. So the tables stay as small as the traffic of their lifetime, without a job, and no request
has much to do. What is swept could not be used any more and is about nobody's choice, so it is no
happening of its own.
"""

from sqlalchemy import ColumnElement, Delete, Table, delete, select, tuple_


def sweeps(digest: bytes) -> bool:
    """Whether the insert of this row takes expired ones along."""
    return digest[0] == 0


def sweep(table: Table, had_their_time: ColumnElement[bool]) -> Delete:
    """Delete these rows but for those that are locked elsewhere.

    A sweep takes rows of anybody, in any order, while its own transaction holds a consent: if it
    waited for them, it and a withdrawal, or two sweeps, could wait for each other.
    """
    key = list(table.primary_key.columns)
    rows = select(*key).where(had_their_time).with_for_update(skip_locked=True)
    return delete(table).where(tuple_(*key).in_(rows))
