"""GET /api/v1/data and /api/v1/data/{dataset}: the token's person's data, and nothing more.

A refusal tells the caller no reason: whether a person withdrew, or what else she decided, is not
the recipient's business. The event has it, for the person and for the auditor.
"""

from audit.model import Kind
from audit.unit_of_work import UnitOfWork
from consent.answer_seal import AnswerSeal
from consent.decisions import Denial, DenialReason, decide_fetch
from consent.tokens import TokenAccess, access
from policies.ids import AttributeId
from service.api import refusals
from service.api.protected import AfterCommit, ProtectedResource, token_event
from service.api.sealing import sealed, wanted
from service.api.tokens import Token, TokenError
from service.api.values import overview_answer, values_answer
from service.exchange import Answer, Call
from service.oauth.server import AuthorizationServer
from vault.release import release

_TOKEN_IS_OVER = frozenset({DenialReason.TOKEN_ENDED, DenialReason.CLIENT_SUSPENDED})


class DataApi:
    """The data of one installation."""

    def __init__(self, resource: ProtectedResource) -> None:
        self._resource = resource
        self._attributes: dict[str, tuple[AttributeId, ...]] = {
            each.id: each.attributes for each in resource.server.runtime.catalogue.datasets.values()
        }

    @property
    def _server(self) -> AuthorizationServer:
        return self._resource.server

    def fetch(self, call: Call, dataset: str) -> Answer:
        """The values of one data set, as far as the token goes."""
        attributes = self._attributes.get(dataset)

        def effect(uow: UnitOfWork, found: TokenAccess, _token: Token) -> AfterCommit:
            if attributes is None:
                return _no_such_dataset(uow, found)
            seal = wanted(found.answer_seal, call.values(b"accept"))
            return self._release(uow, found, dataset, attributes, seal)

        return self._resource.answer(call, "data", effect)

    def overview(self, call: Call) -> Answer:
        """What the token may read, without any value."""
        return self._resource.answer(call, "data-overview", self._tell)

    def _release(
        self,
        uow: UnitOfWork,
        found: TokenAccess,
        dataset: str,
        attributes: tuple[AttributeId, ...],
        seal: AnswerSeal | None,
    ) -> AfterCommit:
        asked = tuple(each for each in attributes if each in found.attributes) or attributes
        decided = decide_fetch(uow, found, asked)
        if isinstance(decided, Denial):
            return lambda: self._denied(decided)
        released = release(uow, self._server.runtime.vault, decided)
        subject = self._server.pseudonyms.issued(uow, found.person, found.organisation)
        if seal is None:
            return lambda: values_answer(dataset, subject, asked, released)
        signer, now = self._server.runtime.receipt_signer, uow.now
        return lambda: sealed(
            values_answer(dataset, subject, asked, released),
            seal,
            signer,
            client=found.client,
            now=now,
        )

    def _tell(self, uow: UnitOfWork, found: TokenAccess, token: Token) -> AfterCommit:
        standing = access(uow.connection, token.value)
        active = standing is not None and standing.active and uow.now < found.expires_at
        reason = "active" if active else "inactive"
        event_id = uow.record(token_event(found, Kind.TOKEN_INTROSPECTED, reason))
        if not active:
            ended = TokenError("token-ended")
            return lambda: refusals.token_refused(self._server, ended, event_id=event_id)
        subject = self._server.pseudonyms.issued(uow, found.person, found.organisation)
        return lambda: overview_answer(found, subject, self._attributes)

    def _denied(self, denial: Denial) -> Answer:
        if denial.reason in _TOKEN_IS_OVER:
            ended = TokenError(denial.reason)
            return refusals.token_refused(self._server, ended, event_id=denial.event_id)
        return refusals.not_permitted(denial.event_id)


def _no_such_dataset(uow: UnitOfWork, found: TokenAccess) -> AfterCommit:
    event_id = uow.record(token_event(found, Kind.DATA_REFUSED, "unknown-dataset"))
    return lambda: refusals.no_such_dataset(event_id)
