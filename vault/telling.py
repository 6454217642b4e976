"""Telling those who have got a value that it is disputed, settled or stated anew (GDPR article 19).

Who has got it stands in the log: every release is an event, and it names the client and the
attributes. So nothing is written at a release for this, and nobody is left out: a release that was
under way while the dispute began is found when the telling is repeated (`tell_stragglers`).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from audit.model import SYSTEM, Entry, Event, Kind
from audit.reader import entries_about
from audit.scope import EVERYONE, turn_to
from audit.unit_of_work import Ledger, UnitOfWork, begin
from consent.clients import clients
from consent.model import ClientStatus
from consent.notice import Notice, Told
from consent.notices import is_told, tell
from policies.catalogue import Catalogue
from policies.ids import (
    AttributeId,
    ClientId,
    EventId,
    OrganisationId,
    PersonId,
    PurposeId,
)
from vault.model import Dispute
from vault.store import disputes as store

LOOKED_BACK = timedelta(days=1)
"""So long after a dispute has changed its telling is repeated."""
_PAGE = 200
REASONS = {
    Told.DISPUTED: "told-of-dispute",
    Told.SETTLED: "told-of-settlement",
    Told.RESTATED: "told-of-restatement",
}


def tell_recipients(
    uow: UnitOfWork,
    person: PersonId,
    attribute: AttributeId,
    what: Told,
    *,
    since: datetime,
    about: EventId,
    reason: str | None = None,
) -> int:
    """Tell every client that has got the attribute since then, each once; gives how many were new.

    Each telling is an event of its own, so that the person sees who was told.
    """
    new = 0
    for client, released in _recipients(uow, person, attribute, since).items():
        if is_told(uow.connection, client, about):
            continue
        case, purpose = released.get("case"), released.get("purpose")
        notice = Notice(
            client=client,
            what=what,
            person=person,
            attributes=(attribute,),
            at=uow.now,
            about=about,
            purpose=None if purpose is None else PurposeId(purpose),
            case=case,
            reason=reason,
        )
        organisation, later = released.get("organisation"), released.get("visible_from")
        _tell(
            uow,
            notice,
            None if organisation is None else OrganisationId(organisation),
            # Of a release that a law keeps back, this must not tell her before it does.
            visible_from=None if later is None else datetime.fromisoformat(later),
        )
        new += 1
    return new


def tell_of_dispute(
    uow: UnitOfWork,
    catalogue: Catalogue,
    person: PersonId,
    disputed: Dispute,
    what: Told,
    *,
    about: EventId,
    reason: str | None = None,
) -> int:
    """Tell the recipients of the disputed version and what came after it, and the source."""
    why = reason or disputed.reason
    told = tell_recipients(
        uow, person, disputed.attribute, what, since=disputed.since, about=about, reason=why
    )
    organisation = catalogue.source(disputed.source).organisation
    for each in clients(uow.connection):
        if each.organisation != organisation or each.status is not ClientStatus.ACTIVE:
            continue
        if not is_told(uow.connection, each.id, about):
            notice = Notice(
                client=each.id,
                what=what,
                person=person,
                attributes=(disputed.attribute,),
                at=uow.now,
                about=about,
                reason=why,
            )
            _tell(uow, notice, organisation)
            told += 1
    return told


def tell_stragglers(ledger: Ledger, catalogue: Catalogue, now: datetime) -> int:
    """Repeat the telling of what has changed lately, for releases that were under way then; and
    tell of disputed values that their sources have sent anew.

    Who has been told is not told again. Gives how many were told.
    """
    with ledger.read(EVERYONE) as connection:
        changed = store.changed_since(connection, now - LOOKED_BACK)
        restated = store.restated_since(connection, now - LOOKED_BACK)
    told = sum(_tell_again(ledger, catalogue, person, each, now) for person, each in changed)
    return told + sum(_tell_restated(ledger, *each, now) for each in restated)


def _tell_restated(
    ledger: Ledger, person: PersonId, disputed: Dispute, about: EventId, now: datetime
) -> int:
    with begin(ledger, actor=SYSTEM, now=now, about=person) as uow:
        return tell_recipients(
            uow, person, disputed.attribute, Told.RESTATED, since=disputed.since, about=about
        )


def _tell_again(
    ledger: Ledger, catalogue: Catalogue, person: PersonId, changed: Dispute, now: datetime
) -> int:
    with begin(ledger, actor=SYSTEM, now=now, about=person) as uow:
        if changed.outcome is None:
            about = changed.opened_event
            return tell_of_dispute(uow, catalogue, person, changed, Told.DISPUTED, about=about)
        about, why = changed.newest_event, changed.outcome
        return tell_of_dispute(
            uow, catalogue, person, changed, Told.SETTLED, about=about, reason=why
        )


def _recipients(
    uow: UnitOfWork, person: PersonId, attribute: AttributeId, since: datetime
) -> dict[ClientId, Entry]:
    """Each client that has got the attribute, with its newest release of it."""
    found: dict[ClientId, Entry] = {}
    for released in _releases(uow, person, since):
        client = released.get("client")
        if client is not None and attribute in released.many("attributes"):
            found.setdefault(ClientId(client), released)
    return found


def _releases(uow: UnitOfWork, person: PersonId, since: datetime) -> Iterator[Entry]:
    """The person's data that was released since then, newest first."""
    turn_to(uow.connection, person)
    before: int | None = None
    while True:
        page = entries_about(
            uow.connection,
            uow.ledger,
            person,
            before=before,
            limit=_PAGE,
            kinds=[Kind.DATA_RELEASED],
        )
        yield from (each for each in page if each.at >= since)
        if len(page) < _PAGE or page[-1].at < since:
            return
        before = page[-1].number


def _tell(
    uow: UnitOfWork,
    notice: Notice,
    organisation: OrganisationId | None,
    *,
    visible_from: datetime | None = None,
) -> None:
    event_id = uow.record(
        Event(
            kind=Kind.RECIPIENT_TOLD,
            subject=notice.person,
            organisation=organisation,
            client=notice.client,
            purpose=notice.purpose,
            attributes=notice.attributes,
            reason=REASONS[notice.what],
            case=notice.case,
            reference=str(notice.about),
            visible_from=visible_from,
        )
    )
    tell(uow, notice, event_id)
