"""Telling those who have got data that it is erased here (GDPR articles 17(1) and 19).

What they do with theirs is for the law under which they hold it; they hear which data about her is
not kept here any more.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from audit.model import SYSTEM, Entry, Kind
from audit.reader import search
from audit.unit_of_work import Ledger, UnitOfWork, begin
from consent.notice import Told
from consent.notices import is_told
from policies.ids import AttributeId, EventId, OrganisationId, PersonId
from vault.names import NOWHERE, Subjects
from vault.recipients import Recipient, recipients, tell_recipient

UNDER_WAY = timedelta(minutes=10)
"""No fetch takes longer, so for so long the telling is repeated."""
A_MOMENT = timedelta(seconds=30)
"""What was released later had been let in again."""
_MOST = 1_000


def tell_of_erasure(
    uow: UnitOfWork, person: PersonId, of: Collection[AttributeId], *, about: EventId
) -> tuple[OrganisationId, ...]:
    """Tell everybody who has got one of these attributes that they are erased.

    Gives the organisations that the person may know of by now.
    """
    return _told(uow, person, recipients(uow, person, of=of), {}, about=about)


def tell_of_end(
    uow: UnitOfWork,
    person: PersonId,
    names: Mapping[OrganisationId, Subjects],
    *,
    about: EventId,
) -> tuple[OrganisationId, ...]:
    """Tell everybody who has got anything that everything is erased.

    The notice holds the names under which the organisation knows her, since they can be found
    nowhere afterwards. Gives the organisations that the person may know of by now.
    """
    return _told(uow, person, recipients(uow, person), names, about=about)


def tell_late(ledger: Ledger, now: datetime) -> int:
    """Tell those who got something while it was being erased; gives how many they were.

    A fetch that had read before the erasure was committed writes its release when that has looked
    for recipients. Under which name it knows a person who is gone is not known any more by then.
    """
    with ledger.read() as connection:
        erased = [
            each
            for kind in (Kind.PERSON_ERASED, Kind.DATA_ERASED)
            for each in search(connection, ledger, kind=kind, since=now - UNDER_WAY, limit=_MOST)
        ]
    return sum(_told_late(ledger, each, each.subject, now) for each in erased if each.subject)


def _told_late(ledger: Ledger, erased: Entry, person: PersonId, now: datetime) -> int:
    whole = erased.kind is Kind.PERSON_ERASED
    of = None if whole else [AttributeId(each) for each in erased.many("attributes")]
    with begin(ledger, actor=SYSTEM, now=now, about=person) as uow:
        about, at = erased.event_id, erased.at
        found = recipients(uow, person, of=of, since=at - UNDER_WAY, until=at + A_MOMENT)
        late = [each for each in found if not is_told(uow.connection, each.client, about)]
        _told(uow, person, late, {}, about=about)
    return len(late)


def _told(
    uow: UnitOfWork,
    person: PersonId,
    found: Collection[Recipient],
    names: Mapping[OrganisationId, Subjects],
    *,
    about: EventId,
) -> tuple[OrganisationId, ...]:
    visible = set[OrganisationId]()
    for each in found:
        organisation = each.organisation
        subjects = NOWHERE if organisation is None else names.get(organisation, NOWHERE)
        tell_recipient(uow, person, each, Told.ERASED, about=about, subjects=subjects)
        if organisation is not None and each.is_visible(uow.now):
            visible.add(organisation)
    return tuple(sorted(visible))
