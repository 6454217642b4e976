"""How the data API refuses: 401 with a DPoP challenge, 403 and 404 as problems.

RFC 9449 section 7.1, RFC 6750 section 3, RFC 9728 section 5.1, RFC 9457.
"""

import json
from collections.abc import Mapping

from policies.ids import EventId
from service.api.tokens import TokenError
from service.api.values import EVENT_HEADER
from service.exchange import NO_STORE, Answer
from service.idempotency import KeyFault
from service.jose import ALGORITHMS
from service.oauth.errors import OAuthError, Reason
from service.oauth.server import AuthorizationServer
from service.problem import Problem
from service.refusal_limit import RETRY_AFTER

PROBLEM_JSON = b"application/problem+json"
UNAUTHORIZED = Problem("token-not-valid", 401, "The access token does not open this")
NO_CLIENT = Problem("client-not-authenticated", 401, "The program has not shown its key")
NOT_UNDERSTOOD = Problem("bad-request", 400, "The request could not be understood")
NOT_PERMITTED = Problem("not-permitted", 403, "The data may not be given")
NO_SUCH_DATASET = Problem("no-such-dataset", 404, "There is no such data set")
NOT_IN_LOG = Problem("not-in-log", 404, "The log shows nothing of that name to you")
TOO_MANY = Problem("too-many-requests", 429, "Too many tries in a short time")
DEPOSIT_NOT_VALID = Problem("deposit-not-valid", 422, "The document was not taken")
MEDIA_TYPE = Problem("media-type-not-supported", 415, "The body must be JSON")
KEY_MISSING = Problem("idempotency-key-missing", 400, "The header Idempotency-Key is needed")
KEY_IN_USE = Problem("idempotency-key-in-use", 409, "The same request is being answered now")
KEY_REUSED = Problem("idempotency-key-reused", 422, "The key belongs to another request")
BY_KEY = {
    KeyFault.MISSING: KEY_MISSING,
    KeyFault.IN_USE: KEY_IN_USE,
    KeyFault.REUSED: KEY_REUSED,
}
_BY_STATUS = {401: NO_CLIENT, 429: TOO_MANY}
_ALGORITHMS = " ".join(sorted(ALGORITHMS))


def token_refused(
    server: AuthorizationServer, error: TokenError, *, event_id: EventId | None = None
) -> Answer:
    """No token, or one that is unknown or over; without a token no error is named."""
    code = "invalid_token" if error.presented else None
    return _unauthorized(server, code, event_id)


def proof_refused(server: AuthorizationServer, error: OAuthError) -> Answer:
    """The proof is not good, or is for another key than the token's."""
    code = "invalid_token" if error.reason is Reason.PROOF_KEY_DIFFERS else error.code
    return _unauthorized(server, code, None, error.description)


def too_many() -> Answer:
    """More proofs were refused in a minute than are written down one by one (RFC 6585)."""
    return _problem(TOO_MANY, {}, None, ((b"retry-after", RETRY_AFTER.encode()),))


def not_permitted(event_id: EventId) -> Answer:
    """Refused by the decision: the event says why, to those who may read it."""
    return _problem(NOT_PERMITTED, {"reason": "not_permitted", "event": str(event_id)}, event_id)


def no_such_dataset(event_id: EventId) -> Answer:
    """A data set that is not in the catalogue."""
    return _problem(NO_SUCH_DATASET, {"event": str(event_id)}, event_id)


def not_in_log() -> Answer:
    """No such event, not placed yet, or another client's: the answer does not tell which."""
    return _problem(NOT_IN_LOG, {}, None)


def deposit_refused(problem: Problem, reason: str, pointer: str | None) -> Answer:
    """A document that is not taken: where and why, as in RFC 9457 section 3, but no value."""
    errors = [] if pointer is None else [{"pointer": pointer, "reason": reason}]
    return _problem(problem, {"errors": errors} if errors else {}, None)


def of_oauth(refused: Answer) -> Answer:
    """What the steps of an OAuth endpoint refuse, as a problem, for endpoints that speak so."""
    problem = _BY_STATUS.get(refused.status, NOT_UNDERSTOOD)
    said = {name: str(text) for name, text in json.loads(refused.body).items()}
    own = {b"content-type", b"cache-control"}
    headers = tuple(each for each in refused.headers if each[0] not in own)
    return _problem(problem, said, None, headers)


def _unauthorized(
    server: AuthorizationServer,
    code: str | None,
    event_id: EventId | None,
    description: str | None = None,
) -> Answer:
    parts = [f'algs="{_ALGORITHMS}"']
    if code is not None:
        parts.insert(0, f'error="{code}"')
    if description is not None:
        parts.insert(1, f'error_description="{description}"')
    metadata = f"{server.issuer}/.well-known/oauth-protected-resource"
    parts.append(f'resource_metadata="{metadata}"')
    headers = [(b"www-authenticate", f"DPoP {', '.join(parts)}".encode())]
    if server.nonces is not None:
        nonce = server.nonces.current(server.runtime.now())
        headers.append((b"dpop-nonce", nonce.encode()))
    members = {} if code is None else {"error": code}
    return _problem(UNAUTHORIZED, members, event_id, tuple(headers))


def _problem(
    problem: Problem,
    members: Mapping[str, object],
    event_id: EventId | None,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> Answer:
    content: dict[str, object] = {
        "type": f"/problems/{problem.type}",
        "title": problem.title,
        "status": problem.status,
        **members,
    }
    event = () if event_id is None else ((EVENT_HEADER, str(event_id).encode()),)
    return Answer.json(
        content, problem.status, headers=(NO_STORE, *event, *headers), media_type=PROBLEM_JSON
    )
