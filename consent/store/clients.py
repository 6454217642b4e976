"""Rows of clients."""

import json
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from audit.prepared import PreparedSelect
from consent.answer_seal import AnswerSeal
from consent.model import Client, ClientStatus
from consent.store.tables import client
from policies.canonical import canonical_json
from policies.ids import ClientId, EventId, OrganisationId


def add(connection: Connection, new: Client, event_id: EventId) -> None:
    """Store a client that is not there yet."""
    connection.execute(
        insert(client).values(
            client_id=new.id,
            organisation=new.organisation,
            name=new.name,
            party=canonical_json(new.party),
            redirect_uris=new.redirect_uris,
            jwks=canonical_json(list(new.jwks)),
            grant_types=new.grant_types,
            signing_alg=new.token_endpoint_auth_signing_alg,
            status=new.status,
            registered_at=new.registered_at,
            details_types=new.authorization_details_types,
            answer_seal=None if new.answer_seal is None else new.answer_seal.to_bytes(),
            audit_event_id=event_id,
        )
    )


def find(connection: Connection, client_id: ClientId) -> Client | None:
    """The client, None when there is none of that id."""
    row = _FIND.one_or_none(connection, {"id": client_id})
    return None if row is None else _client(row)


def of_organisation(connection: Connection, organisation: OrganisationId) -> list[Client]:
    """The organisation's active clients by id."""
    query = select(client).where(
        client.c.organisation == organisation, client.c.status == ClientStatus.ACTIVE
    )
    return [_client(row) for row in connection.execute(query.order_by("client_id"))]


def every(connection: Connection) -> list[Client]:
    """All clients by id."""
    return [_client(row) for row in connection.execute(select(client).order_by("client_id"))]


def stop(
    connection: Connection, client_id: ClientId, status: ClientStatus, event_id: EventId
) -> bool:
    """Give another status to a client that is not suspended; False when it is."""
    changed = connection.execute(
        update(client)
        .where(client.c.client_id == client_id, client.c.status != ClientStatus.SUSPENDED)
        .values(status=status, audit_event_id=event_id)
    )
    return changed.rowcount == 1


def replace_keys(connection: Connection, changed: Client, event_id: EventId) -> None:
    """Write the client's keys, how its answers are sealed, and its status. The client is locked."""
    seal = changed.answer_seal
    connection.execute(
        update(client)
        .where(client.c.client_id == changed.id)
        .values(
            jwks=canonical_json(list(changed.jwks)),
            answer_seal=None if seal is None else seal.to_bytes(),
            status=changed.status,
            audit_event_id=event_id,
        )
    )


def lock(connection: Connection, client_id: ClientId) -> Client | None:
    """The client, locked until the transaction ends."""
    query = select(client).where(client.c.client_id == client_id).with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else _client(row)


def changed_by(connection: Connection, client_id: ClientId) -> EventId:
    """The event that accounts for how a client stands now."""
    query = select(client.c.audit_event_id).where(client.c.client_id == client_id)
    return EventId(connection.execute(query).scalar_one())


_FIND = PreparedSelect(select(client).where(client.c.client_id == bindparam("id")))


def _client(row: Any) -> Client:
    return Client(
        id=ClientId(row.client_id),
        organisation=OrganisationId(row.organisation),
        name=row.name,
        party=json.loads(row.party),
        redirect_uris=row.redirect_uris,
        jwks=tuple(json.loads(row.jwks)),
        grant_types=row.grant_types,
        token_endpoint_auth_signing_alg=row.signing_alg,
        status=ClientStatus(row.status),
        registered_at=row.registered_at,
        authorization_details_types=row.details_types,
        answer_seal=AnswerSeal.from_bytes(row.answer_seal),
    )
