"""What others than the person decide of a consent: stop it, let it go on, end it, undo it.

An authority, a court, the recipient or this service itself decides; an operator writes it down,
with whose decision it is and on which ground. The person sees both.
"""

from audit.unit_of_work import UnitOfWork
from consent.changes import change
from consent.choices import UnknownConsentError, recorded
from consent.flagging import flag_disclosures
from consent.grounds import Defect, LegalGround, SuspensionGround
from consent.lifecycle import Party
from consent.model import Command, Consent, ConsentRecord
from consent.store import consents
from policies.ids import ConsentId


def suspend_by_order(
    uow: UnitOfWork, consent_id: ConsentId, *, party: Party, ground: SuspensionGround
) -> ConsentRecord:
    """Stop it for a while. Raises UnknownConsentError and the errors of the lifecycle."""
    standing = _locked(uow, consent_id)
    _, record = change(uow, standing, Command.SUSPEND, party=party, ground=ground)
    return recorded(record)


def resume_by_order(uow: UnitOfWork, consent_id: ConsentId, *, party: Party) -> ConsentRecord:
    """Let it go on. Raises UnknownConsentError and the errors of the lifecycle."""
    _, record = change(uow, _locked(uow, consent_id), Command.RESUME, party=party)
    return recorded(record)


def revoke(
    uow: UnitOfWork, consent_id: ConsentId, *, party: Party, ground: LegalGround
) -> ConsentRecord:
    """End it. Raises UnknownConsentError and the errors of the lifecycle."""
    standing = _locked(uow, consent_id)
    _, record = change(uow, standing, Command.REVOKE, party=party, ground=ground)
    return recorded(record)


def invalidate(
    uow: UnitOfWork, consent_id: ConsentId, *, party: Party, defect: Defect
) -> ConsentRecord:
    """Say that it was never valid, and mark everything that was released on it.

    Raises UnknownConsentError and the errors of the lifecycle.
    """
    standing = _locked(uow, consent_id)
    _, made = change(uow, standing, Command.INVALIDATE, party=party, ground=defect)
    record = recorded(made)
    flag_disclosures(uow, standing, record.event_id)
    return record


def _locked(uow: UnitOfWork, consent_id: ConsentId) -> Consent:
    found = consents.lock(uow.connection, consent_id)
    if found is None:
        raise UnknownConsentError
    return found
