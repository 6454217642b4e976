"""Rows of tokens, read together with the consent and the client that they stand for.

The queries of the hot paths are built once: building one costs as much as running it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from audit.prepared import PreparedInsert, PreparedSelect
from consent.answer_seal import AnswerSeal
from consent.declared import DeclarationKind, DeclarationStatus
from consent.grants import TokenAccess, TokenKind
from consent.model import ClientStatus, Consent, Status
from consent.store.consents import consent_of
from consent.store.declaration_tables import declaration
from consent.store.sweeping import sweep, sweeps
from consent.store.tables import client, consent, purpose, token
from policies.ids import (
    AttributeId,
    ClientId,
    ConsentId,
    EventId,
    OrganisationId,
    PersonId,
    PurposeId,
)
from policies.vocabulary import LegalBasis

REFRESH = "refresh"
"""Kind of a row that is a refresh token; the other kinds are those of access tokens."""

KEPT_AFTER_END = timedelta(days=1)
"""How long a token that has ended can still be told from one that never was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """What is stored of a token, under its digest."""

    kind: str
    person: PersonId
    client: ClientId
    organisation: OrganisationId
    purpose: PurposeId
    basis: LegalBasis
    consent: ConsentId | None
    attributes: tuple[AttributeId, ...]
    case: str | None
    jkt: str | None
    issued_at: datetime
    expires_at: datetime
    event_id: EventId
    purpose_version: int | None = None
    visible_from: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedRefresh:
    """A refresh token that changes only with us until the transaction ends."""

    client: ClientId
    revoked_at: datetime | None
    consent: Consent


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """What revoking needs to know of a token."""

    kind: str
    client: ClientId
    consent: ConsentId | None
    person: PersonId
    visible_from: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantState:
    """How the consent of a token stands, as far as a decision depends on it."""

    version: int
    status: Status
    person: PersonId
    client: ClientId
    purpose: PurposeId
    basis: LegalBasis
    not_before: datetime | None
    not_after: datetime | None
    uses_left: int | None
    granted: tuple[AttributeId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchState:
    """How things stand at the moment of a fetch, locked until the transaction ends."""

    expires_at: datetime
    revoked_at: datetime | None
    client: ClientStatus
    purpose: DeclarationStatus
    """Whether the purpose counts now, in whichever version."""
    declaration: str | None
    """Digest of the purpose declaration for which the token was given."""
    consent: GrantState | None


def add(connection: Connection, digest: bytes, new: NewToken) -> None:
    """Store a token that is not there yet."""
    if sweeps(digest):
        long_ended = new.issued_at - KEPT_AFTER_END
        connection.execute(sweep(token, token.c.expires_at <= long_ended))
    _INSERT.run(connection, {"handle_digest": digest} | _values(new))


def access(connection: Connection, digest: bytes) -> TokenAccess | None:
    """What the access token stands for; None when there is none, or it is a refresh token."""
    row = _ACCESS.one_or_none(connection, {"digest": digest})
    return None if row is None else _access(row)


def fetch_state(connection: Connection, known: TokenAccess) -> FetchState | None:
    """How the token, its consent and its client stand now.

    On PostgreSQL the consent's row is locked before the token's, as a withdrawal does, so that
    the two never wait for each other; and both are locked, because only locked rows are read
    anew after waiting. The lock is not shared, although it could be: a stream of fetches that
    share it lets a withdrawal wait without end (measured: seconds), a queue does not.

    The client's row is not locked: all fetches of a client would queue. One that waited here
    while the client was suspended comes before the suspension; whoever begins after it is denied.
    What the caller knows of the token must be true of the row, else there is no such token.
    """
    by_law = known.consent is None
    parameters = {"digest": known.digest, "person": known.person, "consent": known.consent}
    row = (_BY_LAW if by_law else _BY_CONSENT).one_or_none(connection, parameters)
    return None if row is None else _state(row, by_law=by_law)


def lock_refresh(connection: Connection, digest: bytes) -> LockedRefresh | None:
    """A refresh token with its consent, locked in the order of a withdrawal."""
    row = _REFRESH.one_or_none(connection, {"digest": digest})
    if row is None:
        return None
    return LockedRefresh(
        client=ClientId(row.token_client_id),
        revoked_at=row.revoked_at,
        consent=consent_of(row),
    )


def find(connection: Connection, digest: bytes) -> StoredToken | None:
    """A token of any kind."""
    row = connection.execute(select(token).where(token.c.handle_digest == digest)).one_or_none()
    if row is None:
        return None
    return StoredToken(
        kind=row.kind,
        client=ClientId(row.client_id),
        consent=None if row.consent_id is None else ConsentId(row.consent_id),
        person=PersonId(row.person_id),
        visible_from=row.visible_from,
    )


def revoke(connection: Connection, digest: bytes, *, at: datetime) -> bool:
    """End one token; False when it had ended by revocation before."""
    changed = connection.execute(
        update(token)
        .where(token.c.handle_digest == digest, token.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    return changed.rowcount == 1


def revoke_of_consent(
    connection: Connection, consent_id: ConsentId, *, at: datetime, refresh: bool = True
) -> int:
    """End all tokens of the consent, or those only that open data by themselves; how many there
    were. The consent must be locked."""
    ended = update(token).where(token.c.consent_id == consent_id, token.c.revoked_at.is_(None))
    if not refresh:
        ended = ended.where(token.c.kind != REFRESH)
    return connection.execute(ended.values(revoked_at=at)).rowcount


def hand_over(connection: Connection, before: ConsentId, now: Consent) -> None:
    """Let the refresh tokens of a consent be those of the one that follows it, or of itself as it
    goes on now."""
    connection.execute(
        update(token)
        .where(token.c.consent_id == before, token.c.kind == REFRESH, token.c.revoked_at.is_(None))
        .values(
            consent_id=now.id,
            attributes=now.granted,
            expires_at=now.not_after,
            purpose_version=now.purpose_version,
        )
    )


def revoke_of_person(connection: Connection, person: PersonId, *, at: datetime) -> int:
    """End all tokens about the person; how many there were."""
    changed = connection.execute(
        update(token)
        .where(token.c.person_id == person, token.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    return changed.rowcount


_ACCESS = PreparedSelect(
    select(
        token,
        consent.c.status.label("consent_status"),
        client.c.status.label("client_status"),
        client.c.answer_seal,
    )
    .join(client, client.c.client_id == token.c.client_id)
    .outerjoin(consent, consent.c.consent_id == token.c.consent_id)
    .where(token.c.handle_digest == bindparam("digest"), token.c.kind != REFRESH)
)

# At most one version counts or is suspended; where there is none, all are retired.
_COUNTS = (
    (declaration.c.declaration_id == token.c.purpose_id)
    & (declaration.c.kind == DeclarationKind.PURPOSE.value)
    & (
        (declaration.c.status == DeclarationStatus.APPROVED.value)
        | (declaration.c.status == DeclarationStatus.SUSPENDED.value)
    )
)
_DECLARED = (purpose.c.purpose_id == token.c.purpose_id) & (
    purpose.c.version == token.c.purpose_version
)

_BY_LAW = PreparedSelect(
    select(
        token.c.expires_at,
        token.c.revoked_at,
        client.c.status.label("client_status"),
        declaration.c.status.label("purpose_status"),
        purpose.c.digest.label("declaration"),
    )
    .join(client, client.c.client_id == token.c.client_id)
    .outerjoin(declaration, _COUNTS)
    .outerjoin(purpose, _DECLARED)
    .where(
        token.c.handle_digest == bindparam("digest"),
        token.c.person_id == bindparam("person"),
        token.c.consent_id.is_(None),
    )
    .with_for_update(of=token, key_share=True)
)

_BY_CONSENT = PreparedSelect(
    select(
        token.c.expires_at,
        token.c.revoked_at,
        client.c.status.label("client_status"),
        declaration.c.status.label("purpose_status"),
        purpose.c.digest.label("declaration"),
        consent.c.status.label("consent_status"),
        consent.c.version,
        consent.c.person_id,
        consent.c.client_id,
        consent.c.purpose_id,
        consent.c.basis,
        consent.c.not_before,
        consent.c.not_after,
        consent.c.uses_left,
        consent.c.granted,
    )
    .join(client, client.c.client_id == token.c.client_id)
    .outerjoin(declaration, _COUNTS)
    .outerjoin(purpose, _DECLARED)
    .join(
        consent,
        (consent.c.consent_id == token.c.consent_id) & (consent.c.person_id == token.c.person_id),
    )
    .where(
        token.c.handle_digest == bindparam("digest"),
        token.c.person_id == bindparam("person"),
        token.c.consent_id == bindparam("consent"),
    )
    .with_for_update(of=[consent, token], key_share=True)
)


_REFRESH = PreparedSelect(
    select(consent, token.c.client_id.label("token_client_id"), token.c.revoked_at)
    .join_from(token, consent, consent.c.consent_id == token.c.consent_id)
    .where(token.c.handle_digest == bindparam("digest"), token.c.kind == REFRESH)
    .with_for_update(of=[consent, token], key_share=True)
)
_INSERT = PreparedInsert(insert(token))


def _values(new: NewToken) -> dict[str, object]:
    return {
        "kind": new.kind,
        "person_id": new.person,
        "client_id": new.client,
        "organisation": new.organisation,
        "purpose_id": new.purpose,
        "basis": new.basis,
        "consent_id": new.consent,
        "attributes": new.attributes,
        "case_reference": new.case,
        "jkt": new.jkt,
        "issued_at": new.issued_at,
        "expires_at": new.expires_at,
        "audit_event_id": new.event_id,
        "purpose_version": new.purpose_version,
        "visible_from": new.visible_from,
    }


def _access(row: Any) -> TokenAccess:
    consent_is_active = row.consent_id is None or row.consent_status == Status.ACTIVE
    client_is_active = row.client_status == ClientStatus.ACTIVE
    return TokenAccess(
        digest=row.handle_digest,
        kind=TokenKind(row.kind),
        consent=None if row.consent_id is None else ConsentId(row.consent_id),
        person=PersonId(row.person_id),
        organisation=OrganisationId(row.organisation),
        client=ClientId(row.client_id),
        purpose=PurposeId(row.purpose_id),
        basis=LegalBasis(row.basis),
        attributes=row.attributes,
        jkt=row.jkt,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        case=row.case_reference,
        answer_seal=AnswerSeal.from_bytes(row.answer_seal),
        active=row.revoked_at is None and consent_is_active and client_is_active,
        purpose_version=row.purpose_version,
        visible_from=row.visible_from,
    )


def _state(row: Any, *, by_law: bool) -> FetchState:
    return FetchState(
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        client=ClientStatus(row.client_status),
        purpose=DeclarationStatus(row.purpose_status or DeclarationStatus.RETIRED),
        declaration=row.declaration,
        consent=None if by_law else _grant_state(row),
    )


def _grant_state(row: Any) -> GrantState:
    return GrantState(
        version=row.version,
        status=Status(row.consent_status),
        person=PersonId(row.person_id),
        client=ClientId(row.client_id),
        purpose=PurposeId(row.purpose_id),
        basis=LegalBasis(row.basis),
        not_before=row.not_before,
        not_after=row.not_after,
        uses_left=row.uses_left,
        granted=row.granted,
    )
