"""What a room keeps sealed about people is held against the log, person by person."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from audit.check_cursor import Key
from audit.check_report import Finding, Gap
from audit.check_seals import PEOPLE_AT_ONCE
from audit.completeness import check
from audit.effects import RoomEffects, Sealed
from audit.model import SYSTEM, Event, Kind
from audit.reader import entries_of
from audit.seal import SealedEventError
from audit.unit_of_work import Ledger, begin
from policies.ids import EventId, PersonId, new_uuid
from tests.audit.sample import NOW

PEOPLE = [PersonId(UUID(int=number)) for number in range(PEOPLE_AT_ONCE * 2 + 1)]
FOURTH, LAST = PEOPLE[3], PEOPLE[-1]


def people(
    _connection: Connection, after: Key | None, limit: int
) -> Sequence[tuple[Key, PersonId]]:
    start = 0 if after is None else PEOPLE.index(PersonId(UUID(str(after[0])))) + 1
    return [((each,), each) for each in PEOPLE[start : start + limit]]


class Room:
    """A room of which some is not as the log says; it notes whom it was asked about."""

    def __init__(
        self, *, differ: Sequence[PersonId] = (), damaged: Sequence[PersonId] = ()
    ) -> None:
        self.differ, self.damaged = differ, damaged
        self.asked: list[PersonId] = []

    def differing(self, _c: Connection, _ledger: Ledger, person: PersonId) -> list[UUID]:
        self.asked.append(person)
        if person in self.damaged:
            raise SealedEventError("digests")
        return [person, UUID(int=7)] if person in self.differ else []

    @property
    def effects(self) -> RoomEffects:
        return RoomEffects(
            sealed=(Sealed(name="deposit", people=people, differing=self.differing),)
        )


def test_everybody_is_asked_about_once(ledger: Ledger) -> None:
    room = Room()
    report = check(ledger, [room.effects], now=NOW)
    assert report.ok
    assert room.asked == PEOPLE
    assert report.rows == len(PEOPLE)


def test_what_differs_is_named_by_its_id(ledger: Ledger) -> None:
    report = check(ledger, [Room(differ=[FOURTH]).effects], now=NOW)
    assert report.findings == (
        Finding(Gap.SEALED_DIFFERS, f"deposit {FOURTH}"),
        Finding(Gap.SEALED_DIFFERS, f"deposit {UUID(int=7)}"),
    )


def test_a_damaged_event_keeps_nobody_else_from_being_looked_at(ledger: Ledger) -> None:
    room = Room(differ=[LAST], damaged=[FOURTH])
    report = check(ledger, [room.effects], now=NOW)
    assert report.counts == {Gap.EVENT_DAMAGED: 1, Gap.SEALED_DIFFERS: 2}
    assert str(FOURTH) not in report.findings[0].place
    assert room.asked == PEOPLE


def test_it_goes_on_from_where_it_stopped(ledger: Ledger) -> None:
    first = Room()
    left = iter([False] * 4 + [True])  # events, leaves, minimum indexes, and one page of these
    stopped = check(ledger, [first.effects], now=NOW, stop=lambda: next(left))
    assert stopped.cursor is not None
    assert first.asked == PEOPLE[:PEOPLE_AT_ONCE]
    second = Room()
    assert check(ledger, [second.effects], now=NOW, cursor=stopped.cursor).cursor is None
    assert second.asked == PEOPLE[PEOPLE_AT_ONCE:]


def test_events_are_read_by_their_ids_together(ledger: Ledger) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        ids = [uow.record(Event(kind=Kind.SIGNED_IN, digest=f"{n:064x}")) for n in range(3)]
    asked = [ids[2], ids[0], EventId(new_uuid())]
    with ledger.read() as connection:
        found = entries_of(connection, ledger, asked)
        assert entries_of(connection, ledger, []) == {}
    assert {event: entry.get("digest") for event, entry in found.items()} == {
        ids[0]: f"{0:064x}",
        ids[2]: f"{2:064x}",
    }
