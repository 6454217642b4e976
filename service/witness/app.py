"""The witness over HTTP (C2SP tlog-witness v1.0.0): logs submit, monitors read.

Nobody is authenticated beyond the signature on the checkpoint. Nothing here is personal data:
checkpoints hold a log's name, a size and a hash.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from audit.cosignature import Cosigner
from audit.log_family import FollowedLogs
from audit.witness import (
    Cosigned,
    InconsistentError,
    MalformedRequestError,
    OtherSizeError,
    UnknownLogError,
    UnsignedCheckpointError,
    WitnessRefusalError,
    check,
    cosign,
    read,
)
from audit.witness import Request as AddCheckpoint
from service.body_limit import BodyLimit
from service.witness.store import Known, WitnessState

MAX_BODY_BYTES = 262_144
"""Sixty-three lines of proof, and a checkpoint with seventy signatures by ML-DSA-44."""
_STATUS: dict[type[WitnessRefusalError], int] = {
    MalformedRequestError: 400,
    UnsignedCheckpointError: 403,
    UnknownLogError: 404,
    OtherSizeError: 409,
    InconsistentError: 422,
}

_log = structlog.get_logger(__name__)


class WitnessClockError(RuntimeError):
    """The clock stands before the last cosignature, whose time would be contradicted."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: which logs it follows, its keys, its memory and its clock."""

    logs: FollowedLogs
    cosigners: Sequence[Cosigner]
    state: WitnessState
    clock: Callable[[], datetime]

    def add_checkpoint(self, body: bytes) -> bytes:
        """Our signature lines. Raises WitnessRefusalError or WitnessClockError."""
        request = read(body, self.logs)
        now = self.clock()
        decide = partial(self._decide, request, now)
        return self.state.replace(request.checkpoint.origin, now, decide).answer

    def _decide(self, request: AddCheckpoint, now: datetime, known: Known | None) -> Cosigned:
        check(request, None if known is None else known.checkpoint)
        if known is not None and now < known.at:
            raise WitnessClockError
        return cosign(request, self.cosigners, int(now.timestamp()))


def create_witness_app(witness: Witness) -> Starlette:
    """The witness as an ASGI application."""
    app = Starlette(
        routes=[
            Route("/", _about, methods=["GET"]),
            Route("/add-checkpoint", _add_checkpoint, methods=["POST"]),
            Route("/{origin_hash:str}/checkpoint", _checkpoint, methods=["GET"]),
        ],
        middleware=[Middleware(BodyLimit, most=MAX_BODY_BYTES, refusal=_too_large)],
    )
    app.state.witness = witness
    return app


async def _add_checkpoint(request: Request) -> Response:
    return await run_in_threadpool(_answer, request.app.state.witness, await request.body())


def _answer(witness: Witness, body: bytes) -> Response:
    try:
        answer = witness.add_checkpoint(body)
    except OtherSizeError as error:
        return Response(f"{error.known}\n", 409, {"content-type": "text/x.tlog.size"})
    except WitnessRefusalError as error:
        return PlainTextResponse(f"{error}\n", _STATUS[type(error)])
    except (SQLAlchemyError, WitnessClockError) as error:
        # The log asks again; a cosignature that was not kept does not leave.
        _log.error("witness-failed", error=type(error).__name__)
        return PlainTextResponse("try again later\n", 503)
    return Response(answer, media_type="text/plain; charset=utf-8")


def _checkpoint(request: Request) -> Response:
    """What we cosigned last, for monitors."""
    witness: Witness = request.app.state.witness
    wanted = request.path_params["origin_hash"]
    for known in witness.state.all():
        if hashlib.sha256(known.checkpoint.origin.encode()).hexdigest() == wanted:
            return Response(known.note, media_type="text/plain; charset=utf-8", headers=_FRESH)
    return PlainTextResponse("never cosigned\n", 404)


def _about(request: Request) -> Response:
    """Our keys and the logs that we have cosigned, for people."""
    witness: Witness = request.app.state.witness
    keys = "".join(f"{each.vkey}\n" for each in witness.cosigners)
    logs = "".join(
        f"{hashlib.sha256(known.checkpoint.origin.encode()).hexdigest()}/checkpoint"
        f" {known.checkpoint.origin} {known.checkpoint.size}\n"
        for known in witness.state.all()
    )
    return PlainTextResponse(f"A witness of transparency logs.\n\n{keys}\n{logs}")


def _too_large(_request: Request) -> Response:
    return PlainTextResponse("the request is too large\n", 413)


_FRESH = {"cache-control": "no-cache"}
