"""SQL on many people at once: each question and each table is one statement, whatever their number.

On PostgreSQL the values go over as arrays (`unnest`), which costs a tenth of a statement for each
row; COPY is not for tables with row-level security.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql

from policies.ids import AttributeId, DatasetId, PersonId, RecordId, SourceId
from policies.vocabulary import AuthorityRank
from vault.store.arrays import literal
from vault.store.people import NewPerson
from vault.store.records import MOVE, DepositKey, Head
from vault.store.tables import (
    deposit,
    identifier,
    person,
    person_key,
    record,
    version,
)

Row = Mapping[str, Any]
RecordKey = tuple[PersonId, SourceId]


def people_of(connection: Connection, digests: Collection[bytes]) -> dict[bytes, PersonId]:
    """To whom the identifiers lead now."""
    query = select(identifier.c.digest, identifier.c.person_id).where(
        _among(connection, identifier.c.digest, digests), identifier.c.valid_to.is_(None)
    )
    return {row.digest: PersonId(row.person_id) for row in connection.execute(query)}


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
    statement = _from_arrays(identifier, tuple(claims[0])).on_conflict_do_nothing()
    found = connection.execute(
        statement.returning(identifier.c.person_id), _arrays(claims)
    ).scalars()
    return {PersonId(each) for each in found}


def add_people(connection: Connection, people: Sequence[NewPerson], *, now: datetime) -> None:
    """Write people with their first keys."""
    insert_rows(connection, person_key, [each.key_row(now) for each in people])
    insert_rows(connection, person, [each.row(now) for each in people])


def deposited(
    connection: Connection, wanted: Collection[tuple[PersonId, DepositKey]]
) -> set[tuple[PersonId, DepositKey]]:
    """Which of these documents came before."""
    query = select(
        deposit.c.person_id, deposit.c.dataset, deposit.c.source, deposit.c.document
    ).where(
        _among(connection, deposit.c.person_id, {owner for owner, _ in wanted}),
        _among(connection, deposit.c.document, {key.document for _, key in wanted}),
    )
    return {
        (
            PersonId(row.person_id),
            DepositKey(DatasetId(row.dataset), SourceId(row.source), row.document),
        )
        for row in connection.execute(query)
    }


def heads_of(
    connection: Connection, people: Collection[PersonId]
) -> dict[RecordKey, dict[AttributeId, Head]]:
    """The records of these people, by source and attribute."""
    query = (
        select(
            record.c.person_id,
            record.c.source,
            record.c.attribute,
            record.c.record_id,
            record.c.current,
            record.c.latest,
            version.c.authority,
            version.c.observed_at,
            record.c.protected,
        )
        .join_from(
            record,
            version,
            (version.c.person_id == record.c.person_id)
            & (version.c.record_id == record.c.record_id)
            & (version.c.version == record.c.current),
        )
        .where(_among(connection, record.c.person_id, people))
    )
    found: dict[RecordKey, dict[AttributeId, Head]] = defaultdict(dict)
    for row in connection.execute(query):
        found[PersonId(row.person_id), SourceId(row.source)][AttributeId(row.attribute)] = Head(
            RecordId(row.record_id),
            row.current,
            row.latest,
            AuthorityRank(row.authority),
            row.observed_at,
            row.protected,
        )
    return found


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(insert(table), rows)
    else:
        connection.execute(_from_arrays(table, tuple(rows[0])), _arrays(rows))


def move_records(connection: Connection, rows: Sequence[Row]) -> int:
    """Count more versions of records; how many there were as they had been read.

    Each row has `person`, `record`, `read` (versions before), `counts`, `now` and `marked`.
    """
    if not rows:
        return 0
    if connection.dialect.name == "sqlite":
        return connection.execute(MOVE, rows).rowcount
    return connection.execute(_MOVE_ALL, _arrays(rows)).rowcount


def _array(name: str, of: ColumnElement[Any]) -> ColumnElement[Any]:
    """A parameter for an array that is written by `literal`."""
    return cast(bindparam(name, type_=Text()), ARRAY(of.type))


_MOVED = (
    func.unnest(
        *(
            _array(name, of)
            for name, of in (
                ("person", record.c.person_id),
                ("record", record.c.record_id),
                ("read", record.c.latest),
                ("counts", record.c.current),
                ("now", record.c.latest),
                ("marked", record.c.protected),
            )
        )
    )
    .table_valued("person", "record", "read", "counts", "now", "marked")
    .render_derived(name="moved")
)
_MOVE_ALL = (
    update(record)
    .where(
        record.c.person_id == _MOVED.c.person,
        record.c.record_id == _MOVED.c.record,
        record.c.latest == _MOVED.c.read,
    )
    .values(current=_MOVED.c.counts, latest=_MOVED.c.now, protected=_MOVED.c.marked)
)


@cache
def _from_arrays(table: Table, names: tuple[str, ...]) -> postgresql.Insert:
    """INSERT … SELECT from one array for each column."""
    columns = [table.c[name] for name in names]
    arrays = [_array(each.name, each) for each in columns]
    made = func.unnest(*arrays).table_valued(*(column(each.name, each.type) for each in columns))
    return postgresql.insert(table).from_select(
        list(names), select(*made.render_derived(name="given").c)
    )


def _arrays(rows: Sequence[Row]) -> dict[str, str]:
    """The columns of the rows, each as an array."""
    return {name: literal([row[name] for row in rows]) for name in rows[0]}


def _among(
    connection: Connection, of: ColumnElement[Any], values: Collection[Any]
) -> ColumnElement[bool]:
    """The column is one of the values: on PostgreSQL as one parameter, however many they are."""
    if connection.dialect.name == "sqlite":
        return of.in_(list(values))
    # Not `literal`: as text it would be read anew for every row that is looked at.
    return of == any_(bindparam(None, list(values), type_=ARRAY(of.type), unique=True))
