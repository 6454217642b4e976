"""Rows of the tokens with which sources deposit."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from audit.prepared import PreparedInsert, PreparedSelect
from consent.model import ClientStatus
from consent.store.sweeping import sweep, sweeps
from consent.store.tables import client
from consent.store.tables import deposit_token as table
from policies.ids import ClientId, DatasetId, EventId, OrganisationId

KEPT_AFTER_END = timedelta(days=1)
"""How long a token that has ended can still be told from one that never was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDepositToken:
    """A row, with how its client stands."""

    client: ClientId
    organisation: OrganisationId
    datasets: tuple[DatasetId, ...]
    jkt: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    client_status: ClientStatus

    @property
    def active(self) -> bool:
        """Whether neither the token nor its client has been stopped."""
        return self.revoked_at is None and self.client_status is ClientStatus.ACTIVE


def add(
    connection: Connection,
    digest: bytes,
    *,
    client_id: ClientId,
    organisation: OrganisationId,
    datasets: tuple[DatasetId, ...],
    jkt: str,
    issued_at: datetime,
    expires_at: datetime,
    event_id: EventId,
) -> None:
    """Store a token that is not there yet."""
    if sweeps(digest):
        connection.execute(sweep(table, table.c.expires_at <= issued_at - KEPT_AFTER_END))
    row = {
        "handle_digest": digest,
        "client_id": client_id,
        "organisation": organisation,
        "datasets": datasets,
        "jkt": jkt,
        "issued_at": issued_at,
        "expires_at": expires_at,
        "audit_event_id": event_id,
    }
    _INSERT.run(connection, row)


def find(connection: Connection, digest: bytes) -> StoredDepositToken | None:
    """The token under this digest."""
    row = _FIND.one_or_none(connection, {"digest": digest})
    return None if row is None else _stored(row)


def revoke(connection: Connection, digest: bytes, *, client_id: ClientId, at: datetime) -> bool:
    """End a client's own token; False when there was nothing to end."""
    changed = connection.execute(
        update(table)
        .where(
            table.c.handle_digest == digest,
            table.c.client_id == client_id,
            table.c.revoked_at.is_(None),
        )
        .values(revoked_at=at)
    )
    return changed.rowcount == 1


_FIND = PreparedSelect(
    select(
        table.c.client_id,
        table.c.organisation,
        table.c.datasets,
        table.c.jkt,
        table.c.issued_at,
        table.c.expires_at,
        table.c.revoked_at,
        client.c.status,
    )
    .join_from(table, client, client.c.client_id == table.c.client_id)
    .where(table.c.handle_digest == bindparam("digest"))
)
_INSERT = PreparedInsert(insert(table))


def _stored(row: Any) -> StoredDepositToken:
    return StoredDepositToken(
        client=ClientId(row.client_id),
        organisation=OrganisationId(row.organisation),
        datasets=tuple(DatasetId(each) for each in row.datasets),
        jkt=row.jkt,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        client_status=ClientStatus(row.status),
    )
