"""Telling organisations that a person whom they know by one name has another one from now on.

Two records of one person have become one (vault.merging). Who got a pseudonym of the other knows
two people where there is one; it hears which of its names mean the same person. The new name itself
is given when the client looks, as in every notice.
"""

from collections.abc import Collection, Mapping

from audit.unit_of_work import UnitOfWork
from consent.clients import clients
from consent.model import ClientStatus
from consent.notice import Told
from policies.ids import EventId, OrganisationId, PersonId
from vault.names import Subjects, subjects_of
from vault.recipients import Recipient, tell_recipient


def tell_of_new_name(
    uow: UnitOfWork, first: PersonId, knew: Collection[OrganisationId], *, about: EventId
) -> None:
    """Tell the active clients of the organisations that knew the one who was joined to her."""
    names: Mapping[OrganisationId, Subjects] = subjects_of(uow.connection, first)
    for each in clients(uow.connection):
        if each.organisation in knew and each.status is ClientStatus.ACTIVE:
            former = Subjects(former=names[each.organisation].former)
            told = Recipient(client=each.id, organisation=each.organisation)
            tell_recipient(uow, first, told, Told.RENAMED, about=about, subjects=former)
