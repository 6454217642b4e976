"""The auditor's search on both databases: every filter, page after page, and what was changed."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from audit.erasure import destroy_log_key
from audit.evidence import evidence
from audit.model import SYSTEM, Entry, Event, Kind
from audit.own_log import DamagedEntry
from audit.proofs import latest_checkpoint, signed_tree
from audit.results import Result, kinds_of, result_of
from audit.search import Page, Wanted, find, find_one, subject_of
from audit.sequencer import Sequencer
from audit.store import tables
from audit.unit_of_work import Ledger, begin
from policies.ids import EventId, OrganisationId, PersonId, PurposeId, new_uuid
from policies.vocabulary import LegalBasis
from tests.audit.sample import AINO, KELA, MATTI, NOW, record
from tests.unguarded import unguard

TOWN = OrganisationId("town")
CHECK, AID = PurposeId("check"), PurposeId("aid")
KINDS = (Kind.DATA_RELEASED, Kind.DATA_REFUSED, Kind.TOKEN_ISSUED)
GROUNDS = ((KELA, CHECK, LegalBasis.STATUTE), (TOWN, AID, LegalBasis.CONSENT))
COUNT = 36


@pytest.fixture
def full(ledger: Ledger) -> list[Event]:
    """Events in the order of writing, a minute between two; every combination three times."""
    made = []
    people = itertools.cycle((AINO, MATTI))
    for kind, (organisation, purpose, basis) in itertools.product(KINDS, GROUNDS):
        for _ in range(COUNT // 6):
            made.append(
                Event(
                    kind=kind,
                    subject=next(people),
                    organisation=organisation,
                    purpose=purpose,
                    basis=basis,
                )
            )
    made[5:5] = [Event(kind=Kind.SIGN_IN_BEGUN), Event(kind=Kind.DATA_VIEWED, subject=AINO)]
    for minute, happened in enumerate(made):
        record(ledger, happened=happened, now=NOW + timedelta(minutes=minute))
    return made


def pages(ledger: Ledger, wanted: Wanted, limit: int, scanned: int = 5000) -> Iterator[Page]:
    before: int | None = None
    with ledger.read() as connection:
        while True:
            page = find(connection, ledger, wanted, before=before, limit=limit, scanned=scanned)
            yield page
            before = page.next
            if before is None:
                return


def found(ledger: Ledger, wanted: Wanted, limit: int = 100, scanned: int = 5000) -> list[int]:
    """The minutes of all that is found, page by page."""
    entries = [each for page in pages(ledger, wanted, limit, scanned) for each in page.entries]
    return [(each.at - NOW) // timedelta(minutes=1) for each in entries]


def expected(events: list[Event], wanted: Wanted) -> list[int]:
    """The same, counted in the events themselves."""
    return [
        minute
        for minute, happened in reversed(list(enumerate(events)))
        if (wanted.kinds is None or happened.kind in wanted.kinds)
        and (wanted.person is None or happened.subject == wanted.person)
        and wanted.organisation in (None, happened.organisation)
        and wanted.purpose in (None, happened.purpose)
        and wanted.basis in (None, happened.basis)
        and (wanted.since is None or NOW + timedelta(minutes=minute) >= wanted.since)
        and (wanted.until is None or NOW + timedelta(minutes=minute) < wanted.until)
    ]


FILTERS: dict[str, dict[str, Any]] = {
    "person": {"person": AINO},
    "organisation": {"organisation": KELA},
    "purpose": {"purpose": AID},
    "basis": {"basis": LegalBasis.STATUTE},
    "kinds": {"kinds": frozenset({Kind.DATA_RELEASED, Kind.TOKEN_ISSUED})},
    "time": {"since": NOW + timedelta(minutes=4), "until": NOW + timedelta(minutes=30)},
}
COMBINATIONS = [
    names for n in range(len(FILTERS) + 1) for names in itertools.combinations(FILTERS, n)
]


def test_every_combination_of_filters_finds_what_matches_page_by_page(
    ledger: Ledger, full: list[Event]
) -> None:
    for names in COMBINATIONS:
        wanted = Wanted(**{k: v for name in names for k, v in FILTERS[name].items()})
        for limit in (3, 100):
            assert found(ledger, wanted, limit) == expected(full, wanted), (names, limit)


def test_a_page_that_has_looked_far_enough_is_short_and_goes_on(
    ledger: Ledger, full: list[Event]
) -> None:
    for wanted in (
        Wanted(organisation=KELA, basis=LegalBasis.CONSENT),
        Wanted(organisation=KELA, basis=LegalBasis.STATUTE, kinds=frozenset({Kind.DATA_REFUSED})),
        Wanted(person=AINO, kinds=frozenset({Kind.TOKEN_ISSUED})),
        Wanted(person=MATTI, kinds=frozenset({Kind.DATA_VIEWED})),
    ):
        assert found(ledger, wanted, 100, 5) == expected(full, wanted)
    nothing = list(pages(ledger, Wanted(organisation=KELA, basis=LegalBasis.CONSENT), 100, 5))
    assert len(nothing) > 3
    assert all(page.entries == [] for page in nothing)


def test_of_no_kind_at_all_there_is_nothing(ledger: Ledger, full: list[Event]) -> None:
    assert full
    assert found(ledger, Wanted(kinds=frozenset())) == []


def test_after_a_row_that_is_no_event_there_is_nothing(ledger: Ledger, full: list[Event]) -> None:
    assert full
    with ledger.read() as connection:
        assert find(connection, ledger, Wanted(), before=10**6) == Page([], None)


def test_events_of_one_moment_are_all_found_once(ledger: Ledger) -> None:
    record(ledger, 10)
    assert found(ledger, Wanted(), 3) == [0] * 10
    numbers = [each.number for page in pages(ledger, Wanted(), 3) for each in page.entries]
    assert numbers == sorted(numbers, reverse=True)


def test_one_event_is_found_by_its_id(ledger: Ledger) -> None:
    (event_id,) = record(ledger)
    with ledger.read() as connection:
        one = find_one(connection, ledger, event_id)
        assert one is not None
        assert one.event_id == event_id
        assert find_one(connection, ledger, EventId(new_uuid())) is None


def _damage(ledger: Ledger, number: int) -> None:
    with ledger.engine.begin() as connection:
        unguard(connection, "audit_event")
        change = update(tables.event).where(tables.event.c.number == number)
        connection.execute(change.values(digests=bytes(768)))


def test_a_changed_event_hides_no_other_one(ledger: Ledger) -> None:
    ids = record(ledger, 3)
    _damage(ledger, 2)
    with ledger.read() as connection:
        page = find(connection, ledger, Wanted())
        one = find_one(connection, ledger, ids[1])
    assert [type(each) for each in page.entries] == [Entry, DamagedEntry, Entry]
    assert isinstance(one, DamagedEntry)
    assert (one.number, one.event_id) == (2, ids[1])


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        ("kind", Wanted(kinds=frozenset({Kind.DATA_RELEASED}))),
        ("organisation", Wanted(organisation=KELA)),
        ("purpose", Wanted(purpose=CHECK)),
        ("basis", Wanted(basis=LegalBasis.STATUTE)),
    ],
)
def test_an_index_that_calls_an_event_by_another_name_is_not_believed(
    ledger: Ledger, column: str, wanted: Wanted
) -> None:
    record(ledger, happened=Event(kind=Kind.DATA_VIEWED, subject=AINO))
    value = {"kind": "data.released", "organisation": KELA, "purpose": CHECK, "basis": "statute"}
    with ledger.engine.begin() as connection:
        unguard(connection, "audit_search")
        connection.execute(update(tables.search).values({column: value[column]}))
    with ledger.read() as connection:
        (only,) = find(connection, ledger, wanted).entries
    assert isinstance(only, DamagedEntry)


def test_an_index_of_people_that_names_another_person_is_not_believed(ledger: Ledger) -> None:
    record(ledger)
    with ledger.engine.begin() as connection:
        unguard(connection, "audit_about")
        connection.execute(update(tables.about).values(person_id=MATTI))
    with ledger.read() as connection:
        (only,) = find(connection, ledger, Wanted(person=MATTI)).entries
    assert isinstance(only, DamagedEntry)


def test_an_event_whose_key_is_destroyed_is_found_and_says_nothing(ledger: Ledger) -> None:
    record(ledger)
    with ledger.engine.begin() as connection:
        connection.execute(delete(tables.log_key))
    with ledger.read() as connection:
        (only,) = find(connection, ledger, Wanted(kinds=frozenset({Kind.DATA_VIEWED}))).entries
    assert isinstance(only, Entry)
    assert only.fields == {}


def test_evidence_of_a_changed_event_is_its_place_alone(
    ledger: Ledger, sequencer: Sequencer
) -> None:
    record(ledger, 4)
    sequencer.run_once(NOW)
    _damage(ledger, 3)
    with ledger.read() as connection:
        tree, note = signed_tree(connection), latest_checkpoint(connection)
        assert tree is not None
        assert note is not None
        made = evidence(connection, ledger, tree, note, [0, 2, 3], names={"kind"})
    assert [type(each.entry) for each in made] == [Entry, DamagedEntry, Entry]
    assert [len(each.disclosures) for each in made] == [1, 0, 1]
    assert made[1].digests == ()


def test_whom_an_event_is_about_is_told_by_itself_and_else_by_the_index(ledger: Ledger) -> None:
    ids = record(ledger, 3)
    about_nobody = record(ledger, happened=Event(kind=Kind.SIGN_IN_BEGUN))[0]
    with ledger.engine.begin() as connection:
        unguard(connection, "audit_about")
        connection.execute(update(tables.about).values(person_id=MATTI))

    def told(event_id: EventId) -> PersonId | None:
        with ledger.read() as connection:
            return subject_of(connection, ledger, event_id)[0]

    assert told(ids[0]) == AINO  # the event itself counts, and not the index
    _damage(ledger, 2)
    assert told(ids[1]) == MATTI
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        destroy_log_key(uow, AINO, period="2026")
    assert told(ids[2]) == MATTI
    assert told(about_nobody) is None
    assert told(EventId(new_uuid())) is None


@pytest.mark.parametrize("damaged", [False, True])
def test_with_the_person_it_is_told_when_she_sees_the_event(ledger: Ledger, damaged: bool) -> None:
    later = NOW + timedelta(days=30)
    happened = Event(kind=Kind.DATA_RELEASED, subject=AINO, visible_from=later)
    (event_id,) = record(ledger, happened=happened)
    if damaged:
        _damage(ledger, 1)
    with ledger.read() as connection:
        assert subject_of(connection, ledger, event_id) == (AINO, later)


def test_every_kind_has_one_result_and_every_result_its_kinds() -> None:
    assert sorted(kind for result in Result for kind in kinds_of(result)) == sorted(Kind)
    assert all(kinds_of(result) for result in Result)
    assert result_of(Kind.CONSENT_REFUSED) is Result.DECLINED


def test_old_rows_without_purpose_and_ground_are_found_by_the_rest(ledger: Ledger) -> None:
    happened = Event(kind=Kind.DATA_RELEASED, organisation=KELA, purpose=CHECK, subject=AINO)
    record(ledger, happened=happened)
    with ledger.engine.begin() as connection:
        unguard(connection, "audit_search")
        connection.execute(update(tables.search).values(purpose=None, basis=None))
        assert connection.execute(select(tables.search.c.purpose)).scalar_one() is None
    assert found(ledger, Wanted(organisation=KELA)) == [0]
    assert found(ledger, Wanted(purpose=CHECK)) == []
