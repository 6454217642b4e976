"""Making tokens: the rows and the one event that accounts for them."""

from dataclasses import replace
from datetime import datetime, timedelta

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.authorization_details import AuthorizationDetails
from consent.grants import Grant, TokenKind
from consent.model import Client, Consent
from consent.opaque import new_handle, stored_digest
from consent.store import tokens as store
from consent.store.tokens import REFRESH, NewToken
from policies.ids import PersonId
from policies.vocabulary import LegalBasis

ACCESS_LIFETIME = timedelta(seconds=300)


def issue_by_consent(
    uow: UnitOfWork, consent: Consent, *, ends: datetime, jkt: str, with_refresh: bool
) -> Grant:
    """An access token for an active consent that ends at `ends`; a refresh token until then.

    The consent must be locked, so that a withdrawal comes either before or after all of this.
    """
    event_id = uow.record(_by_consent(consent))
    access, refresh = new_handle(), new_handle() if with_refresh else None
    new = NewToken(
        digest=stored_digest(access),
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
        event_id=event_id,
    )
    store.add(uow.connection, new)
    if refresh is not None:
        # Bound to the client only: a confidential client may change its key (RFC 9449 section 5).
        lasting = replace(
            new, digest=stored_digest(refresh), kind=REFRESH, jkt=None, expires_at=ends
        )
        store.add(uow.connection, lasting)
    details = AuthorizationDetails(
        purpose=consent.purpose,
        attributes=consent.granted,
        case=consent.case,
        not_after=ends,
        uses=consent.uses_allowed,
    )
    return Grant(
        access_token=access,
        refresh_token=refresh,
        expires_in=_seconds(new),
        kind=TokenKind.CONSENT,
        consent=consent.ref,
        person=consent.person,
        details=details,
        event_id=event_id,
    )


def issue_by_law(
    uow: UnitOfWork, client: Client, details: AuthorizationDetails, person: PersonId, *, jkt: str
) -> Grant:
    """An access token on the ground of the law; there is nothing to refresh."""
    granted = replace(details, subject=None)
    event_id = uow.record(_by_law(client, granted, person))
    access = new_handle()
    new = NewToken(
        digest=stored_digest(access),
        kind=TokenKind.STATUTE,
        person=person,
        client=client.id,
        organisation=client.organisation,
        purpose=granted.purpose,
        basis=LegalBasis.STATUTE,
        consent=None,
        attributes=granted.attributes,
        case=granted.case,
        jkt=jkt,
        issued_at=uow.now,
        expires_at=uow.now + ACCESS_LIFETIME,
        event_id=event_id,
    )
    store.add(uow.connection, new)
    return Grant(
        access_token=access,
        refresh_token=None,
        expires_in=_seconds(new),
        kind=TokenKind.STATUTE,
        consent=None,
        person=person,
        details=granted,
        event_id=event_id,
    )


def _seconds(new: NewToken) -> int:
    return int((new.expires_at - new.issued_at).total_seconds())


def _by_consent(consent: Consent) -> Event:
    return Event(
        kind=Kind.TOKEN_ISSUED,
        subject=consent.person,
        organisation=consent.organisation,
        client=consent.client,
        consent=str(consent.ref),
        purpose=consent.purpose,
        basis=consent.basis,
        attributes=consent.granted,
        case=consent.case,
    )


def _by_law(client: Client, details: AuthorizationDetails, person: PersonId) -> Event:
    return Event(
        kind=Kind.TOKEN_ISSUED,
        subject=person,
        organisation=client.organisation,
        client=client.id,
        purpose=details.purpose,
        basis=LegalBasis.STATUTE,
        attributes=details.attributes,
        case=details.case,
    )
