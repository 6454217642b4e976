"""POST /oauth/revoke: a client ends a token of its own (RFC 7009)."""

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.deposit_tokens import revoke_deposit_token
from consent.tokens import revoke
from service.exchange import NO_STORE, Answer, Call
from service.oauth.authenticated import Asked, Endpoint, ProofIs, serve
from service.oauth.server import AuthorizationServer

ENDPOINT = Endpoint("revoke", Kind.TOKEN_REFUSED, ProofIs.IGNORED)


def answer(server: AuthorizationServer, call: Call) -> Answer:
    """The token does not work any more, whatever it was before (section 2.2)."""
    return serve(server, call, ENDPOINT, _revoke, lambda _: Answer(200, b"", [NO_STORE]))


def _revoke(uow: UnitOfWork, asked: Asked) -> None:
    token = asked.parameters.need("token")
    if revoke(uow, token, client=asked.client):
        return
    if revoke_deposit_token(uow, token, client=asked.client):
        return
    uow.record(
        Event(
            kind=Kind.TOKEN_REFUSED,
            organisation=asked.client.organisation,
            client=asked.client.id,
            reason="unknown-token",
        )
    )
