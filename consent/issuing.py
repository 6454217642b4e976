"""Making tokens or refusing them: the rows and the one event that accounts for them."""

from dataclasses import replace
from datetime import datetime, timedelta

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.authorization_details import AuthorizationDetails
from consent.deciding import Verdict, ask_by_consent, ask_by_law, decided_by
from consent.decision_records import keep
from consent.events import consent_event
from consent.grants import Grant, RefusalReason, TokenKind, TokenRefusal
from consent.model import Client, Consent, ConsentRef, Status
from consent.opaque import logged_digest, new_handle, stored_digest
from consent.store import tokens as store
from consent.store.tokens import REFRESH, NewToken
from policies.ids import PersonId
from policies.purposes import PurposeDeclaration
from policies.vocabulary import LegalBasis

ACCESS_LIFETIME = timedelta(seconds=300)


def issue_by_consent(
    uow: UnitOfWork, consent: Consent, client: Client, *, jkt: str, with_refresh: bool
) -> Grant | TokenRefusal:
    """An access token for a consent that holds, and a refresh token until it ends.

    The consent must be locked, so that a withdrawal comes either before or after all of this.
    """
    verdict, ends = ask_by_consent(uow, client, consent), consent.not_after
    if not verdict.allowed or ends is None:
        reason = RefusalReason.CONSENT_NOT_ACTIVE
        return refuse_token(uow, client, reason, consent, verdict=verdict)
    access = new_handle()
    new = _by_consent(uow, consent, access, verdict, ends=ends, jkt=jkt)
    keep(uow, verdict.decisions, new.event_id)
    details = AuthorizationDetails(
        purpose=consent.purpose,
        attributes=consent.granted,
        case=consent.case,
        not_after=ends,
        uses=consent.uses_allowed,
    )
    grant = _grant(uow, access, new, details, consent.ref)
    if not with_refresh:
        return grant
    # Bound to the client only: a confidential client may change its key (RFC 9449 section 5).
    refresh = new_handle()
    lasting = replace(new, kind=REFRESH, jkt=None, expires_at=ends)
    store.add(uow.connection, stored_digest(refresh), lasting)
    return replace(grant, refresh_token=refresh)


def issue_by_law(
    uow: UnitOfWork,
    client: Client,
    details: AuthorizationDetails,
    person: PersonId,
    *,
    jkt: str,
    declaration: PurposeDeclaration | None,
) -> Grant | TokenRefusal:
    """An access token on the ground of the law, ending when asked; there is nothing to refresh.

    What the law keeps back from the person for a while is kept back in all that the token does.
    """
    verdict = ask_by_law(uow, client, details, declaration)
    if not verdict.allowed or declaration is None:
        return refuse_token(uow, client, RefusalReason.NOT_BY_LAW, verdict=verdict)
    ends = uow.now + ACCESS_LIFETIME
    if details.not_after is not None:
        ends = max(uow.now, min(ends, details.not_after))
    access = new_handle()
    kept_back = declaration.kept_back
    visible_from = None if kept_back is None else uow.now + timedelta(days=kept_back.days)
    issued = replace(
        _by_law(client, details, person, declaration.basis),
        token=_logged(access),
        policy=decided_by(uow, verdict, declaration.id, declaration.version),
        visible_from=visible_from,
    )
    new = NewToken(
        kind=TokenKind.STATUTE,
        person=person,
        client=client.id,
        organisation=client.organisation,
        purpose=details.purpose,
        basis=declaration.basis,
        consent=None,
        attributes=details.attributes,
        case=details.case,
        jkt=jkt,
        issued_at=uow.now,
        expires_at=ends,
        event_id=uow.record(issued),
        purpose_version=declaration.version,
        visible_from=visible_from,
    )
    keep(uow, verdict.decisions, new.event_id)
    return _grant(uow, access, new, replace(details, subject=None), None)


def usable_until(consent: Consent, now: datetime) -> datetime | None:
    """The end of a consent that may be used now, else None."""
    ends = consent.not_after
    usable = consent.status is Status.ACTIVE and ends is not None and now < ends
    return ends if usable else None


def refuse_token(
    uow: UnitOfWork,
    client: Client,
    reason: RefusalReason,
    consent: Consent | None = None,
    *,
    verdict: Verdict | None = None,
) -> TokenRefusal:
    """Record that this client gets no token; under the person's log where it is about a consent.

    Where the policies refused, the event has their reason: the client hears less than the person.
    """
    said = str(reason) if verdict is None else verdict.reason
    if consent is None:
        event = Event(kind=Kind.TOKEN_REFUSED, reason=said)
    else:
        event = consent_event(uow, Kind.TOKEN_REFUSED, consent, reason=said)
    marks = () if verdict is None else verdict.marks
    tried = replace(
        event,
        client=client.id,
        organisation=client.organisation,
        policy=(*event.policy, *marks),
    )
    event_id = uow.record(tried)
    keep(uow, () if verdict is None else verdict.decisions, event_id)
    return TokenRefusal(reason, event_id)


def _grant(
    uow: UnitOfWork,
    access: str,
    new: NewToken,
    details: AuthorizationDetails,
    consent: ConsentRef | None,
) -> Grant:
    store.add(uow.connection, stored_digest(access), new)
    return Grant(
        access_token=access,
        refresh_token=None,
        expires_in=int((new.expires_at - new.issued_at).total_seconds()),
        kind=TokenKind(new.kind),
        consent=consent,
        person=new.person,
        details=details,
        event_id=new.event_id,
    )


def _by_consent(
    uow: UnitOfWork,
    consent: Consent,
    access: str,
    verdict: Verdict,
    *,
    ends: datetime,
    jkt: str,
) -> NewToken:
    issued = replace(
        consent_event(uow, Kind.TOKEN_ISSUED, consent),
        token=_logged(access),
        policy=decided_by(uow, verdict, consent.purpose, consent.purpose_version),
    )
    return NewToken(
        kind=TokenKind.CONSENT,
        person=consent.person,
        client=consent.client,
        organisation=consent.organisation,
        purpose=consent.purpose,
        basis=consent.basis,
        consent=consent.id,
        attributes=consent.granted,
        case=consent.case,
        jkt=jkt,
        issued_at=uow.now,
        expires_at=min(uow.now + ACCESS_LIFETIME, ends),
        event_id=uow.record(issued),
        purpose_version=consent.purpose_version,
    )


def _by_law(
    client: Client, details: AuthorizationDetails, person: PersonId, basis: LegalBasis
) -> Event:
    return Event(
        kind=Kind.TOKEN_ISSUED,
        subject=person,
        organisation=client.organisation,
        client=client.id,
        purpose=details.purpose,
        basis=basis,
        attributes=details.attributes,
        case=details.case,
    )


def _logged(access: str) -> str:
    return logged_digest(stored_digest(access))
