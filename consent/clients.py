"""Clients: the programs of organisations that may ask for data (RFC 6749 section 2, RFC 7591).

Registered by an operator from the client's metadata, never by the client itself.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from audit.journal_line import client_keys_replaced, client_suspended
from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent import deposit_details
from consent.client_metadata import ClientMetadataError, parse_keys, parse_metadata
from consent.model import Client, ClientStatus
from consent.store import clients as store
from policies.canonical import sha256_hex
from policies.catalogue import Catalogue, Organisation, UnknownCatalogueEntryError
from policies.ids import ClientId, OrganisationId, new_uuid

__all__ = [
    "Client",
    "ClientMetadataError",
    "ClientStatus",
    "ClientSuspendedError",
    "UnknownClientError",
    "await_keys",
    "client",
    "clients",
    "keys_digest",
    "register_client",
    "replace_keys",
    "suspend_client",
]

KEYS_NOT_KNOWN = "keys-not-known"


class UnknownClientError(LookupError):
    """There is no client of that id."""

    def __init__(self, client_id: ClientId) -> None:
        super().__init__(client_id)
        self.client_id = client_id


class ClientSuspendedError(ValueError):
    """The client is suspended already."""

    def __init__(self, client_id: ClientId) -> None:
        super().__init__(client_id)
        self.client_id = client_id


def register_client(
    uow: UnitOfWork, metadata: Mapping[str, object], catalogue: Catalogue
) -> Client:
    """Register a client from its metadata. Raises ClientMetadataError."""
    said = parse_metadata(metadata)
    organisation = _organisation(said.organisation, catalogue)
    deposits = deposit_details.TYPE in said.authorization_details_types
    if deposits and not deposit_details.kept_by(organisation.id, catalogue):
        raise ClientMetadataError("authorization_details_types", "keeps-no-source")
    client_id = said.id or ClientId(str(new_uuid()))
    if store.find(uow.connection, client_id) is not None:
        raise ClientMetadataError("client_id", "taken")
    registered = Client(
        id=client_id,
        organisation=organisation.id,
        name=said.name,
        party=_party(organisation),
        redirect_uris=said.redirect_uris,
        jwks=said.jwks,
        grant_types=said.grant_types,
        token_endpoint_auth_signing_alg=said.token_endpoint_auth_signing_alg,
        status=ClientStatus.ACTIVE,
        registered_at=uow.now,
        authorization_details_types=said.authorization_details_types,
        answer_seal=said.answer_seal,
    )
    event_id = uow.record(_event(Kind.CLIENT_REGISTERED, registered))
    store.add(uow.connection, registered, event_id)
    return registered


def suspend_client(uow: UnitOfWork, client_id: ClientId) -> Client:
    """Stop a client: from now on its tokens open nothing. Also a restored backup does not let it in
    again.

    Raises UnknownClientError and ClientSuspendedError.
    """
    stopped = _stop(uow, client_id, ClientStatus.SUSPENDED)
    uow.tell_outside(client_suspended(client_id, at=uow.now), may_be_late=True)
    return stopped


def await_keys(uow: UnitOfWork, client_id: ClientId) -> Client:
    """Stop a client until it is given its keys: those that stand here had been replaced.

    Raises UnknownClientError and ClientSuspendedError.
    """
    return _stop(uow, client_id, ClientStatus.AWAITING_KEYS, reason=KEYS_NOT_KNOWN)


def replace_keys(uow: UnitOfWork, client_id: ClientId, jwks: object) -> Client:
    """Give a client other keys (a JWK Set of RFC 7517 section 5) in the place of all that it has.

    What is signed by an earlier one is refused from now on. A client that waits for its keys works
    again, a suspended one stays so. Raises UnknownClientError and ClientMetadataError.
    """
    found = store.lock(uow.connection, client_id)
    if found is None:
        raise UnknownClientError(client_id)
    signing, seal = parse_keys(jwks, found.answer_seal)
    waits = found.status is ClientStatus.AWAITING_KEYS
    status = ClientStatus.ACTIVE if waits else found.status
    changed = replace(found, jwks=signing, answer_seal=seal, status=status)
    event_id = uow.record(
        replace(_event(Kind.CLIENT_KEYS_REPLACED, changed), digest=keys_digest(changed))
    )
    store.replace_keys(uow.connection, changed, event_id)
    told = client_keys_replaced(client_id, keys_digest(changed), at=uow.now)
    uow.tell_outside(told, may_be_late=True)
    return changed


def keys_digest(of: Client) -> str:
    """SHA-256, in hexadecimal, of all public keys of the client."""
    key = None if of.answer_seal is None else of.answer_seal.encryption_key
    return sha256_hex([list(of.jwks), key])


def client(connection: Connection, client_id: ClientId) -> Client | None:
    """The client of that id."""
    return store.find(connection, client_id)


def clients(connection: Connection) -> list[Client]:
    """All clients, by id."""
    return store.every(connection)


def _stop(
    uow: UnitOfWork, client_id: ClientId, status: ClientStatus, *, reason: str | None = None
) -> Client:
    found = store.find(uow.connection, client_id)
    if found is None:
        raise UnknownClientError(client_id)
    event_id = uow.record(replace(_event(Kind.CLIENT_SUSPENDED, found), reason=reason))
    if not store.stop(uow.connection, client_id, status, event_id):
        raise ClientSuspendedError(client_id)
    return replace(found, status=status)


def _organisation(organisation: OrganisationId, catalogue: Catalogue) -> Organisation:
    try:
        return catalogue.organisation(organisation)
    except UnknownCatalogueEntryError as error:
        raise ClientMetadataError("organisation", "unknown") from error


def _party(organisation: Organisation) -> dict[str, object]:
    """The organisation as a party of ISO/IEC TS 27560:2023 section 6.3.6."""
    return {
        "party_id": organisation.id,
        "party_name": organisation.name.to_json(),
        "party_contact": organisation.contact,
        "party_url": organisation.privacy_url,
        "party_type": organisation.kind.value,
    }


def _event(kind: Kind, subject: Client) -> Event:
    return Event(
        kind=kind,
        client=subject.id,
        organisation=subject.organisation,
        digest=sha256_hex(list(subject.jwks)),
    )
