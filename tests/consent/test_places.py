"""Places in feeds after a restore, and notices that nobody can read any more."""

from datetime import timedelta

from audit.model import SYSTEM, Actor, Event, Kind
from audit.unit_of_work import Ledger, begin
from consent.clients import register_client
from consent.notice import Notice, Told
from consent.notices import KEPT, SKIPPED, Feed, feed, forget_old, skip_places, tell
from consent.reading import consent, with_limited_uses
from policies.ids import ClientId, PersonId, new_uuid
from tests.consent.flow import NOW, Flow, catalogue, metadata

PROGRAM, OTHER = ClientId("kela-1"), ClientId("kela-2")


def registered(ledger: Ledger) -> None:
    for each in (PROGRAM, OTHER):
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            register_client(uow, metadata(client_id=each, organisation="kela"), catalogue())


def told(ledger: Ledger, client: ClientId = PROGRAM, *, days: int = 0) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW + timedelta(days=days)) as uow:
        event_id = uow.record(Event(kind=Kind.RECIPIENT_TOLD))
        notice = Notice(
            client=client,
            what=Told.ERASED,
            person=PersonId(new_uuid()),
            attributes=(),
            at=uow.now,
            about=event_id,
            subject="s" * 22,
            former_subjects=("f" * 22, "g" * 22),
        )
        tell(uow, notice, event_id)


def read(ledger: Ledger, client: ClientId = PROGRAM, *, after: int = 0) -> Feed:
    with begin(ledger, actor=Actor.client(client), now=NOW) as uow:
        uow.record(Event(kind=Kind.FEED_READ, client=client))
        return feed(uow, client, after=after)


def skipped(ledger: Ledger) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.record(Event(kind=Kind.BACKUP_RESTORED))
        skip_places(uow)


def test_names_that_nobody_can_look_up_any_more_are_kept(ledger: Ledger) -> None:
    registered(ledger)
    told(ledger)
    ((_, notice),) = read(ledger).notices
    assert (notice.subject, notice.former_subjects) == ("s" * 22, ("f" * 22, "g" * 22))


def test_every_feed_goes_on_behind_what_its_reader_can_have_read(ledger: Ledger) -> None:
    registered(ledger)
    told(ledger)
    assert [place for place, _ in read(ledger).notices] == [1]
    skipped(ledger)
    for each in (PROGRAM, OTHER):
        told(ledger, each)
    assert [place for place, _ in read(ledger).notices] == [1, SKIPPED + 2]
    assert [place for place, _ in read(ledger, OTHER).notices] == [SKIPPED + 1]
    skipped(ledger)
    told(ledger)
    assert read(ledger, after=SKIPPED + 2).notices[0][0] == 2 * SKIPPED + 3


def test_what_nobody_can_read_any_more_goes_for_every_client(ledger: Ledger) -> None:
    registered(ledger)
    for days in (0, 1):
        for each in (PROGRAM, OTHER):
            told(ledger, each, days=days)
    with begin(ledger, actor=SYSTEM, now=NOW + KEPT + timedelta(hours=1)) as uow:
        uow.record(Event(kind=Kind.ROWS_SWEPT))
        assert forget_old(uow, limit=1) == 1
        assert forget_old(uow, limit=10) == 1
        assert forget_old(uow, limit=10) == 0
    assert len(read(ledger).notices) == 1


def test_consents_with_a_limited_number_of_uses_are_named_while_they_stand(
    ledger: Ledger,
) -> None:
    flow = Flow(ledger)
    given = [flow.given(details_uses=3), flow.given(details_uses=3), flow.given()]
    flow.withdraw(given[1])
    with ledger.read() as connection:
        standing = [consent(connection, each.record.consent) for each in (given[0], given[2])]
        counted = {each.id for each in standing if each and each.uses_left is not None}
        assert set(with_limited_uses(connection)) == counted
    assert given[0].record.consent in counted
