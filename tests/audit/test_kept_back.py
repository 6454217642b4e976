"""What a law keeps back from a person: not in her log before its time, and hidden from nobody."""

from datetime import datetime, timedelta

import pytest

from audit.erasure import destroy_log_key
from audit.model import SYSTEM, Entry, Event, Kind
from audit.own_chain import CheckedChain, Gap, own_chain
from audit.own_log import OwnEntry, Part, own_count, own_entries, own_entry, own_part
from audit.person_chain import Fault
from audit.reader import entry
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger, begin
from policies.ids import EventId, OrganisationId
from tests.audit.faulty import run
from tests.audit.sample import AINO, KELA, NOW, record, viewed

LATER = NOW + timedelta(days=30)
SECOND = timedelta(seconds=1)
WHOLE = CheckedChain((), ())
KEPT_BACK = Event(
    kind=Kind.DATA_RELEASED,
    subject=AINO,
    organisation=KELA,
    policy=("sha256:" + "ab" * 32, "check@2"),
    mandate="mandate-7",
    on_behalf_of=OrganisationId("town"),
    visible_from=LATER,
)
ALL = Part(kinds=frozenset(Kind))


@pytest.fixture
def event_id(ledger: Ledger) -> EventId:
    """One entry that is kept back, with one before and one after it."""
    record(ledger)
    (made,) = record(ledger, happened=KEPT_BACK)
    record(ledger)
    return made


def seen(ledger: Ledger, now: datetime) -> list[OwnEntry]:
    with ledger.read() as connection:
        return own_entries(connection, ledger, AINO, now=now)


def chain(ledger: Ledger, now: datetime) -> CheckedChain:
    with ledger.read() as connection:
        return own_chain(connection, ledger, AINO, now=now)


def test_before_its_time_she_finds_it_in_no_way(ledger: Ledger, event_id: EventId) -> None:
    at = LATER - SECOND
    assert [each.event_id == event_id for each in seen(ledger, at)] == [False, False]
    with ledger.read() as connection:
        assert own_entry(connection, ledger, AINO, event_id, now=at) is None
        assert own_count(connection, AINO, ALL, now=at) == 2
        part = own_part(connection, ledger, AINO, ALL, now=at, offset=0, limit=9)
        kinds = own_entries(connection, ledger, AINO, now=at, kinds=[Kind.DATA_RELEASED])
    assert event_id not in {each.event_id for each in part}
    assert kinds == []


def test_at_its_time_she_sees_it_as_it_was_written(ledger: Ledger, event_id: EventId) -> None:
    assert [each.event_id == event_id for each in seen(ledger, LATER)] == [False, True, False]
    with ledger.read() as connection:
        found = own_entry(connection, ledger, AINO, event_id, now=LATER)
        assert own_count(connection, AINO, ALL, now=LATER) == 3
        part = own_part(connection, ledger, AINO, ALL, now=LATER, offset=1, limit=1)
    assert part == [found]
    assert isinstance(found, Entry)
    assert found.get("visible_from") == "2026-12-24T09:00:00.000000+00:00"


def test_the_auditor_sees_it_at_once_with_all_that_it_says(
    ledger: Ledger, event_id: EventId
) -> None:
    with ledger.read() as connection:
        found = entry(connection, ledger, event_id)
    assert found is not None
    assert found.many("policy") == KEPT_BACK.policy
    assert (found.get("mandate"), found.get("on_behalf_of")) == ("mandate-7", "town")
    assert found.get("visible_from") is not None


@pytest.mark.usefixtures("event_id")
@pytest.mark.parametrize("now", [NOW, LATER])
def test_her_chain_shows_no_false_gap(ledger: Ledger, sequencer: Sequencer, now: datetime) -> None:
    assert chain(ledger, now) == WHOLE
    sequencer.run_once(NOW)
    assert chain(ledger, now) == WHOLE


def test_an_event_that_is_kept_back_as_the_newest_is_no_gap_either(ledger: Ledger) -> None:
    record(ledger)
    record(ledger, happened=KEPT_BACK)
    assert chain(ledger, NOW) == WHOLE


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_the_index_keeps_back_on_its_own_is_a_gap(ledger: Ledger, number: int) -> None:
    """The delay that counts is sealed in the event: nobody can hide an entry by the index."""
    record(ledger, 3)
    far = "9" * 16 if ledger.engine.dialect.name == "sqlite" else "'9999-01-01'"
    run(ledger.engine, f"UPDATE audit_about SET visible_from = {far} WHERE number = {number}")
    assert len(seen(ledger, NOW)) == 2
    (gap,) = chain(ledger, NOW).gaps
    assert (gap.fault, gap.missing) == (Fault.MISSING, 1)


@pytest.mark.usefixtures("event_id")
def test_an_entry_that_is_kept_back_longer_than_it_says_is_a_gap(ledger: Ledger) -> None:
    far = "9" * 16 if ledger.engine.dialect.name == "sqlite" else "'9999-01-01'"
    run(ledger.engine, f"UPDATE audit_about SET visible_from = {far} WHERE number = 2")
    assert chain(ledger, LATER - SECOND) == WHOLE
    assert chain(ledger, LATER).gaps == (Gap(Fault.MISSING, 1, NOW, NOW),)


def test_another_entry_that_is_missing_is_found_beside_it(
    ledger: Ledger, event_id: EventId
) -> None:
    del event_id
    run(ledger.engine, "DELETE FROM audit_about WHERE number = 1")
    (gap,) = chain(ledger, NOW).gaps
    assert (gap.fault, gap.missing) == (Fault.MISSING, 1)


@pytest.mark.usefixtures("event_id")
def test_once_its_key_is_destroyed_it_is_erased_and_no_gap(ledger: Ledger) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        destroy_log_key(uow, AINO, period="2026")
    assert chain(ledger, NOW) == CheckedChain((), (2026,))


def test_what_nobody_keeps_back_is_seen_at_once(ledger: Ledger) -> None:
    record(ledger, happened=viewed())
    (found,) = seen(ledger, NOW)
    assert isinstance(found, Entry)
    assert found.get("visible_from") is None
