"""What a unit of work gives to whoever promises its events: their commitments."""

import pytest
from sqlalchemy import select

from audit.model import SYSTEM, Event, Kind
from audit.store.tables import event
from audit.unit_of_work import Ledger, begin
from policies.ids import EventId, new_uuid
from tests.audit.sample import NOW, viewed


def test_the_commitments_of_its_events_can_be_had_when_it_has_ended(ledger: Ledger) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        ids = [uow.record(happened) for happened in (viewed(), Event(kind=Kind.SIGNED_IN))]
    with ledger.read() as connection:
        query = select(event.c.event_id, event.c.commitment)
        stored = {row.event_id: row.commitment for row in connection.execute(query)}
    assert {each: uow.commitment_of(each) for each in ids} == stored


def test_of_another_event_there_is_none(ledger: Ledger) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.record(viewed())
    with pytest.raises(KeyError):
        uow.commitment_of(EventId(new_uuid()))
