"""Writes down what `service.refusal_limit` has counted: one event for each key and minute."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime

import structlog
from starlette.concurrency import run_in_threadpool

from audit.model import SYSTEM, Event, Kind
from audit.unit_of_work import begin
from service.oauth.server import AuthorizationServer
from service.refusal_limit import COUNTED

INTERVAL_SECONDS = 15.0
_SIGN_INS = Event(kind=Kind.SIGN_IN_REFUSED, reason=COUNTED)

_log = structlog.get_logger(__name__)


def write_summaries(server: AuthorizationServer, now: datetime | None) -> None:
    """Write what was counted in minutes that are over by now; without a time, in all."""
    of_clients, of_sign_ins = server.refusals.take(now), server.sign_ins.take(now)
    counted = [*of_clients, *((_SIGN_INS, number) for _, number in of_sign_ins)]
    if not counted:
        return
    try:
        with begin(server.runtime.ledger, actor=SYSTEM, now=server.runtime.now()) as uow:
            for event, number in counted:
                uow.record(replace(event, reason=COUNTED, reference=f"refused-{number}"))
    except BaseException:
        server.refusals.give_back(of_clients)
        server.sign_ins.give_back(of_sign_ins)
        raise


@asynccontextmanager
async def writing_summaries(server: AuthorizationServer) -> AsyncIterator[None]:
    """Write them while this is open, and at its end what is left."""
    task = asyncio.create_task(_write_again_and_again(server))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await run_in_threadpool(write_summaries, server, None)


async def _write_again_and_again(server: AuthorizationServer) -> None:
    while True:
        await asyncio.sleep(INTERVAL_SECONDS)
        try:
            await run_in_threadpool(write_summaries, server, server.runtime.now())
        except Exception as error:  # noqa: BLE001  # or nothing would be written any more
            # Only the class: the text of a database error may quote parameters.
            _log.error("summaries-failed", error=type(error).__name__)
