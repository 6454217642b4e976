"""What becomes of requests and consents whose purpose counts no more, or counts again.

From the moment of the operators' decision nothing can be asked, given or fetched for it, since
each of these looks whether the purpose counts. What is written down here, piece by piece, is what
that means for each person: what was given is stopped for a while with a suspended purpose, goes on
with it, and ends with a retired one; who has not answered is not asked any more.
"""

from audit.unit_of_work import UnitOfWork
from consent.changes import change
from consent.grounds import LegalGround, SuspensionGround
from consent.model import OPEN, Command, Consent
from consent.parties import Party
from consent.store import following as store


def follow_declarations(uow: UnitOfWork, *, limit: int) -> int:
    """Do it for so many; how many there were."""
    left, done = limit, 0
    for due, step in (
        (store.lock_suspended, _stop),
        (store.lock_resumed, _go_on),
        (store.lock_retired, _end),
    ):
        found = due(uow.connection, limit=left) if left else []
        for each in found:
            step(uow, each)
        left, done = left - len(found), done + len(found)
    return done


def _stop(uow: UnitOfWork, given: Consent) -> None:
    ground = SuspensionGround.PURPOSE_SUSPENDED
    change(uow, given, Command.SUSPEND, party=Party.SYSTEM, ground=ground)


def _go_on(uow: UnitOfWork, stopped: Consent) -> None:
    change(uow, stopped, Command.RESUME, party=Party.SYSTEM)


def _end(uow: UnitOfWork, found: Consent) -> None:
    if found.status in OPEN:
        change(uow, found, Command.NOTICE_CHANGED_MATERIAL, party=Party.SYSTEM)
    else:
        ground = LegalGround.PURPOSE_RETIRED
        change(uow, found, Command.REVOKE, party=Party.SYSTEM, ground=ground)
