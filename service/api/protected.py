"""What every endpoint for holders of tokens does around its own effect (RFC 9449 section 7).

1. the token  2. what it stands for  3. the proof, by the key that the token is bound to
4. in one transaction: use up the proof, decide, act, record  5. after the commit, the answer.

What is refused after step 2 concerns a known client and is recorded.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Generic
from uuid import UUID

from audit.model import Actor, Event, Kind
from audit.unit_of_work import UnitOfWork, begin
from consent.tokens import TokenAccess, access, use_once
from policies.ids import EventId
from service.api import refusals
from service.api.tokens import (
    Access,
    ReadAccess,
    RememberedTokens,
    Token,
    TokenError,
    presented_token,
)
from service.api.values import EVENT_HEADER
from service.exchange import Answer, Call
from service.oauth import dpop
from service.oauth.errors import OAuthError, Reason
from service.oauth.server import AuthorizationServer
from service.refusal_limit import TOO_MANY, Written

PROMISE_HEADER = b"event-promise"
AfterCommit = Callable[[], Answer]
"""Makes the answer; called when what it tells has been committed."""

Effect = Callable[[UnitOfWork, Access, Token], AfterCommit]
Refused = Callable[[Access, str | None], Event]
"""Makes the event of a try that was refused, from the token and the reason."""


class BoundResource(Generic[Access]):
    """The resources behind one authorisation server that tokens of one kind open."""

    def __init__(
        self, server: AuthorizationServer, read: ReadAccess[Access], refused: Refused[Access]
    ) -> None:
        self.server = server
        self._tokens = RememberedTokens(server.runtime.ledger, read)
        self._refused = refused

    def answer(self, call: Call, name: str, effect: Effect[Access]) -> Answer:
        """Run an endpoint; `name` is its word in the counters."""
        made = self._run(call, effect)
        self.server.counters.count(name, str(made.status))
        return made

    def _run(self, call: Call, effect: Effect[Access]) -> Answer:
        now = self.server.runtime.now()
        try:
            token = presented_token(call)  # step 1
            found = self._tokens.find(token, now)  # step 2
        except TokenError as error:
            return refusals.token_refused(self.server, error)
        try:
            proof = self._verified_proof(call, token, found, now)  # step 3
            with self._begin(call, found, now) as uow:
                _use_up(uow, proof)  # step 4
                after_commit = effect(uow, found, token)
        except OAuthError as error:
            return self._refuse(call, found, error, now)
        return self._promised(uow, after_commit())  # step 5

    def _promised(self, uow: UnitOfWork, made: Answer) -> Answer:
        """The answer with a promise of the event that it names, unless it has one already."""
        there = {name for name, _ in made.headers}
        for name, value in made.headers:
            if name == EVENT_HEADER and PROMISE_HEADER not in there:
                promise = self.server.promise(uow, EventId(UUID(value.decode())))
                made.headers.append((PROMISE_HEADER, promise.encode()))
                break
        return made

    def _verified_proof(self, call: Call, token: Token, found: Access, now: datetime) -> dpop.Proof:
        expected = dpop.Expected(
            method=call.method,
            address=self.server.address(call.path),
            now=now,
            ath=token.ath,
            nonces=self.server.nonces,
        )
        proof = dpop.verify(call.values(b"dpop"), expected)
        if proof.jkt != found.jkt:
            raise OAuthError(Reason.PROOF_KEY_DIFFERS)
        return proof

    def _refuse(self, call: Call, found: Access, error: OAuthError, now: datetime) -> Answer:
        """Written down so many a minute, then counted: who stole a token has no key to it."""
        counted = replace(self._refused(found, None), token=None)
        written = self.server.refusals.note(counted, now)
        if written is Written.BY_ITSELF:
            self._record(call, found, error.reason, now)
            return refusals.proof_refused(self.server, error)
        if written is Written.AS_FIRST_OF_MORE:
            self._record(call, found, TOO_MANY, now)
        return refusals.too_many()

    def _record(self, call: Call, found: Access, reason: str, now: datetime) -> None:
        with self._begin(call, found, now) as uow:
            uow.record(self._refused(found, reason))

    def _begin(
        self, call: Call, found: Access, now: datetime
    ) -> AbstractContextManager[UnitOfWork]:
        proofs = call.values(b"dpop")
        request = dpop.request_digest(proofs[0]) if len(proofs) == 1 else None
        actor = Actor.client(found.client)
        return begin(
            self.server.runtime.ledger,
            actor=actor,
            now=now,
            request=request,
            about=getattr(found, "person", None),  # a source's token is about nobody yet
        )


class ProtectedResource(BoundResource[TokenAccess]):
    """The data, opened by tokens that a person's consent or the law gives."""

    def __init__(self, server: AuthorizationServer) -> None:
        super().__init__(server, access, _data_refused)


def _data_refused(found: TokenAccess, reason: str | None) -> Event:
    return token_event(found, Kind.DATA_REFUSED, reason)


def token_event(
    found: TokenAccess, kind: Kind, reason: str | None, *, reference: str | None = None
) -> Event:
    """An event of the token's client about the token's person."""
    return Event(
        kind=kind,
        subject=found.person,
        organisation=found.organisation,
        client=found.client,
        purpose=found.purpose,
        basis=found.basis,
        reason=reason,
        reference=reference,
        case=found.case,
        token=found.logged,
        visible_from=found.visible_from,
    )


def _use_up(uow: UnitOfWork, proof: dpop.Proof) -> None:
    if not use_once(uow, "dpop", proof.once, proof.expires):
        raise OAuthError(Reason.PROOF_REPLAYED)
