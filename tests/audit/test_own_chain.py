"""A person sees that an entry of her log is missing, and that erased ones are not."""

import threading
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text, update

from audit.disclosure import FieldValue, commitment, digests, disclose
from audit.erasure import destroy_log_key
from audit.keys import event_key, keys_for, owner_of
from audit.model import SYSTEM, Actor, Event, Kind
from audit.own_chain import CheckedChain, Gap, own_chain
from audit.person_chain import Fault, Part, Position
from audit.reader import opened_entries, own
from audit.seal import seal_parts
from audit.store import reading, tables
from audit.store.own_chain import stretch
from audit.unit_of_work import Ledger, begin
from policies.ids import EventId, PersonId
from tests.audit.faulty import run, unguard
from tests.audit.sample import AINO, MATTI, NOW, record, viewed

WHOLE = CheckedChain((), ())
MINUTE = timedelta(minutes=1)


def checked(
    ledger: Ledger,
    person: PersonId = AINO,
    *,
    before: int | None = None,
    down_to: int = 0,
    limit: int = 1000,
) -> CheckedChain:
    with ledger.read() as connection:
        return own_chain(
            connection, ledger, person, now=NOW, before=before, down_to=down_to, limit=limit
        )


def positions(ledger: Ledger, person: PersonId) -> list[tuple[Position | None, bytes]]:
    """The person's places in her chain with the commitments, oldest first."""
    with ledger.read() as connection:
        found = stretch(connection, person, now=NOW, before=None, limit=10_000)
        rows = reading.numbered(connection, found.numbers[::-1])
        entries = opened_entries(connection, ledger, rows, own(person))
        about = [each.subject == person for each in entries]
    return [
        (Position.of(each.fields, Part.SUBJECT if hers else Part.ACTOR), row.commitment)
        for each, hers, row in zip(entries, about, rows, strict=True)
    ]


def assert_chained(ledger: Ledger, person: PersonId) -> None:
    """Numbers from 1 without a gap, each with the commitment before it."""
    found = positions(ledger, person)
    assert [place.n for place, _ in found if place] == list(range(1, len(found) + 1))
    for (_, before), (place, _) in pairwise(found):
        assert place is not None
        assert place.previous == before


def hide(ledger: Ledger, *, before: timedelta) -> None:
    """Take the index row away that leads to the entry of that time: the reader finds it no more."""
    with ledger.engine.begin() as connection:
        number = connection.execute(
            select(tables.event.c.number).where(tables.event.c.at == NOW + before)
        ).scalar_one()
    run(ledger.engine, f"DELETE FROM audit_about WHERE number = {number}")


def entries(ledger: Ledger, count: int) -> list[datetime]:
    times = [NOW + each * MINUTE for each in range(count)]
    for at in times:
        record(ledger, now=at)
    return times


def test_an_untouched_log_is_whole(ledger: Ledger) -> None:
    entries(ledger, 5)
    record(ledger, 3)
    assert checked(ledger) == WHOLE
    assert_chained(ledger, AINO)


def test_somebody_without_entries_has_nothing_missing(ledger: Ledger) -> None:
    assert checked(ledger) == WHOLE


@pytest.mark.parametrize("hidden", [{1}, {1, 2}, {0}, {0, 1}, {4}, {3, 4}, {0, 1, 2, 3, 4}])
def test_a_hidden_entry_is_missed_wherever_it_stood(ledger: Ledger, hidden: set[int]) -> None:
    times = entries(ledger, 5)
    for each in hidden:
        hide(ledger, before=each * MINUTE)
    after, before = min(hidden) - 1, max(hidden) + 1
    assert checked(ledger).gaps == (
        Gap(
            Fault.MISSING,
            len(hidden),
            times[after] if after >= 0 else None,
            times[before] if before < 5 else None,
        ),
    )


def test_two_gaps_are_told_newest_first(ledger: Ledger) -> None:
    entries(ledger, 7)
    for each in (1, 4, 5):
        hide(ledger, before=each * MINUTE)
    assert [each.missing for each in checked(ledger).gaps] == [2, 1]


def test_a_deleted_row_of_the_log_is_missed(ledger: Ledger) -> None:
    entries(ledger, 3)
    unguard(ledger.engine, "audit_event")
    run(ledger.engine, "DELETE FROM audit_event WHERE number = 2")
    (gap,) = checked(ledger).gaps
    assert (gap.fault, gap.missing) == (Fault.MISSING, 1)


def test_rows_that_went_into_an_archive_are_no_gap(ledger: Ledger) -> None:
    # Whether they are there, the tree tells: it keeps their leaves.
    entries(ledger, 5)
    unguard(ledger.engine, "audit_event")
    run(ledger.engine, "DELETE FROM audit_event WHERE number <= 2")
    assert checked(ledger) == WHOLE
    run(ledger.engine, "DELETE FROM audit_event")
    assert checked(ledger) == WHOLE


def test_an_entry_of_somebody_else_put_into_the_list_is_one_too_many(ledger: Ledger) -> None:
    entries(ledger, 2)
    record(ledger, happened=viewed(MATTI))
    run(ledger.engine, f"UPDATE audit_about SET person_id = '{stored(ledger, AINO)}'")
    assert [each.fault for each in checked(ledger).gaps] == [Fault.SURPLUS]


def test_a_head_put_back_is_found(ledger: Ledger) -> None:
    entries(ledger, 3)
    run(ledger.engine, "UPDATE audit_head SET n = 2")
    assert [each.fault for each in checked(ledger).gaps] == [Fault.SURPLUS]
    run(ledger.engine, "DELETE FROM audit_head")
    assert [each.fault for each in checked(ledger).gaps] == [Fault.SURPLUS]


def test_a_head_with_another_commitment_is_found(ledger: Ledger) -> None:
    entries(ledger, 3)
    other = "x'00'" if ledger.engine.dialect.name == "sqlite" else "'\\x00'"
    run(ledger.engine, f"UPDATE audit_head SET last = {other}")
    assert [each.fault for each in checked(ledger).gaps] == [Fault.CHANGED]


def test_each_page_is_checked_against_the_entries_of_its_own(ledger: Ledger) -> None:
    entries(ledger, 9)
    hide(ledger, before=4 * MINUTE)
    assert checked(ledger, limit=3).gaps == ()
    assert [each.missing for each in checked(ledger, before=7, limit=3).gaps] == [1]
    assert checked(ledger, before=4, limit=3).gaps == ()


def test_a_page_is_checked_down_to_the_entry_that_follows_it(ledger: Ledger) -> None:
    entries(ledger, 9)
    hide(ledger, before=4 * MINUTE)  # in row 5
    assert [each.missing for each in checked(ledger, down_to=6).gaps] == [1]
    assert checked(ledger, down_to=7).gaps == ()


def test_entries_whose_key_is_destroyed_are_erased_and_not_missing(ledger: Ledger) -> None:
    years = [NOW.replace(year=year) for year in (2025, 2025, 2026, 2026)]
    for at in years:
        record(ledger, now=at)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        destroy_log_key(uow, AINO, period="2025")
    assert checked(ledger) == CheckedChain((), (2025,))
    record(ledger)
    assert checked(ledger) == CheckedChain((), (2025,))


def test_an_entry_hidden_among_erased_ones_is_missed(ledger: Ledger) -> None:
    for at in (NOW.replace(year=2025), NOW.replace(year=2025) + MINUTE, NOW):
        record(ledger, now=at)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        destroy_log_key(uow, AINO, period="2025")
    run(ledger.engine, "DELETE FROM audit_about WHERE number = 2")
    found = checked(ledger)
    assert found.erased == (2025,)
    assert [each.missing for each in found.gaps] == [1]


def test_the_chain_goes_on_over_the_turn_of_the_year(ledger: Ledger) -> None:
    for year in (2025, 2026, 2027):
        record(ledger, now=NOW.replace(year=year))
    assert_chained(ledger, AINO)


def test_a_damaged_entry_is_no_gap_for_its_line_says_so(ledger: Ledger) -> None:
    entries(ledger, 3)
    unguard(ledger.engine, "audit_event")
    run(ledger.engine, "UPDATE audit_event SET digests = sealed WHERE number = 2")
    assert checked(ledger) == WHOLE


def test_a_place_in_no_canonical_form_is_none(ledger: Ledger) -> None:
    # Only who has the person's key can write such an entry; the numbers around it do not bend.
    (event_id,) = record(ledger)
    forge(ledger, event_id, {"subject": str(AINO), "n": "01"})
    assert checked(ledger) == WHOLE


def test_an_event_with_two_persons_stands_in_both_chains(ledger: Ledger) -> None:
    record(ledger, happened=viewed(AINO))
    record(ledger, happened=viewed(AINO), actor=Actor.person(MATTI))
    record(ledger, happened=Event(kind=Kind.LOG_SEARCHED), actor=Actor.person(MATTI))
    record(ledger, happened=viewed(MATTI), actor=Actor.person(MATTI))
    for person, length in ((AINO, 2), (MATTI, 3)):
        assert len(positions(ledger, person)) == length
        assert_chained(ledger, person)
        assert checked(ledger, person) == WHOLE


def test_what_a_person_did_to_others_can_be_erased_with_her_key(ledger: Ledger) -> None:
    record(ledger, happened=Event(kind=Kind.LOG_SEARCHED), actor=Actor.person(MATTI))
    record(ledger, happened=viewed(AINO), actor=Actor.person(MATTI))
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        destroy_log_key(uow, MATTI, period="2026")
    assert checked(ledger, MATTI) == CheckedChain((), (2026,))
    assert checked(ledger, AINO) == WHOLE


def test_several_events_of_one_unit_of_work_follow_each_other(ledger: Ledger) -> None:
    with begin(ledger, actor=Actor.person(MATTI), now=NOW) as uow:
        for person in (AINO, MATTI, AINO, AINO, MATTI):
            uow.record(viewed(person))
    assert_chained(ledger, AINO)
    assert_chained(ledger, MATTI)


def test_what_was_rolled_back_takes_no_place(ledger: Ledger) -> None:
    record(ledger)
    with pytest.raises(KeyError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        raise KeyError(uow.record(viewed()))
    record(ledger)
    assert_chained(ledger, AINO)


def test_eight_threads_never_take_the_same_place(ledger: Ledger) -> None:
    def write(thread: int) -> None:
        one, other = (AINO, MATTI) if thread % 2 else (MATTI, AINO)
        for _ in range(12):
            with begin(ledger, actor=Actor.person(one), now=NOW) as uow:
                uow.record(viewed(other))
                uow.record(viewed(one))

    threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for person in (AINO, MATTI):
        assert len(positions(ledger, person)) == 8 * 12 * 3 // 2
        assert_chained(ledger, person)
        assert checked(ledger, person) == WHOLE


PEOPLE = st.sampled_from([AINO, MATTI])
UNITS = st.lists(
    st.tuples(st.none() | PEOPLE, st.lists(st.none() | PEOPLE, min_size=1, max_size=4)),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(units=UNITS, hidden=st.data())
def test_any_entry_hidden_from_any_log_is_missed(
    engine: Engine,
    ledger: Ledger,
    units: list[tuple[PersonId | None, list[PersonId | None]]],
    hidden: st.DataObject,
) -> None:
    clear(engine)
    for actor, subjects in units:
        who = SYSTEM if actor is None else Actor.person(actor)
        with begin(ledger, actor=who, now=NOW) as uow:
            for subject in subjects:
                uow.record(Event(kind=Kind.DATA_VIEWED, subject=subject))
    expected = Counter(
        person
        for actor, subjects in units
        for subject in subjects
        for person in {actor, subject}
        if person is not None
    )
    for person in (AINO, MATTI):
        assert len(positions(ledger, person)) == expected[person]
        assert_chained(ledger, person)
        assert checked(ledger, person) == WHOLE
    person = hidden.draw(st.sampled_from(sorted(expected)) if expected else st.just(AINO))
    if expected:
        with ledger.read() as connection:
            numbers = stretch(connection, person, now=NOW, before=None, limit=100).numbers
        number = hidden.draw(st.sampled_from(numbers))
        for table in ("audit_about", "audit_acted"):
            run(
                engine,
                f"DELETE FROM {table} WHERE number = {number} "
                f"AND person_id = '{stored(ledger, person)}'",
            )
        assert [each.missing for each in checked(ledger, person).gaps] == [1]


def forge(ledger: Ledger, event_id: EventId, fields: dict[str, FieldValue]) -> None:
    """Put other fields under the person's own key in the place of what was recorded."""
    with ledger.engine.begin() as connection:
        owner = owner_of(AINO)
        found = keys_for(connection, ledger.log_keys, [owner], period="2026")
        key_id, key = found[owner]
    disclosed = disclose(fields)
    made = digests(disclosed)
    sealed = seal_parts(event_id, [(key_id, event_key(key, event_id), [*disclosed.values()])])
    unguard(ledger.engine, "audit_event")
    with ledger.engine.begin() as connection:
        connection.execute(
            update(tables.event).values(
                digests=b"".join(made), sealed=sealed, commitment=commitment(event_id, made)
            )
        )
        connection.execute(update(tables.head).values(last=commitment(event_id, made)))


def stored(ledger: Ledger, person: PersonId) -> str:
    return person.hex if ledger.engine.dialect.name == "sqlite" else str(person)


def clear(engine: Engine) -> None:
    for name in ("about", "acted", "head"):
        with engine.begin() as connection:
            connection.execute(text(f"DELETE FROM audit_{name}"))
