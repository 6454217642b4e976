"""What clients are told: no more than they must know, in an order that they can follow."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from audit.model import SYSTEM, Actor, Event, Kind
from audit.unit_of_work import Ledger, begin
from consent.changes import change
from consent.choices import expire_due, refuse
from consent.decisions import Permit
from consent.grounds import Ground, LegalGround, SuspensionGround
from consent.lifecycle import TRANSITIONS, Party
from consent.model import Command, Status
from consent.notice import Notice, Told
from consent.notices import KEPT, Feed, feed, is_told, tell, told_of
from consent.store.consents import lock_known
from policies.ids import ClientId, ConsentId, EventId, PersonId
from tests.consent.flow import GROSS, NEEDED, NOW, Flow

CLIENT = ClientId("debt-counsel-1")
OTHER = ClientId("other-1")


def read(ledger: Ledger, client: ClientId = CLIENT, *, after: int = 0, limit: int = 500) -> Feed:
    with begin(ledger, actor=Actor.client(client), now=NOW) as uow:
        found = feed(uow, client, after=after, limit=limit)
        uow.record(Event(kind=Kind.FEED_READ, client=client))
    return found


def kinds(ledger: Ledger) -> list[Told]:
    return [notice.what for _, notice in read(ledger).notices]


def put(ledger: Ledger, client: ClientId = CLIENT, *, about: EventId | None = None) -> EventId:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        event_id = uow.record(Event(kind=Kind.RECIPIENT_TOLD, client=client))
        notice = Notice(
            client=client,
            what=Told.DISPUTED,
            person=PersonId(uuid4()),
            attributes=(GROSS,),
            at=uow.now,
            about=about or event_id,
        )
        tell(uow, notice, event_id)
    return about or event_id


def test_an_answer_and_a_withdrawal_are_told_with_what_was_given(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    flow.withdraw(given, now=NOW + timedelta(seconds=1))
    (first, told), (second, ended) = read(ledger).notices
    assert (first, second) == (1, 2)
    assert (told.what, ended.what) == (Told.GIVEN, Told.WITHDRAWN)
    assert (told.person, told.consent) == (given.person, given.record.consent)
    assert (told.attributes, told.purpose) == (NEEDED, flow.purpose_id)


def test_refusal_and_silence_look_the_same_from_outside(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    refused, silent = flow.open(person), flow.open(flow.person())
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        refuse(uow, refused.id, flow.choice(person, granted=()))
    with begin(ledger, actor=SYSTEM, now=silent.expires_at) as uow:
        expire_due(uow)
    notices = [notice for _, notice in read(ledger).notices]
    assert [each.what for each in notices] == [Told.NOT_GIVEN, Told.NOT_GIVEN]
    assert {each.attributes for each in notices} == {()}
    assert {each.reason for each in notices} == {None}


def test_what_the_person_has_not_decided_yet_is_not_told(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = flow.open(person)
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        locked = lock_known(uow.connection, waiting.id)
        change(uow, locked, Command.DEFER, party=Party.SUBJECT)
    assert kinds(ledger) == []


def test_the_last_use_is_no_news_to_who_made_it(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given(details_uses=1)
    assert isinstance(flow.fetch(given.access), Permit)
    assert kinds(ledger) == [Told.GIVEN]


def test_the_end_of_a_consent_is_told(ledger: Ledger) -> None:
    flow = Flow(ledger)
    flow.given()
    with begin(ledger, actor=SYSTEM, now=NOW + timedelta(days=4000)) as uow:
        expire_due(uow)
    assert kinds(ledger) == [Told.GIVEN, Told.ENDED]


def test_a_pause_and_its_end_are_told(ledger: Ledger) -> None:
    given = Flow(ledger).given()
    doings: tuple[tuple[Command, Party, Ground | None], ...] = (
        (Command.SUSPEND, Party.SUPERVISOR, SuspensionGround.BREACH),
        (Command.RESUME, Party.SUPERVISOR, None),
        (Command.REVOKE, Party.COURT, LegalGround.COURT_ORDER),
    )
    for command, party, ground in doings:
        with begin(ledger, actor=SYSTEM, now=NOW + timedelta(seconds=len(kinds(ledger)))) as uow:
            standing = lock_known(uow.connection, given.record.consent)
            change(uow, standing, command, party=party, ground=ground)
    assert kinds(ledger) == [Told.GIVEN, Told.PAUSED, Told.RESUMED, Told.ENDED]


@pytest.mark.parametrize(("status", "command"), sorted(TRANSITIONS))
def test_every_change_is_told_or_is_none_of_the_clients_business(
    status: Status, command: Command
) -> None:
    cell = TRANSITIONS[status, command]
    told = told_of(status, cell.result, cell.kind)
    waits = {Status.REQUESTED, Status.DEFERRED, Status.PENDING_JOINT}
    told_though_it_stands = {Kind.CONSENT_RENEWED, Kind.CONSENT_NARROWED}
    if cell.result in waits or (cell.result is status and cell.kind not in told_though_it_stands):
        assert told is None
    else:
        assert told is not None


def test_a_reader_goes_on_where_it_stopped(ledger: Ledger) -> None:
    for _ in range(5):
        put(ledger)
    first = read(ledger, limit=2)
    assert ([place for place, _ in first.notices], first.more) == ([1, 2], True)
    rest = read(ledger, after=2, limit=3)
    assert ([place for place, _ in rest.notices], rest.more) == ([3, 4, 5], False)
    assert read(ledger, after=5) == Feed((), more=False)
    put(ledger)
    assert [place for place, _ in read(ledger, after=5).notices] == [6]


def test_what_is_old_goes_and_the_places_of_the_others_stay(ledger: Ledger) -> None:
    put(ledger)
    put(ledger, OTHER)
    assert [place for place, _ in read(ledger).notices] == [1]
    with begin(ledger, actor=Actor.client(CLIENT), now=NOW + KEPT) as uow:
        assert [place for place, _ in feed(uow, CLIENT, after=0).notices] == [1]
    with begin(ledger, actor=SYSTEM, now=NOW + KEPT + timedelta(seconds=1)) as uow:
        assert feed(uow, CLIENT, after=0).notices == ()
        uow.record(Event(kind=Kind.FEED_READ, client=CLIENT))
    put(ledger)
    assert [place for place, _ in read(ledger).notices] == [2]
    assert [place for place, _ in read(ledger, OTHER).notices] == [1]


def test_nobody_reads_what_another_client_is_told(ledger: Ledger) -> None:
    put(ledger)
    put(ledger, OTHER)
    assert [place for place, _ in read(ledger, OTHER).notices] == [1]
    assert read(ledger, ClientId("third-1")).notices == ()


def test_a_client_is_told_once_of_one_thing(ledger: Ledger) -> None:
    about = put(ledger)
    with ledger.read() as connection:
        assert is_told(connection, CLIENT, about)
        assert not is_told(connection, OTHER, about)
    with pytest.raises(IntegrityError):
        put(ledger, about=about)
    put(ledger, OTHER, about=about)
    assert len(read(ledger).notices) == 1


def test_what_is_rolled_back_is_not_told(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = flow.open(person)

    def fail() -> None:
        with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
            refuse(uow, ConsentId(waiting.id), flow.choice(person, granted=()))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert kinds(ledger) == []


def test_readers_and_writers_at_once_miss_nothing_and_see_nothing_twice(ledger: Ledger) -> None:
    start, seen = threading.Barrier(4), [list[int](), list[int]()]

    def write() -> None:
        start.wait()
        for _ in range(15):
            put(ledger)

    def follow(mine: list[int]) -> None:
        start.wait()
        while len(mine) < 30:
            page = read(ledger, after=mine[-1] if mine else 0, limit=7)
            mine += [place for place, _ in page.notices]

    threads = [threading.Thread(target=write) for _ in range(2)]
    threads += [threading.Thread(target=follow, args=(mine,)) for mine in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [list(range(1, 31)), list(range(1, 31))]
