"""Insert-only tables refuse every change, on both databases, by whatever way it comes."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from audit.insert_only import grants, insert_only_ddl
from audit.sequencer import Sequencer
from audit.store.archive import raise_minimum
from audit.store.epochs import Step, add_step
from audit.store.tables import DELETABLE, INSERT_ONLY, SEQUENCES, UPDATED, metadata
from audit.store.timestamping import TimestampRow, insert_timestamp
from audit.store.witnessing import (
    CosignatureRow,
    LogStartRow,
    insert_cosignatures,
    insert_log_start,
)
from audit.unit_of_work import Ledger
from tests.audit.sample import NOW, record, signers

CHANGES = {
    "audit_event": "UPDATE audit_event SET sealed = sealed",
    "audit_leaf": "UPDATE audit_leaf SET number = number",
    "audit_tile": "UPDATE audit_tile SET root = root",
    "audit_checkpoint": "UPDATE audit_checkpoint SET note = note",
    "audit_cosignature": "UPDATE audit_cosignature SET line = line",
    "audit_timestamp": "UPDATE audit_timestamp SET token = token",
    "audit_retention": "UPDATE audit_retention SET at = at",
    "audit_log_start": "UPDATE audit_log_start SET previous = previous",
    "audit_epoch": "UPDATE audit_epoch SET at = at",
}


@pytest.fixture
def filled(ledger: Ledger, sequencer: Sequencer) -> Ledger:
    [event, *_] = record(ledger, 256)
    sequencer.run_once(NOW)
    with ledger.writer.unaccounted_transaction() as connection:
        line = CosignatureRow("2026h2", 256, "w.example+00000000", NOW, b"line")
        insert_cosignatures(connection, [line])
        insert_timestamp(connection, TimestampRow("2026h2", 256, "tsa", NOW), b"token")
        raise_minimum(connection, "2026h2", 1, NOW, event)
        insert_log_start(connection, LogStartRow("2026h1b", b"note", NOW), event)
        add_step(connection, "file:2", Step.BEGUN, at=NOW, event_id=event)
    return ledger


def refused(engine: Engine, statement: str) -> None:
    with (
        pytest.raises((IntegrityError, ProgrammingError, DBAPIError), match="insert-only"),
        engine.begin() as connection,
    ):
        connection.execute(text(statement))


def test_every_insert_only_table_is_tried() -> None:
    assert set(CHANGES) == set(INSERT_ONLY)
    assert {*INSERT_ONLY, *DELETABLE, *UPDATED} == set(metadata.tables)


@pytest.mark.parametrize("table", INSERT_ONLY)
def test_rows_of_an_insert_only_table_stay(filled: Ledger, table: str) -> None:
    refused(filled.engine, CHANGES[table])
    refused(filled.engine, f"DELETE FROM {table}")
    if filled.engine.dialect.name == "postgresql":
        refused(filled.engine, f"TRUNCATE {table}")
        refused(filled.engine, f"SET session_replication_role = replica; DELETE FROM {table}")
    else:
        refused(filled.engine, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")


def test_the_queue_can_be_drained(ledger: Ledger) -> None:
    record(ledger)
    with ledger.engine.begin() as connection:
        assert connection.execute(text("DELETE FROM audit_queue")).rowcount == 1


def test_the_statements_are_given_to_migrations_as_they_are() -> None:
    assert len(insert_only_ddl("t", "sqlite")) == 2
    assert [each.split()[0] for each in insert_only_ddl("t", "postgresql")] == [
        "CREATE", "CREATE", "CREATE", "ALTER", "ALTER",
    ]  # fmt: skip


@pytest.fixture
def application(filled: Ledger) -> Iterator[Engine]:
    """An engine whose connections have the application's rights only."""
    owner = filled.engine
    if owner.dialect.name == "sqlite":
        pytest.skip("SQLite has no roles")
    role = f"app_{uuid4().hex}"
    rights = grants(
        role,
        insert_only=INSERT_ONLY,
        deletable=DELETABLE,
        free=UPDATED,
        sequences=SEQUENCES,
    )
    with owner.begin() as connection:
        schema = connection.execute(text("SELECT current_schema()")).scalar_one()
        usage = f"GRANT USAGE ON SCHEMA {schema} TO {role}"
        for statement in (f"CREATE ROLE {role}", usage, *rights):
            connection.execute(text(statement))
    options = f"-csearch_path={schema} -crole={role}"
    engine = create_engine(owner.url.update_query_dict({"options": options}))
    yield engine
    engine.dispose()
    with owner.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))


def forbidden(engine: Engine, statement: str) -> None:
    with pytest.raises(ProgrammingError) as refusal, engine.begin() as connection:
        connection.execute(text(statement))
    assert isinstance(refusal.value.orig, psycopg.errors.InsufficientPrivilege)


@pytest.mark.parametrize("change", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0}"])
@pytest.mark.parametrize("table", INSERT_ONLY)
def test_the_application_has_no_right_to_change_a_row(
    application: Engine, table: str, change: str
) -> None:
    column = CHANGES[table].rpartition(" ")[2]
    forbidden(application, change.format(table, column))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        "DROP TABLE audit_leaf",
        "SET session_replication_role = replica",
    ],
)
def test_the_application_cannot_take_the_guards_away(application: Engine, statement: str) -> None:
    forbidden(application, statement)


def test_the_application_can_record_and_sequence(filled: Ledger, application: Engine) -> None:
    theirs = Ledger(application, filled.log_keys)
    record(theirs, 3)
    assert Sequencer(theirs, signers()).run_once(NOW) is not None
