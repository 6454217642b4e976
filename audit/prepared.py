"""Statements of the hot paths: written in typed Core, compiled once, run at the driver.

A fetch has three of them and a token seven, so the stores of the other rooms run those through
here. Types are converted by the same processors as Core uses.
"""

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Insert, Select, UpdateBase
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import iterate

from audit.changes import note_at_driver
from audit.driver import DRIVER_ERRORS, Ran, Statement, run

Processor = Callable[[Any], Any] | None

_LIST = re.compile(r"__\[POSTCOMPILE_(\w+?)\]")
_NAMED = re.compile(r"%\((\w+)\)s")


class _Bound(NamedTuple):
    """A parameter: its name, its fixed value where it has one, how it is converted."""

    name: str
    required: bool
    value: Any
    processor: Processor


class _SpelledOut(NamedTuple):
    """A text as the driver takes it, and the names of the values in their order."""

    text: str
    order: list[str]


class _Text:
    """A statement for one dialect: its text, its parameters, and the lists in it spelled out."""

    def __init__(self, made: SQLCompiler, dialect: Dialect) -> None:
        self._text = str(made)
        self._positional = made.positional
        names = made.positiontup if made.positional else list(made.binds)
        self._order = list(names or [])
        self._bound = [_bound(made, name, dialect) for name in dict.fromkeys(self._order)]
        self._spelled: dict[tuple[int, ...], _SpelledOut] = {}

    def with_values(self, parameters: Mapping[str, Any]) -> Statement:
        """The statement with these values in it."""
        values: dict[str, Any] = {}
        lengths: list[int] = []
        for name, required, fixed, processor in self._bound:
            value = parameters[name] if required else parameters.get(name, fixed)
            if isinstance(value, list):
                lengths.append(len(value))
                for i, each in enumerate(value):
                    values[f"{name}_{i}"] = _processed(processor, each)
            else:
                values[name] = _processed(processor, value)
        text, order = self._spelled.get(tuple(lengths)) or self._spell(tuple(lengths), parameters)
        return Statement(text, [values[name] for name in order])

    def _spell(self, lengths: tuple[int, ...], parameters: Mapping[str, Any]) -> _SpelledOut:
        """The text with one placeholder for each member of each list."""
        members = {
            found: [f"{found}_{i}" for i in range(len(parameters[found]))]
            for found in _LIST.findall(self._text)
        }
        made = self._with_marks(members) if self._positional else self._with_numbers(members)
        self._spelled[lengths] = made
        return made

    def _with_marks(self, members: Mapping[str, list[str]]) -> _SpelledOut:
        text = _LIST.sub(lambda found: _listed(["?"] * len(members[found[1]])), self._text)
        return _SpelledOut(text, [n for name in self._order for n in members.get(name, [name])])

    def _with_numbers(self, members: Mapping[str, list[str]]) -> _SpelledOut:
        """Named placeholders as `$1`, the same number for the same name."""
        named = _LIST.sub(
            lambda found: _listed([f"%({name})s" for name in members[found[1]]]), self._text
        )
        order = list(dict.fromkeys(_NAMED.findall(named)))
        numbers = {name: f"${i}" for i, name in enumerate(order, 1)}
        text = _NAMED.sub(lambda found: numbers[found[1]], named)
        return _SpelledOut(text.replace("%%", "%"), order)


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
        query = self._queries.get(connection.dialect.name)
        if query is None:
            query = _Query(self._statement, connection.dialect)
            self._queries[connection.dialect.name] = query
        (ran,) = _run(connection, [query.text.with_values(parameters)])
        return [query.made(row) for row in ran.rows]

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
        return self.run_each(connection, [row])[0]

    def run_each(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[bool]:
        """The same for several rows, in one round trip."""
        text = self._texts.get(connection.dialect.name)
        if text is None:
            text = self._made(connection.dialect, list(rows[0]))
        if any(row.keys() != self._columns for row in rows):
            raise TypeError("not the columns that this statement was made for")
        done = _run(connection, [text.with_values(row) for row in rows])
        for each in done:
            note_at_driver(connection, each.tag, each.affected)
        return [each.affected > 0 for each in done]

    def _made(self, dialect: Dialect, columns: list[str]) -> _Text:
        made = self._statement.compile(dialect=dialect, column_keys=columns)
        self._texts[dialect.name] = _Text(made, dialect)
        self._columns = set(columns)
        return self._texts[dialect.name]


def _run(connection: Connection, statements: Sequence[Statement]) -> list[Ran]:
    """Raises DBAPIError, as Core does."""
    try:
        return run(connection, statements)
    except DRIVER_ERRORS as error:
        text = "; ".join(each.text for each in statements)
        raise _as_in_core(text, error, connection.dialect) from error


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


def _listed(placeholders: Sequence[str]) -> str:
    return ", ".join(placeholders) or "NULL"  # nothing is in an empty list


def _processed(processor: Processor, value: Any) -> Any:
    return value if processor is None else processor(value)
