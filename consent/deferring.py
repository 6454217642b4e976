"""Putting an answer off, and coming back to it. The request runs out all the same."""

from dataclasses import replace
from datetime import timedelta

from audit.unit_of_work import UnitOfWork
from consent.changes import change
from consent.choices import own
from consent.lifecycle import Party
from consent.model import Command, Consent
from consent.store import consents
from policies.ids import ConsentId, PersonId

REMINDED_AFTER = timedelta(days=3)
"""How long a request that was put off is left out of sight before the person sees it again."""


def defer(uow: UnitOfWork, consent_id: ConsentId, *, person: PersonId) -> Consent:
    """Put the answer off. Raises UnknownConsentError and the errors of the lifecycle."""
    waiting = own(consents.lock(uow.connection, consent_id), person)
    to = replace(waiting, remind_at=uow.now + REMINDED_AFTER)
    deferred, _ = change(uow, waiting, Command.DEFER, party=Party.SUBJECT, to=to)
    return deferred


def reopen(uow: UnitOfWork, consent_id: ConsentId, *, person: PersonId) -> Consent:
    """Come back to it. Raises UnknownConsentError and the errors of the lifecycle."""
    waiting = own(consents.lock(uow.connection, consent_id), person)
    to = replace(waiting, remind_at=None)
    reopened, _ = change(uow, waiting, Command.REOPEN, party=Party.SUBJECT, to=to)
    return reopened
