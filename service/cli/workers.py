"""Several processes that serve one database at one address, each an application of its own.

What must hold for all of them stands in the database (sessions, sign-ins, one-time forms, what may
be used once), is made from the installation's keys (nonces, promises, receipts), or is counted in
a table that they share (limits and counters). What one of them remembers beside that, it reads
again before it decides by it. One of them does the jobs, and one places events in the log: whoever
has the lead (audit.leadership). A worker that has died is started anew (service.cli.supervising).
"""

import os
import signal
import socket
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from service.app import create_app
from service.cli.failure import Failure
from service.cli.place import settings_of
from service.cli.starting import check_start, told
from service.cli.supervising import LOOK_SECONDS, NOT_STARTED, Worker, supervise
from service.memory import guard_memory
from service.oauth.server import Shared
from service.runtime import open_runtime
from service.shared_numbers import SharedNumbers

OPTIONS: dict[str, Any] = {
    "access_log": False,
    "server_header": False,
    "log_config": None,
    # How long a stop waits for answers under way; supervisors kill after 30 s and more.
    "timeout_graceful_shutdown": 20,
}
_COUNTERS, _LIMITS = 1_024, 65_536
_MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of our own in it, with a random name

_log = structlog.get_logger(__name__)


def serve_together(place: socket.socket, workers: int, data: Path | None, *, base_url: str) -> bool:
    """Serve until stopped; False when the workers could not start."""
    with tempfile.TemporaryDirectory(
        prefix="consent-vault-", dir=_MEMORY if _MEMORY.is_dir() else None
    ) as folder:
        host, port = place.getsockname()[:2]
        _log.info("serving", host=host, port=port, base_url=base_url, workers=workers)
        stopping = threading.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: stopping.set())
        started = supervise(partial(_start, place, data, Path(folder)), workers, stopping)
    _log.info("stopped")
    return started


def _start(place: socket.socket, data: Path | None, folder: Path) -> Worker:
    """A worker, in a process that begins with nothing of ours: threads do not outlive a fork."""
    context = get_context("spawn")
    serves = context.Event()
    arguments = (place, data, folder, os.getpid(), serves)
    process = context.Process(target=_work, args=arguments)
    process.start()
    return Worker(process, serves)


class _Server(uvicorn.Server):
    """Says when it has begun to answer."""

    def __init__(self, config: uvicorn.Config, serves: Event) -> None:
        super().__init__(config)
        self._serves = serves

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._serves.set()


def _work(
    place: socket.socket, data: Path | None, folder: Path, supervisor: int, serves: Event
) -> None:
    server = _Server(uvicorn.Config(worker(data, folder, supervisor), **OPTIONS), serves)
    with suppress(KeyboardInterrupt):  # the server has ended in order by then
        server.run(sockets=[place])
    if not server.started:
        sys.exit(NOT_STARTED)


def worker(data: Path | None, folder: Path, supervisor: int) -> FastAPI:
    """The application of one worker, made in its own process."""
    _end_with(supervisor)
    try:
        check_start()
        _log.info("memory", **asdict(guard_memory()))
        with told():
            runtime = open_runtime(settings_of(data))
    except Failure as failure:
        failure.show()
        sys.exit(NOT_STARTED)
    return create_app(
        runtime,
        Shared(
            counters=SharedNumbers(folder / "counters", _COUNTERS),
            limits=SharedNumbers(folder / "limits", _LIMITS),
        ),
    )


def _end_with(supervisor: int) -> None:
    """Stop in order when the supervisor is gone, however it went: nobody else would stop us."""

    def look() -> None:
        while os.getppid() == supervisor:
            time.sleep(LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=look, name="supervisor", daemon=True).start()
