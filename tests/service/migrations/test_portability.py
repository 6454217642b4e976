"""What keeps the way open to a distributed PostgreSQL (Citus, and those that speak its language):
rules over the tables of all rooms and over the words of our statements."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Computed, Identity, Index, Sequence, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from audit.insert_only import ONLY
from audit.store.tables import SEQUENCES
from service.migrations.guards import TABLES
from service.migrations.row_security import INDEX, PERSON
from service.migrations.spreading import spread_tables

ROOT = Path(__file__).resolve().parents[3]
SPREAD = spread_tables()
each_spread = pytest.mark.parametrize("table", SPREAD, ids=lambda t: t.name)
each_table = pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
ROOMS = ("audit", "consent", "vault", "service")
WHOLE = {
    "consent_consent": "found by its own id, and by token",
    "consent_record": "found by the consent",
    "consent_receipt": "found by its own id",
    "consent_flagged": "found by the consent",
    "consent_assessment": "found by the consent, and by when it is due",
    "consent_presentation": "found by the consent",
    "consent_token": "found by what is presented",
    "consent_pushed_request": "found by what is presented, before anybody has opened it",
    "consent_notice": "read by client, from a cursor on",
    "service_session": "found by what is presented",
    "service_role": "a few people",
    "audit_about": "the log's index, cut by the log's own key",
    "audit_acted": "the log's index, cut by the log's own key",
    "audit_head": "one row for a person, locked by number",
}
"""Tables that carry a person and stay whole, with the reason."""
FORBIDDEN = {
    "what the server tells by itself": r"\b(LISTEN|NOTIFY|UNLISTEN)\s+[a-z_]",
    "a lock of the session": r"pg_(try_)?advisory_(lock|unlock)(_shared|_all)?\b",
    "a savepoint": r"\bSAVEPOINT\b|\.begin_nested\(",
    "a temporary table": r"\bTEMP(ORARY)?\s+TABLE\b",
    "a cursor that outlives its transaction": r"\bWITH\s+HOLD\b",
    "a setting of the session": r"\bSET\s+SESSION\b|set_config\([^)]*,\s*false\)",
    "what is prepared in SQL": r"\bPREPARE\s+[a-z_]+\s+AS\b",
}
LOCKS_TABLES = {"audit/store/partitions.py"}
"""Locks the log's net while it is cut, as the owner."""


@each_spread
def test_a_spread_table_begins_its_key_with_the_person(table: Table) -> None:
    assert next(iter(table.primary_key.columns)).name == PERSON


@each_spread
def test_all_that_is_unique_in_a_spread_table_holds_the_person(table: Table) -> None:
    for columns in _unique(table):
        assert PERSON in {column.name for column in columns}, columns


@each_spread
def test_a_spread_table_refers_to_spread_ones_by_the_person_first(table: Table) -> None:
    for key in table.foreign_key_constraints:
        assert key.referred_table in SPREAD
        assert key.column_keys[0] == PERSON
        assert key.elements[0].column.name == PERSON


@each_spread
def test_a_spread_table_numbers_nothing(table: Table) -> None:
    for column in table.columns:
        assert not isinstance(column.server_default, Identity | Sequence)
        assert column.autoincrement is not True


def test_every_table_with_a_person_is_spread_or_says_why_not() -> None:
    carry = {each.name for each in TABLES if PERSON in each.columns}
    whole = carry - {each.name for each in SPREAD} - INDEX
    assert whole == set(WHOLE)


@each_table
def test_no_table_refers_to_another_room(table: Table) -> None:
    room = table.name.partition("_")[0]
    assert room in ROOMS
    for key in table.foreign_key_constraints:
        assert key.referred_table.name.startswith(room + "_")


@each_table
def test_no_table_has_what_others_lack(table: Table) -> None:
    assert not any(isinstance(each, ExcludeConstraint) for each in table.constraints)
    assert not any(each.deferrable or each.initially for each in table.constraints)
    assert not any(isinstance(each.server_default, Computed) for each in table.columns)
    for index in table.indexes:
        assert index.dialect_options["postgresql"]["using"] in {False, None, "btree"}
    assert not table.dialect_options["postgresql"]["inherits"]


def test_only_the_log_numbers_its_rows() -> None:
    numbered = {
        f"{table.name}_{column.name}_seq"
        for table in TABLES
        for column in table.columns
        if column.autoincrement is True
    }
    assert numbered == set(SEQUENCES)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_statement_uses(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    assert [name for name, source in _sources() if pattern.search(source)] == []


def test_whole_tables_are_locked_by_their_owner_only() -> None:
    pattern = re.compile(r"\bLOCK TABLE\b")
    assert {name for name, source in _sources() if pattern.search(source)} <= LOCKS_TABLES


def _unique(table: Table) -> Iterator[list[Column[object]]]:
    """The columns of everything that is unique on PostgreSQL beside the key."""
    for constraint in table.constraints:
        only = constraint.info.get(ONLY, "postgresql")
        if isinstance(constraint, UniqueConstraint) and only == "postgresql":
            yield list(constraint.columns)
    indexes: list[Index] = [each for each in table.indexes if each.unique]
    for index in indexes:
        yield list(index.columns)


def _sources() -> Iterator[tuple[str, str]]:
    for room in (*ROOMS, "connectors"):
        for path in sorted((ROOT / room).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text()
