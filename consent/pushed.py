"""Pushed authorization requests (RFC 9126): what an agency asks, before anybody is sent to us.

The address of a request is single-use in the sense of FAPI 2.0 section 5.3.2.2 note 3: it is
bound to the first person who opens it, and reloading by the same person shows the same request.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.authorization_details import TYPE, AuthorizationDetails
from consent.events import consent_event
from consent.model import OPEN_FOR, Client, ClientStatus, Consent, Status, StoredRequest
from consent.opaque import new_handle, stored_digest
from consent.purposes import purpose
from consent.request_limits import within_limits
from consent.store import clients, consents
from consent.store import pushed as store
from policies.canonical import canonical_json
from policies.ids import ClientId, ConsentId, OrganisationId, PersonId, SessionId
from policies.limits import TooWideError
from policies.purposes import PurposeDeclaration

URN = "urn:ietf:params:oauth:request_uri:"
LIFETIME = timedelta(seconds=90)

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_STATE = re.compile(r"[\x20-\x7e]{1,2048}")
_NONCE = re.compile(r"[\x20-\x7e]{1,64}")
_SCOPE = re.compile(r"(?=.{1,200}\Z)[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")


class PushedRequestError(ValueError):
    """A request that cannot be pushed; `parameter` says where, `reason` why."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason


class RequestUriError(LookupError):
    """The address opens nothing: unknown, expired, another person's, or of a stopped client."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedRequest:
    """The parameters of an authorization request (RFC 6749, 7636, 9396, 9449)."""

    client: ClientId
    redirect_uri: str
    state: str | None
    nonce: str | None = field(repr=False)
    code_challenge: str
    """Method S256, the only one."""
    dpop_jkt: str | None
    details: AuthorizationDetails
    scope: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A pushed request as it is stored, and who has opened it."""

    request: PushedRequest
    pushed_at: datetime
    expires_at: datetime
    person: PersonId | None
    consent: ConsentId | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request as it was taken: within the limits, which may have narrowed it."""

    request_uri: str
    details: AuthorizationDetails
    narrowed: tuple[str, ...]
    """The limits that made it shorter or rarer than was asked (policies.limits)."""


def push(
    uow: UnitOfWork, client: Client, parameters: PushedRequest, *, lifetime: timedelta = LIFETIME
) -> str:
    """Store the request and give its `request_uri`. Raises PushedRequestError."""
    return accept(uow, client, parameters, lifetime=lifetime).request_uri


def accept(
    uow: UnitOfWork, client: Client, parameters: PushedRequest, *, lifetime: timedelta = LIFETIME
) -> Accepted:
    """Store the request within the limits. Raises PushedRequestError."""
    _check_client(client, parameters)
    _check_forms(parameters)
    declaration = _declaration(uow.connection, parameters, client.organisation)
    details, narrowed = _within_limits(uow, parameters.details, declaration)
    parameters = replace(parameters, details=details)
    handle = new_handle()
    event_id = uow.record(
        Event(
            kind=Kind.REQUEST_PUSHED,
            organisation=client.organisation,
            client=client.id,
            purpose=declaration.id,
            basis=declaration.basis,
            attributes=parameters.details.attributes,
            case=parameters.details.case,
            policy=tuple(f"limit:{rule}" for rule in narrowed),
        )
    )
    store.add(
        uow.connection,
        _digest(URN + handle),
        client=client.id,
        parameters=_document(parameters),
        pushed_at=uow.now,
        expires_at=uow.now + lifetime,
        event_id=event_id,
    )
    return Accepted(URN + handle, details, narrowed)


def _within_limits(
    uow: UnitOfWork, details: AuthorizationDetails, declaration: PurposeDeclaration
) -> tuple[AuthorizationDetails, tuple[str, ...]]:
    try:
        return within_limits(uow, details, declaration)
    except TooWideError as error:
        reason = f"wider-than-{error.rule}"
        raise PushedRequestError("authorization_details", reason) from error


def reference(request_uri: str) -> ConsentId:
    """The id that the consent will have if somebody opens the request: the client's reference.

    Made from the random handle, which nobody has but the client and whoever it sends here.
    """
    handle = request_uri.removeprefix(URN).encode()
    digest = hashlib.sha256(b"consent reference\x00" + handle).digest()
    return ConsentId(UUID(bytes=digest[:16], version=4))


def pushed(connection: Connection, request_uri: str) -> Pushed | None:
    """The request at the address, whatever its age; None when there is none."""
    return _pushed(store.find(connection, _digest(request_uri)))


def request_of(connection: Connection, consent_id: ConsentId) -> PushedRequest | None:
    """The request from which a consent came."""
    found = _pushed(store.of_consent(connection, consent_id))
    return None if found is None else found.request


def read_request(client: ClientId, document: bytes) -> PushedRequest:
    """The request that was stored as this document."""
    members = json.loads(document)
    details = AuthorizationDetails.from_stored(members.pop("authorization_details"))
    return PushedRequest(client=client, details=details, **members)


def open_request(
    uow: UnitOfWork, request_uri: str, person: PersonId, session: SessionId
) -> Consent:
    """Bind the request to the person and give the consent that waits for an answer.

    Opened again by the same person it is the same consent. Raises RequestUriError.
    """
    digest = _digest(request_uri)
    found = _pushed(store.lock(uow.connection, digest))
    if found is None:
        raise RequestUriError("unknown")
    if found.person is not None:
        return _opened_before(uow.connection, found, person)
    if uow.now >= found.expires_at:
        raise RequestUriError("expired")
    consent = _new_consent(uow, found.request, person, reference(request_uri))
    event_id = uow.record(consent_event(uow, Kind.CONSENT_REQUESTED, consent))
    consents.add(uow.connection, consent, event_id)
    store.bind(
        uow.connection,
        digest,
        person=person,
        session=session,
        consent=consent.id,
        event_id=event_id,
    )
    return consent


def _opened_before(connection: Connection, opened: Pushed, person: PersonId) -> Consent:
    if opened.person != person or opened.consent is None:
        raise RequestUriError("of-another-person")
    consent = consents.find(connection, opened.consent)
    if consent is None:
        raise RequestUriError("unknown")
    return consent


def _check_client(client: Client, parameters: PushedRequest) -> None:
    if parameters.client != client.id:
        raise PushedRequestError("client_id", "of-another-client")
    if client.status is not ClientStatus.ACTIVE:
        raise PushedRequestError("client_id", "suspended")
    if "authorization_code" not in client.grant_types:
        raise PushedRequestError("response_type", "not-for-this-client")
    if TYPE not in client.authorization_details_types:
        raise PushedRequestError("authorization_details", "type-not-registered")
    if parameters.redirect_uri not in client.redirect_uris:
        # Compared as whole strings (RFC 9700 section 2.1): anything looser redirects openly.
        raise PushedRequestError("redirect_uri", "not-registered")


def _check_forms(parameters: PushedRequest) -> None:
    forms = (
        ("state", _STATE, parameters.state),
        ("nonce", _NONCE, parameters.nonce),
        ("code_challenge", _CHALLENGE, parameters.code_challenge),
        ("dpop_jkt", _CHALLENGE, parameters.dpop_jkt),
        ("scope", _SCOPE, parameters.scope),
    )
    for name, form, value in forms:
        if value is not None and not form.fullmatch(value):
            raise PushedRequestError(name, "wrong-form")


def _declaration(
    connection: Connection, parameters: PushedRequest, organisation: OrganisationId
) -> PurposeDeclaration:
    declaration = purpose(connection, parameters.details.purpose)
    if declaration is None or declaration.organisation != organisation:
        raise PushedRequestError("authorization_details", "purpose-of-another")
    if not declaration.basis.is_choice:
        # What the law decides is never put before the person as a question.
        raise PushedRequestError("authorization_details", "not-a-choice")
    return declaration


def _document(parameters: PushedRequest) -> bytes:
    return canonical_json(
        {
            "redirect_uri": parameters.redirect_uri,
            "state": parameters.state,
            "nonce": parameters.nonce,
            "code_challenge": parameters.code_challenge,
            "dpop_jkt": parameters.dpop_jkt,
            "scope": parameters.scope,
            "authorization_details": parameters.details.to_json(),
        }
    )


def _pushed(stored: StoredRequest | None) -> Pushed | None:
    if stored is None:
        return None
    return Pushed(
        request=read_request(stored.client, stored.document),
        pushed_at=stored.pushed_at,
        expires_at=stored.expires_at,
        person=stored.person,
        consent=stored.consent,
    )


def _digest(request_uri: str) -> bytes:
    """What the request is stored under: the digest of the handle in its address."""
    return stored_digest(request_uri.removeprefix(URN))


def _new_consent(
    uow: UnitOfWork, request: PushedRequest, person: PersonId, consent_id: ConsentId
) -> Consent:
    asking = clients.find(uow.connection, request.client)
    if asking is None or asking.status is not ClientStatus.ACTIVE:
        raise RequestUriError("client-suspended")
    declaration = purpose(uow.connection, request.details.purpose)
    if declaration is None:
        raise RequestUriError("unknown")
    details, end = request.details, uow.now + OPEN_FOR
    label = f"principal/{asking.organisation}"
    return Consent(
        id=consent_id,
        person=person,
        organisation=asking.organisation,
        client=asking.id,
        purpose=declaration.id,
        purpose_version=declaration.version,
        basis=declaration.basis,
        status=Status.REQUESTED,
        version=0,
        created_at=uow.now,
        expires_at=end if details.not_after is None else min(end, details.not_after),
        not_before=None,
        not_after=None,
        uses_allowed=_fewest(details.uses, declaration.max_uses),
        uses_left=_fewest(details.uses, declaration.max_uses),
        case=details.case,
        requested=details.attributes,
        granted=(),
        refused=(),
        requested_not_after=details.not_after,
        principal=f"ppid:{uow.keyed_digest(person, label, b'')}",
    )


def _fewest(asked: int | None, allowed: int | None) -> int | None:
    """The smaller of two numbers of uses, where None is no limit."""
    limits = [each for each in (asked, allowed) if each is not None]
    return min(limits, default=None)
