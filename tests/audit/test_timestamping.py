"""Which checkpoints are stamped, when it is late, and that what was stamped stays."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from audit.sequencer import Sequencer
from audit.timestamping import (
    GRACE,
    GROWN,
    STILL,
    Stamped,
    due,
    keep,
    last_timestamp,
    problem,
    timestamps,
    token,
)
from audit.unit_of_work import Ledger
from tests.audit.sample import LOG, NOW, record

TSA, OTHER = "clock", "other-clock"
NEXT_HALF = datetime(2027, 1, 1, 0, 5, tzinfo=NOW.tzinfo)
SECOND = timedelta(seconds=1)


def grow(ledger: Ledger, sequencer: Sequencer, now: datetime, count: int = 1) -> None:
    record(ledger, count, now=now)
    sequencer.run_once(now)


def sizes_due(ledger: Ledger, now: datetime, tsa: str = TSA) -> list[tuple[str, int]]:
    with ledger.read() as connection:
        return [(each.log, each.size) for each in due(connection, tsa, now)]


def stamp(ledger: Ledger, now: datetime, tsa: str = TSA) -> None:
    """Stamp all that is due; the token names what it is for."""
    with ledger.read() as connection:
        found = due(connection, tsa, now)
    for each in found:
        keep(ledger, Stamped(each.log, each.size, tsa, now), f"{tsa} {now}".encode())


def late(ledger: Ledger, now: datetime, *authorities: str) -> bool:
    with ledger.read() as connection:
        return problem(connection, authorities or (TSA,), now) == "timestamp-late"


class TestWhatIsDue:
    def test_nothing_while_nothing_is_signed(self, ledger: Ledger) -> None:
        assert sizes_due(ledger, NOW) == []

    def test_the_first_checkpoint_at_once_with_the_exact_note(
        self, ledger: Ledger, sequencer: Sequencer
    ) -> None:
        grow(ledger, sequencer, NOW, 3)
        with ledger.read() as connection:
            (found,) = due(connection, TSA, NOW)
        assert (found.log, found.size) == (LOG, 3)
        assert found.note.startswith(b"vault.example/log/2026h2\n3\n")

    def test_a_log_that_grows_once_an_hour(self, ledger: Ledger, sequencer: Sequencer) -> None:
        grow(ledger, sequencer, NOW)
        stamp(ledger, NOW)
        grow(ledger, sequencer, NOW + SECOND)
        assert sizes_due(ledger, NOW + GROWN - SECOND) == []
        assert sizes_due(ledger, NOW + GROWN) == [(LOG, 2)]

    def test_a_log_that_does_not_grow_once_a_day(
        self, ledger: Ledger, sequencer: Sequencer
    ) -> None:
        grow(ledger, sequencer, NOW)
        stamp(ledger, NOW)
        assert sizes_due(ledger, NOW + STILL - SECOND) == []
        assert sizes_due(ledger, NOW + STILL) == [(LOG, 1)]
        stamp(ledger, NOW + STILL)
        assert sizes_due(ledger, NOW + STILL + GROWN) == []

    def test_each_authority_by_itself(self, ledger: Ledger, sequencer: Sequencer) -> None:
        grow(ledger, sequencer, NOW)
        stamp(ledger, NOW)
        assert sizes_due(ledger, NOW) == []
        assert sizes_due(ledger, NOW, OTHER) == [(LOG, 1)]

    def test_the_end_of_a_log_that_was_closed_since(
        self, ledger: Ledger, sequencer: Sequencer
    ) -> None:
        grow(ledger, sequencer, NOW)
        stamp(ledger, NOW)
        grow(ledger, sequencer, NOW + SECOND)
        grow(ledger, sequencer, NEXT_HALF)
        assert sizes_due(ledger, NEXT_HALF) == [(LOG, 2), ("2027h1", 2)]
        stamp(ledger, NEXT_HALF)
        assert sizes_due(ledger, NEXT_HALF + 3 * STILL) == [("2027h1", 2)]


class TestWhatIsKept:
    def test_the_first_token_of_a_size_as_it_came(
        self, ledger: Ledger, sequencer: Sequencer
    ) -> None:
        grow(ledger, sequencer, NOW)
        stamp(ledger, NOW)
        stamp(ledger, NOW + STILL)
        with ledger.read() as connection:
            assert token(connection, LOG, 1, TSA) == f"{TSA} {NOW}".encode()
            assert last_timestamp(connection) == Stamped(LOG, 1, TSA, NOW + STILL)
            assert token(connection, LOG, 2, TSA) is None
            assert token(connection, LOG, 1, OTHER) is None

    def test_one_of_two_in_the_same_second(self, ledger: Ledger, sequencer: Sequencer) -> None:
        grow(ledger, sequencer, NOW)
        stamp(ledger, NOW)
        keep(ledger, Stamped(LOG, 1, TSA, NOW), b"another")
        with ledger.read() as connection:
            assert token(connection, LOG, 1, TSA) == f"{TSA} {NOW}".encode()

    def test_none_can_be_changed_or_taken_away(
        self, ledger: Ledger, sequencer: Sequencer, engine: Engine
    ) -> None:
        grow(ledger, sequencer, NOW)
        stamp(ledger, NOW)
        for statement in ("UPDATE audit_timestamp SET size = 2", "DELETE FROM audit_timestamp"):
            with pytest.raises(DBAPIError), engine.begin() as connection:
                connection.exec_driver_sql(statement)

    def test_the_last_one_of_the_newest_log_that_has_one(
        self, ledger: Ledger, sequencer: Sequencer
    ) -> None:
        with ledger.read() as connection:
            assert last_timestamp(connection) is None
        grow(ledger, sequencer, NOW)
        stamp(ledger, NOW)
        grow(ledger, sequencer, NEXT_HALF)
        with ledger.read() as connection:
            assert last_timestamp(connection) == Stamped(LOG, 1, TSA, NOW)
            assert last_timestamp(connection, tsa=OTHER) is None


class TestTheList:
    def test_pages_end_between_two_sizes(self, ledger: Ledger, sequencer: Sequencer) -> None:
        for hour in range(3):
            now = NOW + hour * GROWN
            grow(ledger, sequencer, now)
            stamp(ledger, now)
            stamp(ledger, now, OTHER)
        with ledger.read() as connection:
            first = timestamps(connection, LOG, limit=3)
            rest = timestamps(connection, LOG, after=first[-1].size, limit=4)
        assert [(each.size, each.tsa) for each in first] == [(1, TSA), (1, OTHER)]
        assert [each.size for each in rest] == [2, 2, 3, 3]

    def test_only_the_first_of_a_size_is_in_it_however_often_it_was_stamped(
        self, ledger: Ledger, sequencer: Sequencer
    ) -> None:
        grow(ledger, sequencer, NOW)
        for day in range(4):
            stamp(ledger, NOW + day * STILL)
        grow(ledger, sequencer, NOW + 4 * STILL)
        stamp(ledger, NOW + 4 * STILL)
        with ledger.read() as connection:
            found = timestamps(connection, LOG, limit=3)
        assert [(each.size, each.at) for each in found] == [(1, NOW), (2, NOW + 4 * STILL)]


class TestLate:
    def test_not_while_nothing_is_signed_or_nobody_is_asked(
        self, ledger: Ledger, sequencer: Sequencer
    ) -> None:
        assert not late(ledger, NOW)
        grow(ledger, sequencer, NOW)
        with ledger.read() as connection:
            assert problem(connection, (), NOW + 9 * STILL) is None

    def test_an_hour_after_the_first_checkpoint(self, ledger: Ledger, sequencer: Sequencer) -> None:
        grow(ledger, sequencer, NOW)
        assert not late(ledger, NOW + GRACE)
        grow(ledger, sequencer, NOW + GRACE)
        assert late(ledger, NOW + GRACE + SECOND)

    def test_an_hour_after_the_next_one_is_due(self, ledger: Ledger, sequencer: Sequencer) -> None:
        grow(ledger, sequencer, NOW)
        stamp(ledger, NOW)
        assert not late(ledger, NOW + STILL + GRACE)
        assert late(ledger, NOW + STILL + GRACE + SECOND)
        grow(ledger, sequencer, NOW + 10 * GROWN)
        assert not late(ledger, NOW + 10 * GROWN + GRACE)
        assert late(ledger, NOW + 10 * GROWN + GRACE + SECOND)

    def test_when_one_of_two_is(self, ledger: Ledger, sequencer: Sequencer) -> None:
        grow(ledger, sequencer, NOW)
        stamp(ledger, NOW)
        assert not late(ledger, NOW + 2 * GROWN)
        assert late(ledger, NOW + 2 * GROWN, TSA, OTHER)

    def test_in_a_new_half_year_from_its_first_checkpoint(
        self, ledger: Ledger, sequencer: Sequencer
    ) -> None:
        grow(ledger, sequencer, NOW)
        stamp(ledger, NOW)
        grow(ledger, sequencer, NEXT_HALF)
        assert not late(ledger, NEXT_HALF + GRACE)
        assert late(ledger, NEXT_HALF + GRACE + SECOND)
