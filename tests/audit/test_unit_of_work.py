"""The unit of work: change and event together, or neither."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, insert, select

from audit.model import SYSTEM, Event, Kind
from audit.store import tables
from audit.unit_of_work import Ledger, UnaccountedChangeError, begin

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def test_a_recorded_event_waits_in_the_queue(ledger: Ledger) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.record(Event(kind=Kind.SIGNED_IN))
    with ledger.read() as connection:
        assert connection.execute(select(func.count()).select_from(tables.queue)).scalar_one() == 1


def test_a_change_without_an_event_is_not_committed(ledger: Ledger) -> None:
    with pytest.raises(UnaccountedChangeError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.connection.execute(insert(tables.queue).values(number=7))
    with ledger.read() as connection:
        assert connection.execute(select(func.count()).select_from(tables.queue)).scalar_one() == 0
