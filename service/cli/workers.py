"""Several processes that serve one database at one address, each an application of its own.

What must hold for all of them stands in the database (sessions, sign-ins, one-time forms, what may
be used once), is made from the installation's keys (nonces, promises, receipts), or is counted in
a table that they share (limits and counters). What one of them remembers beside that, it reads
again before it decides by it. One of them does the jobs, and one places events in the log: whoever
has the lead (audit.leadership). uvicorn's supervisor starts a worker anew that has died.
"""

import os
import signal
import socket
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from service.app import create_app
from service.cli.failure import Failure
from service.cli.place import settings_of
from service.cli.starting import check_start, told
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
_NOT_STARTED = 3
"""uvicorn's exit code for a worker that cannot start: the supervisor then gives up."""
_ANSWERS_WITHIN = 60
"""A worker that is silent for so many seconds is killed and started anew."""
_COUNTERS, _LIMITS = 1_024, 65_536
_MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of our own in it, with a random name
_LOOK_SECONDS = 1.0

_log = structlog.get_logger(__name__)


def serve_together(place: socket.socket, workers: int, data: Path | None, *, base_url: str) -> bool:
    """Serve until stopped; False when the workers could not start."""
    with tempfile.TemporaryDirectory(
        prefix="consent-vault-", dir=_MEMORY if _MEMORY.is_dir() else None
    ) as folder:
        application = partial(worker, data, Path(folder), os.getpid())
        config = uvicorn.Config(
            application,
            factory=True,
            workers=workers,
            timeout_worker_healthcheck=_ANSWERS_WITHIN,
            **OPTIONS,
        )
        supervisor = Multiprocess(config, sockets=[place])
        host, port = place.getsockname()[:2]
        _log.info("serving", host=host, port=port, base_url=base_url, workers=workers)
        supervisor.run()
    _log.info("stopped")
    return all(each.exitcode != _NOT_STARTED for each in supervisor.processes)


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
        sys.exit(_NOT_STARTED)
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
            time.sleep(_LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=look, name="supervisor", daemon=True).start()
