"""Locking rows in one order, for whoever changes several of them.

Two transactions that change the same rows, one in the order of their keys and the other in the
order in which they lie, would wait for each other for ever. Whoever takes several rows takes them
in the order of their primary key; a statement that finds them in an order of its own is preceded by
this one.
"""

from sqlalchemy import ColumnElement, Connection, Table, select


def lock_rows(connection: Connection, table: Table, *those: ColumnElement[bool]) -> None:
    """Lock the rows of the table in the order of its primary key, until the transaction ends."""
    if connection.dialect.name == "sqlite":  # a writer is alone
        return
    key = list(table.primary_key.columns)
    connection.execute(select(*key).where(*those).order_by(*key).with_for_update()).all()
