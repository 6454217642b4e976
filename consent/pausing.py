"""Stopping a consent for a while, and letting it go on (GDPR article 18).

Whoever has stopped it lets it go on, nobody else. While it stands still nothing can be fetched;
its time runs on, so it may reach its end meanwhile.
"""

from audit.unit_of_work import UnitOfWork
from consent.changes import change
from consent.choices import own, recorded
from consent.grounds import SuspensionGround
from consent.lifecycle import Party
from consent.model import Command, ConsentRecord
from consent.store import consents
from policies.ids import ConsentId, PersonId
from policies.vocabulary import LevelOfAssurance


def pause(
    uow: UnitOfWork, consent_id: ConsentId, *, person: PersonId, loa: LevelOfAssurance
) -> ConsentRecord:
    """Stop it at the person's wish, from this moment on.

    Raises UnknownConsentError and the errors of the lifecycle.
    """
    standing = own(consents.lock(uow.connection, consent_id), person)
    _, record = change(
        uow,
        standing,
        Command.SUSPEND,
        party=Party.SUBJECT,
        ground=SuspensionGround.ART18,
        loa=loa,
    )
    return recorded(record)


def resume(
    uow: UnitOfWork, consent_id: ConsentId, *, person: PersonId, loa: LevelOfAssurance
) -> ConsentRecord:
    """Let what the person has stopped go on.

    Raises UnknownConsentError and the errors of the lifecycle.
    """
    standing = own(consents.lock(uow.connection, consent_id), person)
    _, record = change(uow, standing, Command.RESUME, party=Party.SUBJECT, loa=loa)
    return recorded(record)
