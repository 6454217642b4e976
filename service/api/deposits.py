"""PUT /api/v1/deposits/{dataset}: a source hands in what it keeps about one person.

1. may the token's client hand in this data set now  2. the media type  3. the idempotency key, and
what was done under it before  4. the document  5. the people  6. deposit, and keep the key.

All of it is one transaction: the answer tells of an event that is committed, and so is the key. Who
the person is stands in the body only. A refusal is recorded, tells where the document is wrong, and
repeats nothing of it.
"""

from dataclasses import replace
from functools import partial

from audit.model import Event, Kind
from audit.promise import to_header
from audit.reader import committed
from audit.unit_of_work import UnitOfWork
from consent.deposit_tokens import DepositAccess, deposit_access, why_no_deposit
from consent.grants import RefusalReason
from policies.deposit_document import DepositDocumentError, Stated
from policies.facts import Document
from policies.ids import DatasetId, EventId, PersonId
from service import idempotency
from service.api import refusals
from service.api.protected import PROMISE_HEADER, AfterCommit, BoundResource
from service.api.tokens import Token, TokenError
from service.api.values import EVENT_HEADER
from service.deposit_signatures import checked_by, keys_of
from service.exchange import NO_STORE, Answer, Call
from service.idempotency import IdempotencyKeyError
from service.oauth.server import AuthorizationServer
from service.problem import Problem
from vault.deposits import ALREADY_DEPOSITED, deposit
from vault.documents import RefusedDocumentError
from vault.people import UnknownPersonError
from vault.stated import read_document
from vault.subjects import settle

_JSON = "application/json"


class DepositRefusedError(Exception):
    """The document is not taken; `pointer` says where it is wrong, where it is."""

    def __init__(self, problem: Problem, reason: str, pointer: str | None = None) -> None:
        super().__init__(reason)
        self.problem = problem
        self.reason = reason
        self.pointer = pointer


class DepositApi:
    """The way in for sources."""

    def __init__(self, server: AuthorizationServer) -> None:
        self._runtime = server.runtime
        self._server = server
        self._resource = BoundResource(server, deposit_access, _refused)

    def put(self, call: Call, dataset: str) -> Answer:
        """Take the document of the body, once for each idempotency key."""

        def effect(uow: UnitOfWork, found: DepositAccess, _token: Token) -> AfterCommit:
            reason = why_no_deposit(uow.connection, found, DatasetId(dataset), uow.now)  # step 1
            if reason is not None:
                return self._not_permitted(uow, found, dataset, reason)
            try:
                return self._take(uow, call, found, DatasetId(dataset))
            except DepositRefusedError as error:
                uow.record(_refused(found, error.reason))
                refused = partial(refusals.deposit_refused, error.problem)
                return partial(refused, error.reason, error.pointer)

        return self._resource.answer(call, "deposits", effect)

    def _take(
        self, uow: UnitOfWork, call: Call, found: DepositAccess, dataset: DatasetId
    ) -> AfterCommit:
        _check_media_type(call)  # step 2
        claimed = self._claim(uow, call, found)  # step 3
        if claimed.done is not None:
            return self._repeat(uow, found, claimed.done)
        stated = self._read(call, found, dataset, uow)  # step 4
        person, document = self._settle(uow, stated)  # step 5
        try:
            event_id = deposit(uow, self._runtime.vault, person, document)  # step 6
        except RefusedDocumentError as error:
            # Its form is checked: it is the person who wants no copy (vault.unwanted).
            raise _not_valid(error.reason, "#/dataset") from error
        except UnknownPersonError as error:
            # Erased since she was found.
            raise _not_valid("unknown-person", "#/subject/id") from error
        claimed.keep(uow, event_id)
        return lambda: _taken(event_id, self._server.promise(uow, event_id))

    def _claim(self, uow: UnitOfWork, call: Call, found: DepositAccess) -> idempotency.Claimed:
        said = (found.client.encode(), call.path.encode(), call.body)
        # Keyed, since the digest of a short document would let its content be guessed.
        request = self._runtime.vault.blind("service/deposit/1", *said)
        try:
            return idempotency.claim(uow, call, found.client, request=request)
        except IdempotencyKeyError as error:
            raise DepositRefusedError(refusals.BY_KEY[error.fault], error.fault) from error

    def _repeat(self, uow: UnitOfWork, found: DepositAccess, done: EventId) -> AfterCommit:
        """The answer of the first time. That it came again is no news for the person."""
        again = _event(found, Kind.DATA_DEPOSITED, ALREADY_DEPOSITED)
        uow.record(replace(again, reference=str(done)))
        first = committed(uow.connection, done)
        if first is None:
            raise RuntimeError("the key and the event were committed together")
        note = self._runtime.promises.sign(done, first.commitment, first.at)
        return lambda: _taken(done, to_header(note))

    def _read(
        self, call: Call, found: DepositAccess, dataset: DatasetId, uow: UnitOfWork
    ) -> Stated:
        catalogue = self._runtime.catalogue
        signatures = checked_by(partial(keys_of, uow.connection))
        try:
            stated = read_document(call.body, catalogue, now=uow.now, signatures=signatures)
        except DepositDocumentError as error:
            raise _not_valid(error.reason, error.pointer) from error
        if stated.document.dataset != dataset:
            raise _not_valid("not-of-the-address", "#/dataset")
        if catalogue.source(stated.document.source).organisation != found.organisation:
            raise _not_valid(RefusalReason.OTHER_DATASET, "#/source")
        return stated

    def _settle(self, uow: UnitOfWork, stated: Stated) -> tuple[PersonId, Document]:
        enrols = self._runtime.settings.deposits_enrol
        try:
            return settle(uow, self._runtime.vault, stated, enrols=enrols)
        except DepositDocumentError as error:
            raise _not_valid(error.reason, error.pointer) from error

    def _not_permitted(
        self, uow: UnitOfWork, found: DepositAccess, dataset: str, reason: RefusalReason
    ) -> AfterCommit:
        event_id = uow.record(_refused(found, reason))
        if reason is not RefusalReason.OTHER_DATASET:
            ended = TokenError(reason)
            return lambda: refusals.token_refused(self._server, ended, event_id=event_id)
        if dataset not in self._runtime.catalogue.datasets:
            return lambda: refusals.no_such_dataset(event_id)
        return lambda: refusals.not_permitted(event_id)


def _check_media_type(call: Call) -> None:
    named = call.values(b"content-type")
    if len(named) != 1 or named[0].partition(";")[0].strip().lower() != _JSON:
        raise DepositRefusedError(refusals.MEDIA_TYPE, "media-type")


def _not_valid(reason: str, pointer: str) -> DepositRefusedError:
    return DepositRefusedError(refusals.DEPOSIT_NOT_VALID, reason, pointer)


def _refused(found: DepositAccess, reason: str | None) -> Event:
    return _event(found, Kind.DEPOSIT_REFUSED, reason)


def _event(found: DepositAccess, kind: Kind, reason: str | None) -> Event:
    return Event(
        kind=kind,
        organisation=found.organisation,
        client=found.client,
        reason=reason,
        token=found.logged,
    )


def _taken(event_id: EventId, promise: str) -> Answer:
    named, promised = str(event_id), promise.encode()
    headers = (NO_STORE, (EVENT_HEADER, named.encode()), (PROMISE_HEADER, promised))
    return Answer.json({"event": named, "event_promise": promise}, 201, headers=headers)
