"""SQL on many people at once: each question and each table is one statement, whatever their number.

On PostgreSQL the values go over as arrays (`unnest`), which costs a tenth of a statement for each
row; COPY is not for tables with row-level security.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql

from policies.ids import PersonId
from vault.store.arrays import literal
from vault.store.many import among
from vault.store.people import NewPerson
from vault.store.tables import identifier, person, person_key

Row = Mapping[str, Any]


def people_of(connection: Connection, digests: Collection[bytes]) -> dict[bytes, PersonId]:
    """To whom the identifiers lead now."""
    rows = connection.execute(_led_to(connection.dialect.name), {"digests": list(digests)})
    return {row.digest: PersonId(row.person_id) for row in rows}


def claim_identifiers(
    connection: Connection, rows: Sequence[Row], *, now: datetime
) -> set[PersonId]:
    """Let each identifier lead to its person, unless it leads to somebody already; whose did.

    On PostgreSQL this waits for another transaction that claims one of them; so they go in the
    order of their digests, and two such transactions never wait for each other.
    """
    in_order = sorted(rows, key=lambda row: row["digest"])
    claims = [{**row, "valid_from": now} for row in in_order]
    if connection.dialect.name == "sqlite":
        connection.execute(insert(identifier), claims)
        return {row["person_id"] for row in claims}
    statement = _fromarrays_of(identifier, tuple(claims[0])).on_conflict_do_nothing()
    found = connection.execute(
        statement.returning(identifier.c.person_id), arrays_of(claims)
    ).scalars()
    return {PersonId(each) for each in found}


def add_people(connection: Connection, people: Sequence[NewPerson], *, now: datetime) -> None:
    """Write people with their first keys."""
    insert_rows(connection, person_key, [each.key_row(now) for each in people])
    insert_rows(connection, person, [each.row(now) for each in people])


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(insert(table), rows)
    else:
        connection.execute(_fromarrays_of(table, tuple(rows[0])), arrays_of(rows))


def array(name: str, of: ColumnElement[Any]) -> ColumnElement[Any]:
    """A parameter for an array that is written by `literal`."""
    return cast(bindparam(name, type_=Text()), ARRAY(of.type))


@cache
def _fromarrays_of(table: Table, names: tuple[str, ...]) -> postgresql.Insert:
    """INSERT … SELECT from one array for each column."""
    columns = [table.c[name] for name in names]
    arrays = [array(each.name, each) for each in columns]
    made = func.unnest(*arrays).table_valued(*(column(each.name, each.type) for each in columns))
    return postgresql.insert(table).from_select(
        list(names), select(*made.render_derived(name="given").c)
    )


def arrays_of(rows: Sequence[Row]) -> dict[str, str]:
    """The columns of the rows, each as an array."""
    return {name: literal([row[name] for row in rows]) for name in rows[0]}


@cache
def _led_to(dialect: str) -> Select[Any]:
    query = select(identifier.c.digest, identifier.c.person_id)
    these = among(dialect, identifier.c.digest, "digests")
    return query.where(these, identifier.c.valid_to.is_(None))
