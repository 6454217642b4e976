"""Tokens with which a source hands in what it keeps: short, bound to a key, about no person.

A source gets one by client credentials (RFC 6749 section 4.4) with details of type `deposit`. It
opens nothing. Whose data is handed in stands in the document only, so that a stolen token tells of
nobody. Refusals are returned, so that they are recorded and committed.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.deposit_details import TYPE, DepositDetails
from consent.grants import RefusalReason, TokenRefusal
from consent.issuing import refuse_token
from consent.model import Client, ClientStatus
from consent.opaque import logged_digest, new_handle, stored_digest
from consent.store import deposit_tokens as store
from policies.ids import ClientId, DatasetId, EventId, OrganisationId

LIFETIME = timedelta(seconds=300)


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositGrant:
    """A token for a source, with exactly what may be handed in by it."""

    access_token: str = field(repr=False)
    expires_in: int
    """Seconds until it ends."""
    details: DepositDetails
    event_id: EventId


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositAccess:
    """What a source's token stands for.

    All but `active` stays true for the token's life, so it may be remembered; `decide_deposit`
    reads the rest again at each deposit.
    """

    digest: bytes = field(repr=False)
    client: ClientId
    organisation: OrganisationId
    datasets: tuple[DatasetId, ...]
    jkt: str
    """Thumbprint of the key that the token is bound to (RFC 9449 section 6)."""
    issued_at: datetime
    expires_at: datetime
    active: bool

    @property
    def logged(self) -> str:
        """What events say of the token."""
        return logged_digest(self.digest)


def issue_deposit_token(
    uow: UnitOfWork, client: Client, details: DepositDetails, *, jkt: str
) -> DepositGrant | TokenRefusal:
    """A token for the data sets in the details, which `parse_deposit_details` has checked."""
    reason = _why_not(client)
    if reason is not None:
        return refuse_token(uow, client, reason)
    access = new_handle()
    digest = stored_digest(access)
    event_id = uow.record(
        Event(
            kind=Kind.DEPOSIT_ALLOWED,
            organisation=client.organisation,
            client=client.id,
            token=logged_digest(digest),
        )
    )
    store.add(
        uow.connection,
        digest,
        client_id=client.id,
        organisation=client.organisation,
        datasets=details.datasets,
        jkt=jkt,
        issued_at=uow.now,
        expires_at=uow.now + LIFETIME,
        event_id=event_id,
    )
    seconds = int(LIFETIME.total_seconds())
    return DepositGrant(access_token=access, expires_in=seconds, details=details, event_id=event_id)


def deposit_access(connection: Connection, token: str) -> DepositAccess | None:
    """What a source's token stands for; None for any other token."""
    digest = stored_digest(token)
    found = store.find(connection, digest)
    if found is None:
        return None
    return DepositAccess(
        digest=digest,
        client=found.client,
        organisation=found.organisation,
        datasets=found.datasets,
        jkt=found.jkt,
        issued_at=found.issued_at,
        expires_at=found.expires_at,
        active=found.active,
    )


def why_no_deposit(
    connection: Connection, access: DepositAccess, dataset: DatasetId, now: datetime
) -> RefusalReason | None:
    """Why the bearer may not hand in this data set now; None when it may.

    The row is not locked: only its own client can end the token, and a deposit that was under way
    when it did comes before the end.
    """
    found = store.find(connection, access.digest)
    if found is None or found.revoked_at is not None or now >= found.expires_at:
        return RefusalReason.TOKEN_ENDED
    if not found.active:
        return RefusalReason.CLIENT_SUSPENDED
    return None if dataset in found.datasets else RefusalReason.OTHER_DATASET


def revoke_deposit_token(uow: UnitOfWork, token: str, *, client: Client) -> bool:
    """End a source's token at its own wish (RFC 7009); False when there was nothing to end."""
    digest = stored_digest(token)
    ended = store.revoke(uow.connection, digest, client_id=client.id, at=uow.now)
    if ended:
        uow.record(
            Event(
                kind=Kind.TOKEN_REVOKED,
                organisation=client.organisation,
                client=client.id,
                reason="token-revoked",
                token=logged_digest(digest),
            )
        )
    return ended


def _why_not(client: Client) -> RefusalReason | None:
    if client.status is not ClientStatus.ACTIVE:
        return RefusalReason.CLIENT_SUSPENDED
    if "client_credentials" not in client.grant_types:
        return RefusalReason.GRANT_TYPE
    registered = TYPE in client.authorization_details_types
    return None if registered else RefusalReason.DETAILS_TYPE
