"""Statements of the hot paths: written in typed Core, compiled once, run at the driver.

Executing through Core costs some 70 µs of CPU a statement on SQLite and 140 µs on PostgreSQL, the
statement itself 10 and 25. A fetch has three of them and a token seven, so the stores of the
other rooms run those through here. Types are converted by the same processors as Core uses.
"""

import re
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Connection, Dialect, Insert, Select, UpdateBase
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import iterate

from audit.changes import note_at_driver

Processor = Callable[[Any], Any] | None

_LIST = re.compile(r"__\[POSTCOMPILE_(\w+?)\]")


class _Bound(NamedTuple):
    """A parameter: its name, its fixed value where it has one, how it is converted."""

    name: str
    required: bool
    value: Any
    processor: Processor


class _Text:
    """A statement for one dialect: its text, its parameters, and the lists in it spelled out."""

    def __init__(self, made: SQLCompiler, dialect: Dialect) -> None:
        self._text = str(made)
        self._dialect = dialect
        self._positional = made.positional
        names = made.positiontup if made.positional else list(made.binds)
        self._bound = [_bound(made, name, dialect) for name in names or []]
        self._texts: dict[tuple[int, ...], str] = {}

    def run(self, driver: Any, parameters: Mapping[str, Any]) -> Any:
        """The driver's cursor after the statement. Raises DBAPIError, as Core does."""
        values: list[tuple[str, Any]] = []
        lengths: list[int] = []
        for name, required, fixed, processor in self._bound:
            value = parameters[name] if required else parameters.get(name, fixed)
            if isinstance(value, list):
                lengths.append(len(value))
                values += [(f"{name}_{i}", _processed(processor, v)) for i, v in enumerate(value)]
            else:
                values.append((name, _processed(processor, value)))
        text = self._texts.get(tuple(lengths)) or self._spelled_out(tuple(lengths), parameters)
        given = [value for _, value in values] if self._positional else dict(values)
        try:
            return driver.execute(text, given)
        except (sqlite3.Error, psycopg.Error) as error:
            raise _as_in_core(text, error, self._dialect) from error

    def _spelled_out(self, lengths: tuple[int, ...], parameters: Mapping[str, Any]) -> str:
        """The text with one placeholder for each member of each list."""

        def placeholders(found: re.Match[str]) -> str:
            members = range(len(parameters[found[1]]))
            if not members:
                return "NULL"  # nothing is in an empty list
            if self._positional:
                return ", ".join("?" for _ in members)
            return ", ".join(f"%({found[1]}_{i})s" for i in members)

        self._texts[lengths] = _LIST.sub(placeholders, self._text)
        return self._texts[lengths]


class _Query:
    """A SELECT for one dialect, with what makes its rows."""

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        self.text = _Text(statement.compile(dialect=dialect), dialect)
        columns = list(statement.selected_columns)
        self._results = [
            (place, processor)
            for place, column in enumerate(columns)
            if (processor := column.type.dialect_impl(dialect).result_processor(dialect, None))
        ]
        # Names are known at run time only, so this type is one for the checker to trust.
        self._row: Any = namedtuple("Row", [c.key or "_" for c in columns], rename=True)  # type: ignore[misc]

    def made(self, row: Sequence[Any]) -> Any:
        values = list(row)
        for place, processor in self._results:
            values[place] = processor(values[place])
        return self._row._make(values)


class PreparedSelect:
    """A SELECT with named parameters; a list may stand behind IN.

    What it would change inside a WITH could not be counted, so there may be nothing of the kind.
    """

    def __init__(self, statement: Select[Any]) -> None:
        if any(isinstance(each, UpdateBase) for each in iterate(statement)):
            raise TypeError("a query that changes rows")
        self._statement = statement
        self._queries: dict[str, _Query] = {}

    def rows(self, connection: Connection, parameters: Mapping[str, Any]) -> list[Any]:
        """All rows, as named tuples in the order of the selected columns."""
        dialect = connection.dialect
        query = self._queries.get(dialect.name)
        if query is None:
            query = self._queries[dialect.name] = _Query(self._statement, dialect)
        driver = connection.connection.driver_connection
        return [query.made(row) for row in query.text.run(driver, parameters).fetchall()]

    def one_or_none(self, connection: Connection, parameters: Mapping[str, Any]) -> Any:
        """The row, None when there is none. More than one is a programming error."""
        rows = self.rows(connection, parameters)
        if len(rows) > 1:
            raise RuntimeError("one row was expected")
        return rows[0] if rows else None


class PreparedInsert:
    """An INSERT of one row, always with the same columns."""

    def __init__(self, statement: Insert) -> None:
        self._statement = statement
        self._texts: dict[str, _Text] = {}
        self._columns: set[str] = set()

    def run(self, connection: Connection, row: Mapping[str, Any]) -> bool:
        """False when the statement leaves a row that is there already as it was."""
        dialect = connection.dialect
        text = self._texts.get(dialect.name)
        if text is None:
            made = self._statement.compile(dialect=dialect, column_keys=list(row))
            text = self._texts[dialect.name] = _Text(made, dialect)
            self._columns = set(row)
        if row.keys() != self._columns:
            raise TypeError("not the columns that this statement was made for")
        cursor = text.run(connection.connection.driver_connection, row)
        note_at_driver(connection, cursor)
        return bool(cursor.rowcount > 0)


def _bound(made: SQLCompiler, name: str, dialect: Dialect) -> _Bound:
    parameter = made.binds[name]
    processor = parameter.type.dialect_impl(dialect).bind_processor(dialect)
    return _Bound(name, parameter.required, parameter.value, processor)


def _as_in_core(text: str, error: Exception, dialect: Dialect) -> BaseException:
    """The error under the name by which callers know it, and without the parameters."""
    driver: Any = dialect.dbapi
    known: BaseException = DBAPIError.instance(
        text, None, error, driver.Error, hide_parameters=True, dialect=dialect
    )
    return known


def _processed(processor: Processor, value: Any) -> Any:
    return value if processor is None else processor(value)
