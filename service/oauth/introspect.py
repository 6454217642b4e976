"""POST /oauth/introspect: what an access token stands for (RFC 7662), for its own client only."""

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.authorization_details import TYPE
from consent.deposit_details import DepositDetails
from consent.deposit_tokens import DepositAccess, deposit_access
from consent.grants import TokenAccess
from consent.tokens import access
from service.exchange import Answer, Call
from service.oauth.authenticated import Asked, Endpoint, ProofIs, serve
from service.oauth.server import AuthorizationServer

ENDPOINT = Endpoint("introspect", Kind.TOKEN_REFUSED, ProofIs.IGNORED)


def answer(server: AuthorizationServer, call: Call) -> Answer:
    """Whether the token is active; of another client's token no more than that it is not."""
    return serve(server, call, ENDPOINT, _introspect, Answer.json)


def _introspect(uow: UnitOfWork, asked: Asked) -> dict[str, object]:
    token = asked.parameters.need("token")
    found = access(uow.connection, token)
    if found is None:
        return _introspect_deposit(uow, asked, token)
    if found.client != asked.client.id:
        found = None
    active = found is not None and found.active and uow.now < found.expires_at
    uow.record(
        Event(
            kind=Kind.TOKEN_INTROSPECTED,
            subject=None if found is None else found.person,
            organisation=asked.client.organisation,
            client=asked.client.id,
            purpose=None if found is None else found.purpose,
            basis=None if found is None else found.basis,
            reason="active" if active else "inactive",
            token=None if found is None else found.logged,
            visible_from=None if found is None else found.visible_from,
        )
    )
    return _content(uow, asked, found) if found is not None and active else {"active": False}


def _introspect_deposit(uow: UnitOfWork, asked: Asked, token: str) -> dict[str, object]:
    """The same of a source's token, or of one that is unknown."""
    found = deposit_access(uow.connection, token)
    if found is not None and found.client != asked.client.id:
        found = None
    active = found is not None and found.active and uow.now < found.expires_at
    uow.record(
        Event(
            kind=Kind.TOKEN_INTROSPECTED,
            organisation=asked.client.organisation,
            client=asked.client.id,
            reason="active" if active else "inactive",
            token=None if found is None else found.logged,
        )
    )
    if found is None or not active:
        return {"active": False}
    return _said_of(asked, found) | {
        "authorization_details": [DepositDetails(found.datasets).to_json()]
    }


def _said_of(asked: Asked, found: TokenAccess | DepositAccess) -> dict[str, object]:
    """What is said of every token."""
    return {
        "active": True,
        "iss": asked.server.issuer,
        "aud": asked.server.issuer,
        "client_id": found.client,
        "token_type": "DPoP",
        "cnf": {"jkt": found.jkt},
        "iat": int(found.issued_at.timestamp()),
        "exp": int(found.expires_at.timestamp()),
    }


def _content(uow: UnitOfWork, asked: Asked, found: TokenAccess) -> dict[str, object]:
    details = {
        "type": TYPE,
        "actions": ["read"],
        "datatypes": list(found.attributes),
        "purpose": found.purpose,
    }
    return _said_of(asked, found) | {
        "sub": asked.server.pseudonyms.issued(uow, found.person, found.organisation),
        "authorization_details": [details | ({"case": found.case} if found.case else {})],
    }
