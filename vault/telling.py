"""Telling those who have got a value that it is disputed, settled or stated anew (GDPR article 19).

A release that was under way while the dispute began is found when the telling is repeated
(`tell_stragglers`), so nobody is left out.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from audit.model import SYSTEM
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, UnitOfWork, begin
from consent.clients import clients
from consent.model import ClientStatus
from consent.notice import Told
from consent.notices import is_told
from policies.catalogue import Catalogue
from policies.ids import AttributeId, ClientId, EventId, PersonId
from vault.model import Dispute
from vault.recipients import Recipient, recipients, tell_recipient
from vault.store import disputes as store

LOOKED_BACK = timedelta(days=1)
"""So long after a dispute has changed its telling is repeated."""


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
    found = recipients(uow, person, of=[attribute], since=since)
    return _tell_each(uow, person, found, what, about=about, reason=reason)


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
            source = Recipient(
                client=each.id, organisation=organisation, attributes=(disputed.attribute,)
            )
            tell_recipient(uow, person, source, what, about=about, reason=why)
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
    by_deposit: dict[tuple[PersonId, EventId], list[Dispute]] = {}
    for person, disputed, about in restated:
        by_deposit.setdefault((person, about), []).append(disputed)
    return told + sum(
        _tell_restated(ledger, person, disputes, about, now)
        for (person, about), disputes in by_deposit.items()
    )


def _tell_restated(
    ledger: Ledger, person: PersonId, disputes: list[Dispute], about: EventId, now: datetime
) -> int:
    """Tell of one deposit. A client hears of it once: of all that was disputed and that it has."""
    with begin(ledger, actor=SYSTEM, now=now, about=person) as uow:
        found: dict[ClientId, Recipient] = {}
        for disputed in disputes:
            for each in recipients(uow, person, of=[disputed.attribute], since=disputed.since):
                found[each.client] = _both(found.get(each.client, each), each)
        return _tell_each(uow, person, found.values(), Told.RESTATED, about=about)


def _tell_each(
    uow: UnitOfWork,
    person: PersonId,
    found: Iterable[Recipient],
    what: Told,
    *,
    about: EventId,
    reason: str | None = None,
) -> int:
    new = [each for each in found if not is_told(uow.connection, each.client, about)]
    for each in new:
        tell_recipient(uow, person, each, what, about=about, reason=reason)
    return len(new)


def _both(one: Recipient, other: Recipient) -> Recipient:
    """The same client with what it has got of both; she sees it when she may see both."""
    attributes = {*one.attributes, *other.attributes}
    later = [each.visible_from for each in (one, other) if each.visible_from is not None]
    return replace(one, attributes=tuple(sorted(attributes)), visible_from=max(later, default=None))


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
