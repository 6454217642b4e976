"""Telling those who have got data that it is erased here (GDPR articles 17(1) and 19).

What they do with theirs is for the law under which they hold it; they hear which data about her is
not kept here any more.
"""

from collections.abc import Collection, Mapping

from audit.unit_of_work import UnitOfWork
from consent.notice import Told
from policies.ids import AttributeId, EventId, OrganisationId, PersonId
from vault.names import NOWHERE, Subjects
from vault.recipients import Recipient, recipients, tell_recipient


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
