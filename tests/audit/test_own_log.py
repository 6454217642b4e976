"""A person's own log: hers only, each line for itself, and any part of it."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text

from audit.erasure import destroy_log_key
from audit.model import SYSTEM, Entry, Event, Kind
from audit.own_log import (
    DamagedEntry,
    OwnEntry,
    Part,
    own_count,
    own_entries,
    own_entry,
    own_part,
)
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger, begin
from policies.ids import EventId, new_uuid
from tests.audit.sample import AINO, KELA, LOG, MATTI, NOW, record, viewed
from tests.unguarded import unguard

RELEASED = Event(kind=Kind.DATA_RELEASED, subject=AINO, organisation=KELA)
VIEWS = Part(kinds={Kind.DATA_VIEWED})
ALL = Part(kinds=frozenset(Kind))


def own(ledger: Ledger) -> list[OwnEntry]:
    with ledger.read() as connection:
        return own_entries(connection, ledger, AINO, now=NOW)


def numbers(entries: Sequence[OwnEntry]) -> list[int]:
    return [each.number for each in entries]


def change(ledger: Ledger, table: str, statement: str) -> None:
    """What only the owner of the database can do."""
    with ledger.engine.begin() as connection:
        unguard(connection, table)
        connection.execute(text(statement))


def test_the_newest_line_is_first_and_none_is_about_another(ledger: Ledger) -> None:
    first, second = record(ledger, 2)
    record(ledger, happened=viewed(MATTI))
    found = own(ledger)
    assert [each.event_id for each in found] == [second, first]
    assert all(isinstance(each, Entry) and each.subject == AINO for each in found)
    with ledger.read() as connection:
        (older,) = own_entries(connection, ledger, AINO, now=NOW, before=found[0].number)
        assert older.event_id == first
        assert own_entries(connection, ledger, AINO, now=NOW, kinds={Kind.DATA_REFUSED}) == []


def test_one_line_is_given_to_the_person_it_is_about_only(ledger: Ledger) -> None:
    (hers,) = record(ledger)
    with ledger.read() as connection:
        found = own_entry(connection, ledger, AINO, hers, now=NOW)
        assert found is not None
        assert found.event_id == hers
        assert own_entry(connection, ledger, MATTI, hers, now=NOW) is None
        assert own_entry(connection, ledger, AINO, EventId(new_uuid()), now=NOW) is None


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("audit_event", "UPDATE audit_event SET sealed = substr(sealed, 1, 40) WHERE number = 2"),
        ("audit_event", "UPDATE audit_event SET digests = substr(digests, 33) WHERE number = 2"),
        ("audit_event", "UPDATE audit_event SET commitment = digests WHERE number = 2"),
        ("audit_leaf", "UPDATE audit_leaf SET leaf_hash = substr(leaf_hash, 2) WHERE number = 2"),
    ],
    ids=["sealed", "digests", "commitment", "leaf"],
)
def test_a_changed_line_is_told_and_hides_no_other(
    ledger: Ledger, sequencer: Sequencer, table: str, statement: str
) -> None:
    ids = record(ledger, 3)
    sequencer.run_once(NOW)
    change(ledger, table, statement)
    newest, bad, oldest = own(ledger)
    assert isinstance(bad, DamagedEntry)
    assert (bad.event_id, bad.at, bad.log, bad.index) == (ids[1], NOW, LOG, 1)
    assert isinstance(newest, Entry)
    assert isinstance(oldest, Entry)
    with ledger.read() as connection:
        assert own_entry(connection, ledger, AINO, ids[1], now=NOW) == bad


def test_a_line_that_the_index_calls_hers_falsely_is_damage(ledger: Ledger) -> None:
    record(ledger)
    record(ledger, happened=Event(kind=Kind.LOG_SEARCHED))
    with ledger.engine.begin() as connection:
        unguard(connection, "audit_about")
        connection.execute(
            text("INSERT INTO audit_about (person_id, number) SELECT person_id, 2 FROM audit_about")
        )
    false, hers = own(ledger)
    assert isinstance(false, DamagedEntry)
    assert isinstance(hers, Entry)


def test_what_was_erased_stands_there_and_says_nothing(ledger: Ledger) -> None:
    (event_id,) = record(ledger)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        destroy_log_key(uow, AINO, period="2026")
    (found,) = own(ledger)
    assert isinstance(found, Entry)
    assert (found.event_id, found.fields) == (event_id, {})


def test_a_part_is_bounded_by_kind_time_offset_and_limit(ledger: Ledger) -> None:
    for minute in range(4):
        record(ledger, now=NOW + timedelta(minutes=minute))
    record(ledger, happened=RELEASED, now=NOW + timedelta(minutes=4))
    record(ledger, happened=viewed(MATTI))
    since, until = NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)
    with ledger.read() as connection:

        def part(part: Part, offset: int = 0, limit: int = 9) -> list[int]:
            found = own_part(connection, ledger, AINO, part, now=NOW, offset=offset, limit=limit)
            return numbers(found)

        assert part(ALL) == [5, 4, 3, 2, 1]
        assert part(VIEWS) == [4, 3, 2, 1]
        assert part(VIEWS, offset=1, limit=2) == [3, 2]
        assert part(VIEWS, offset=9) == []
        assert part(VIEWS, limit=0) == []
        bounded = Part(kinds={Kind.DATA_VIEWED}, since=since, until=until)
        assert part(bounded) == [3, 2]
        assert own_count(connection, AINO, ALL, now=NOW) == 5
        assert own_count(connection, AINO, bounded, now=NOW) == 2
        assert own_count(connection, AINO, Part(kinds=frozenset()), now=NOW) == 0
