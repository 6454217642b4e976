"""What a new version of a notice means for those who were asked and those who gave.

Who has not answered a notice that now says something else is asked anew, by the new one. What was
given stays as it was given, for what was asked then and nothing more; beside it stands a question
by the new notice. New words for the same change nothing but the words.
"""

from dataclasses import replace

from sqlalchemy import Connection

from audit.model import Kind
from audit.unit_of_work import UnitOfWork
from consent.authorization_details import AuthorizationDetails
from consent.changes import change
from consent.events import consent_event
from consent.lifecycle import Party
from consent.model import OPEN, OPEN_FOR, Command, Consent, Status
from consent.notice_version import ChangeClass
from consent.request_limits import within_limits
from consent.store import consents, notice_versions, purposes
from consent.store import pushed as requests
from policies.ids import ConsentId, EventId, new_uuid
from policies.limits import TooWideError
from policies.purposes import PurposeDeclaration


def ask_by_new_notice(
    uow: UnitOfWork, declaration: PurposeDeclaration, changes: ChangeClass
) -> None:
    """Do it for the requests that wait, in the transaction of the new version: nobody may agree to
    a text that is no longer true."""
    outdated = consents.lock_open_before(
        uow.connection, declaration.id, version=declaration.version
    )
    for each in outdated:
        if changes is ChangeClass.MATERIAL:
            _ask_anew(uow, each, declaration)
        elif each.status is not Status.PENDING_JOINT:
            _say_otherwise(uow, each, declaration)


def tell_active(uow: UnitOfWork, *, limit: int) -> int:
    """Do it for so many of those who gave, in the order of ids; how many there were.

    There may be many, so a job does it piece by piece. What they gave is not touched.
    """
    due = consents.lock_with_newer_notice(uow.connection, limit=limit)
    for each in due:
        newest = purposes.newest(uow.connection, each.purpose)
        if newest is None:
            raise RuntimeError("a consent stands for a purpose that was never registered")
        _tell(uow, each, newest)
    return len(due)


def _tell(uow: UnitOfWork, standing: Consent, newest: PurposeDeclaration) -> None:
    told = replace(standing, notice_told=newest.version)
    if not _is_material(uow.connection, standing, newest.version):
        change(uow, standing, Command.NOTICE_CHANGED_EDITORIAL, party=Party.SYSTEM, to=told)
        return
    change(uow, standing, Command.NOTICE_CHANGED_MATERIAL, party=Party.SYSTEM, to=told)
    same = consents.of_same_purpose(uow.connection, standing)
    if not any(each.status in OPEN for each in same):
        _request(uow, standing, newest, follows=standing.id)


def _is_material(connection: Connection, standing: Consent, newest: int) -> bool:
    known = standing.notice_told or standing.purpose_version
    versions = notice_versions.between(connection, standing.purpose, known, newest)
    return any(each.change is ChangeClass.MATERIAL for each in versions)


def _say_otherwise(uow: UnitOfWork, waiting: Consent, declaration: PurposeDeclaration) -> None:
    to = replace(waiting, purpose_version=declaration.version)
    change(uow, waiting, Command.NOTICE_CHANGED_EDITORIAL, party=Party.SYSTEM, to=to)


def _ask_anew(uow: UnitOfWork, waiting: Consent, declaration: PurposeDeclaration) -> None:
    change(uow, waiting, Command.NOTICE_CHANGED_MATERIAL, party=Party.SYSTEM)
    asked = _request(uow, waiting, declaration, follows=waiting.follows)
    if asked is None:
        return
    new, event_id = asked
    requests.rebind(uow.connection, waiting.id, new.id, event_id=event_id)


def _request(
    uow: UnitOfWork,
    before: Consent,
    declaration: PurposeDeclaration,
    *,
    follows: ConsentId | None,
) -> tuple[Consent, EventId] | None:
    """A question by the new notice for what was asked before, as far as it still asks for it; None
    when nothing is left, it is more than anybody may ask for now, or no question any more."""
    details = _details(uow, before, declaration)
    if details is None or not declaration.basis.is_choice:
        return None
    new = replace(
        before,
        id=ConsentId(new_uuid()),
        purpose_version=declaration.version,
        basis=declaration.basis,
        status=Status.REQUESTED,
        version=0,
        created_at=uow.now,
        expires_at=uow.now + OPEN_FOR if before.status is Status.ACTIVE else before.expires_at,
        not_before=None,
        not_after=None,
        uses_allowed=details.uses,
        uses_left=details.uses,
        requested=details.attributes,
        requested_not_after=details.not_after,
        granted=(),
        refused=(),
        suspended=None,
        given_by=Party.SUBJECT,
        control_passes_at=None,
        follows=follows,
        remind_at=None,
        notice_told=None,
    )
    event_id = uow.record(consent_event(uow, Kind.CONSENT_REQUESTED, new))
    consents.add(uow.connection, new, event_id)
    return new, event_id


def _details(
    uow: UnitOfWork, before: Consent, declaration: PurposeDeclaration
) -> AuthorizationDetails | None:
    declared = {each.id for each in declaration.attributes}
    asked = before.granted if before.status is Status.ACTIVE else before.requested
    left = tuple(each for each in asked if each in declared)
    if not left:
        return None
    uses = [each for each in (before.uses_allowed, declaration.max_uses) if each is not None]
    details = AuthorizationDetails(
        purpose=declaration.id,
        attributes=left,
        not_after=before.requested_not_after,
        uses=min(uses, default=None),
    )
    try:
        return within_limits(uow, details, declaration)[0]
    except TooWideError:
        return None
