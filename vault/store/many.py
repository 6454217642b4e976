"""Statements that ask about many people or rows at once, built once for each engine."""

from typing import Any

from sqlalchemy import ARRAY, ColumnElement, any_, bindparam


def among(dialect: str, of: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """The column is one of the values of this name: a list, given when the statement is run.

    On PostgreSQL it is one parameter, however many they are; and no text (vault.store.arrays),
    which would be read anew for every row that is looked at.
    """
    if dialect == "sqlite":
        return of.in_(bindparam(name, expanding=True))
    return of == any_(bindparam(name, type_=ARRAY(of.type)))
