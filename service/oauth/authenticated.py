"""What every endpoint for clients does around its own effect.

1. read the form  2. find the client that the assertion names  3. verify the assertion
4. verify the DPoP proof, where one is needed or sent  5. in one transaction: read the client
again, use up assertion and proof, do the effect.

A refusal rolls back whatever the effect had begun. It is then recorded in a transaction of its
own, which uses up assertion and proof all the same, whenever the client is known. Refusals of who
has not shown the client's key, or whose client is suspended, are written so many a minute and then
counted (`service.refusal_limit`): the client itself, which shows its key, never waits for that.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import TypeVar

from audit.model import Actor, Event, Kind
from audit.unit_of_work import UnitOfWork, begin
from consent.clients import client as read_client
from consent.model import Client, ClientStatus
from consent.tokens import use_each_once
from service.exchange import Answer, Call
from service.oauth import client_assertion, dpop
from service.oauth.directory import KnownClient
from service.oauth.errors import OAuthError, Reason, error_answer
from service.oauth.parameters import Parameters, form
from service.oauth.server import AuthorizationServer
from service.refusal_limit import RETRY_AFTER, TOO_MANY, Written

_RETRY_AFTER = (b"retry-after", RETRY_AFTER.encode())
T = TypeVar("T")


class ProofIs(Enum):
    """Whether an endpoint looks at DPoP proofs."""

    NEEDED = "needed"
    WELCOME = "welcome"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Asked:
    """An authenticated request, as the effect of an endpoint gets it."""

    server: AuthorizationServer
    parameters: Parameters
    client: Client
    """As it is inside the transaction."""
    proof: dpop.Proof | None

    @property
    def jkt(self) -> str:
        """The key's thumbprint, at an endpoint that needs a proof."""
        if self.proof is None:
            raise RuntimeError("this endpoint did not ask for a proof")
        return self.proof.jkt


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint: its name in the counters, how its refusals are recorded, and its rule."""

    name: str
    refused: Kind
    proof: ProofIs


@dataclass(slots=True)
class _Attempt:
    """How far a request has come."""

    known: KnownClient | None = None
    once: list[tuple[str, str, datetime]] = field(default_factory=list)
    proof: dpop.Proof | None = None
    request: str | None = None
    """What the log says of the signed assertion."""


def serve(
    server: AuthorizationServer,
    call: Call,
    endpoint: Endpoint,
    effect: Callable[[UnitOfWork, Asked], T],
    answer: Callable[[T], Answer],
) -> Answer:
    """Run an endpoint. The answer is made when the effect has been committed."""
    attempt = _Attempt()
    try:
        result = _run(server, call, endpoint, attempt, effect)
    except OAuthError as refusal:
        server.counters.count(endpoint.name, refusal.code)
        return _refuse(server, endpoint, attempt, refusal)
    made = answer(result)
    server.counters.count(endpoint.name, "ok" if made.status < 400 else "refused")
    made.headers.extend(_nonce(server))
    return made


def _run(
    server: AuthorizationServer,
    call: Call,
    endpoint: Endpoint,
    attempt: _Attempt,
    effect: Callable[[UnitOfWork, Asked], T],
) -> T:
    now = server.runtime.now()
    parameters = form(call)  # step 1
    given = client_assertion.presented(parameters)  # step 2
    attempt.known = server.directory.find(given.client_id)
    attempt.request = dpop.request_digest(parameters.need("client_assertion"))
    if attempt.known is None:
        raise OAuthError(Reason.CLIENT_UNKNOWN)
    assertion = client_assertion.verify(given, attempt.known, issuer=server.issuer, now=now)
    attempt.once.append(("client-assertion", assertion.once, assertion.expires))  # step 3
    _verify_proof(server, call, endpoint, attempt, now)  # step 4
    actor = Actor.client(assertion.client_id)
    ledger, request = server.runtime.ledger, attempt.request
    with begin(ledger, actor=actor, now=now, request=request) as uow:  # step 5
        client = _client_now(server, uow, attempt.known)
        _use_up(uow, attempt)
        return effect(uow, Asked(server, parameters, client, attempt.proof))


def _verify_proof(
    server: AuthorizationServer,
    call: Call,
    endpoint: Endpoint,
    attempt: _Attempt,
    now: datetime,
) -> None:
    values = call.values(b"dpop")
    if endpoint.proof is ProofIs.IGNORED or (endpoint.proof is ProofIs.WELCOME and not values):
        return
    expected = dpop.Expected(
        method=call.method, address=server.address(call.path), now=now, nonces=server.nonces
    )
    proof = dpop.verify(values, expected)
    attempt.proof = proof
    attempt.once.append(("dpop", proof.once, proof.expires))


def _client_now(server: AuthorizationServer, uow: UnitOfWork, known: KnownClient) -> Client:
    """The client as it stands in this transaction, if the key that signed is still its key."""
    client = read_client(uow.connection, known.client.id)
    if client is None or client.status is not ClientStatus.ACTIVE:
        raise OAuthError(Reason.CLIENT_SUSPENDED)
    if client != known.client:
        server.directory.forget(known.client.id)
        raise OAuthError(Reason.ASSERTION_KEY)
    return client


def _use_up(uow: UnitOfWork, attempt: _Attempt) -> None:
    reasons = {"client-assertion": Reason.ASSERTION_REPLAYED, "dpop": Reason.PROOF_REPLAYED}
    first_times = use_each_once(uow, attempt.once)
    for (scope, _, _), is_first in zip(attempt.once, first_times, strict=True):
        if not is_first:
            raise OAuthError(reasons[scope])


def _refuse(
    server: AuthorizationServer, endpoint: Endpoint, attempt: _Attempt, refusal: OAuthError
) -> Answer:
    """Write the refusal down, if it concerns a client that we know, and answer it."""
    headers = _nonce(server)
    if attempt.known is None:
        return error_answer(refusal, headers=headers)
    client = attempt.known.client
    event = Event(kind=endpoint.refused, organisation=client.organisation, client=client.id)
    written = Written.BY_ITSELF
    if not attempt.once or refusal.reason is Reason.CLIENT_SUSPENDED:
        written = server.refusals.note(event, server.runtime.now())
    if written is Written.BY_ITSELF:
        _record(server, attempt, replace(event, reason=refusal.reason))
        return error_answer(refusal, headers=headers)
    if written is Written.AS_FIRST_OF_MORE:
        _record(server, attempt, replace(event, reason=TOO_MANY))
    return error_answer(refusal, status=429, headers=(*headers, _RETRY_AFTER))


def _record(server: AuthorizationServer, attempt: _Attempt, event: Event) -> None:
    ledger, now = server.runtime.ledger, server.runtime.now()
    if attempt.known is None:
        raise RuntimeError("only refusals of known clients are written down")
    actor = Actor.client(attempt.known.client.id)
    with begin(ledger, actor=actor, now=now, request=attempt.request) as uow:
        if attempt.once:
            use_each_once(uow, attempt.once)
        uow.record(event)


def _nonce(server: AuthorizationServer) -> tuple[tuple[bytes, bytes], ...]:
    if server.nonces is None:
        return ()
    return ((b"dpop-nonce", server.nonces.current(server.runtime.now()).encode()),)
