"""Many invented people made quickly: keys and records sealed as in earnest, rows written in bulk.

Nobody's rows are events here, since what is measured afterwards never looks at these.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Table, insert

from audit.unit_of_work import Ledger
from policies.facts import Fact
from policies.ids import AttributeId, PersonId, RecordId
from vault.envelope import Place, seal
from vault.payload import CONTENT_TYPE, encode
from vault.store import tables
from vault.vault import Vault

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PIECE = 2_000
_TABLES = (tables.person, tables.person_key, tables.deposit, tables.record, tables.version)
Rows = dict[Table, list[dict[str, Any]]]


def add_people(ledger: Ledger, vault: Vault, count: int, facts: Sequence[Fact]) -> list[PersonId]:
    """People of whom one source has handed in these facts; gives a few hundred of them."""
    some: list[PersonId] = []
    for start in range(0, count, PIECE):
        rows: Rows = {table: [] for table in _TABLES}
        for _ in range(min(PIECE, count - start)):
            person = PersonId(uuid4())
            for table, row in _rows_of(vault, person, facts):
                rows[table].append(row)
        with ledger.writer.unaccounted_transaction() as connection:
            for table in _TABLES:
                _write(connection, table, rows[table])
        some += [each["person_id"] for each in rows[tables.person][:: max(1, count // 400)]]
    return some


def _rows_of(
    vault: Vault, person: PersonId, facts: Sequence[Fact]
) -> Iterator[tuple[Table, dict[str, Any]]]:
    key, wrapped = vault.new_person_key(person, 1)
    own, deposit = {"person_id": person}, uuid4()
    yield (
        tables.person,
        own
        | {
            "key_version": 1,
            "pairwise_seed": os.urandom(109),
            "created_at": NOW,
            "audit_event_id": uuid4(),
        },
    )
    yield tables.person_key, own | {"version": 1, "wrapped": wrapped, "created_at": NOW}
    yield (
        tables.deposit,
        own
        | {
            "deposit_id": deposit,
            "dataset": vault.catalogue.attribute(facts[0].attribute).dataset,
            "source": facts[0].source,
            "document": os.urandom(32),
            "received_at": NOW,
            "audit_event_id": uuid4(),
        },
    )
    for fact in facts:
        yield from _record(vault, person, fact, key, deposit)


def _record(
    vault: Vault, person: PersonId, fact: Fact, key: bytearray, deposit: UUID
) -> Iterator[tuple[Table, dict[str, Any]]]:
    record = RecordId(uuid4())
    dataset = vault.catalogue.attribute(fact.attribute).dataset
    ids = {"person_id": person, "record_id": record}
    place = Place(
        installation=vault.installation,
        person=person,
        dataset=dataset,
        record=record,
        version=1,
        field=fact.attribute,
        key_version=1,
        content_type=CONTENT_TYPE,
    )
    yield (
        tables.record,
        ids
        | {
            "attribute": fact.attribute,
            "source": fact.source,
            "dataset": dataset,
            "current": 1,
            "latest": 1,
            "protected": False,
            "disputed": False,
            "restricted": False,
        },
    )
    yield (
        tables.version,
        ids
        | {
            "version": 1,
            "key_version": 1,
            "deposit_id": deposit,
            "authority": int(fact.authority),
            "observed_at": fact.observed_at,
            "valid_to": None,
            "labels": "",
            "sealed": seal(key, place, encode(fact)),
        },
    )


def _write(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(insert(table), rows)
        return
    names = list(rows[0])
    driver: Any = connection.connection.driver_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row([row[name] for name in names])


ATTRIBUTES = (
    AttributeId("income.monthly_gross"),
    AttributeId("income.employer"),
    AttributeId("income.last_payment_date"),
)
