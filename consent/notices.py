"""What a client is told: its feed of what concerns it, in an order that it can follow.

A notice is written in the transaction of what it tells, so that none is lost and none is told of
what did not happen. Its place in the client's feed it gets when the client next looks, with the
feed locked: numbers drawn while writing would become visible out of order, and a reader who has
passed a number would never see the one before it.

A client learns no more than it must: that nothing was given, never whether somebody refused or
kept silent; that a consent has ended, never what else the person decided.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection

from audit.model import Kind
from audit.unit_of_work import UnitOfWork
from consent.lifecycle import Party
from consent.model import Consent, Status
from consent.notice import Notice, Told
from consent.store import notices as store
from policies.ids import ClientId, EventId

MOST = 500
"""So many notices are given at once."""
KEPT = timedelta(days=90)
"""So long a client can still read what it has been told; the events stay in the log."""

SKIPPED = 2**32
"""More notices than a client can have got since a backup."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of a client's feed."""

    notices: tuple[tuple[int, Notice], ...]
    """Each with its place, from 1."""
    more: bool


def tell(uow: UnitOfWork, notice: Notice, event_id: EventId) -> None:
    """Put it into the client's feed; the event is the one that accounts for telling."""
    store.add(uow.connection, notice, event_id, ordinal=uow.recorded)


def is_told(connection: Connection, client: ClientId, about: EventId) -> bool:
    """Whether the client has been told of that event."""
    return store.is_told(connection, client, about)


def tell_of_change(
    uow: UnitOfWork, was: Consent, now: Consent, *, kind: Kind, party: Party, event_id: EventId
) -> None:
    """Tell the client of a change of a consent that it did not bring about itself."""
    what = told_of(was.status, now.status, kind)
    if what is None or party is Party.CLIENT:
        return
    told = Notice(
        client=now.client,
        what=what,
        person=now.person,
        attributes=now.granted,
        at=uow.now,
        about=event_id,
        consent=now.id,
        purpose=now.purpose,
        case=now.case,
    )
    tell(uow, replace(told, attributes=()) if what is Told.NOT_GIVEN else told, event_id)


def told_of(was: Status, now: Status, kind: Kind) -> Told | None:
    """What a change looks like from outside; None where it does not concern the client."""
    if was is now:
        return _BY_KIND.get(kind)
    if was is Status.SUSPENDED and now is Status.ACTIVE:
        return Told.RESUMED
    return _BY_STATUS.get(now)


def feed(uow: UnitOfWork, client: ClientId, *, after: int, limit: int = MOST) -> Feed:
    """What the client has been told after that place, in order; what is older than KEPT goes."""
    store.forget(uow.connection, client, before=uow.now - KEPT)
    store.number(uow.connection, client)
    found = store.numbered(uow.connection, client, after=after, limit=limit + 1)
    return Feed(tuple(found[:limit]), len(found) > limit)


def skip_places(uow: UnitOfWork) -> None:
    """Let every feed go on behind all places that a client can have read: for a database that was
    restored, which does not know how far that was."""
    store.skip_places(uow.connection, SKIPPED)


def forget_old(uow: UnitOfWork, *, limit: int) -> int:
    """Delete what is older than KEPT, of clients too that never look; how many there were."""
    return store.forget_old(uow.connection, before=uow.now - KEPT, limit=limit)


_BY_KIND: Mapping[Kind, Told] = {
    Kind.CONSENT_RENEWED: Told.GIVEN,
    Kind.CONSENT_NARROWED: Told.NARROWED,
}
_BY_STATUS: Mapping[Status, Told] = {
    Status.ACTIVE: Told.GIVEN,
    Status.REFUSED: Told.NOT_GIVEN,
    Status.LAPSED: Told.NOT_GIVEN,
    Status.CANCELLED: Told.NOT_GIVEN,
    Status.SUSPENDED: Told.PAUSED,
    Status.WITHDRAWN: Told.WITHDRAWN,
    Status.EXPIRED: Told.ENDED,
    Status.REVOKED: Told.ENDED,
    Status.INVALIDATED: Told.ENDED,
    Status.SUPERSEDED: Told.ENDED,
}
