"""Several ASGI applications in one process and one event loop, each on its own socket."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn
import uvloop
from starlette.types import ASGIApp


class ServerFailedError(Exception):
    """A server did not come up; its own log line stands above."""


class _Server(uvicorn.Server):
    """Leaves the signals to the one who runs several of them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(apps: Sequence[tuple[ASGIApp, socket.socket]], *, on_started: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_started` runs when all of them answer."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(apps, on_started))


async def _serve(
    apps: Sequence[tuple[ASGIApp, socket.socket]], on_started: Callable[[], None]
) -> None:
    servers = [_Server(_config(app)) for app, _ in apps]

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop)
    sockets = [bound for _, bound in apps]
    running = [
        asyncio.create_task(server.serve(sockets=[bound]))
        for server, bound in zip(servers, sockets, strict=True)
    ]
    while not all(server.started for server in servers):
        if any(task.done() for task in running):
            stop()
            await asyncio.gather(*running, return_exceptions=True)
            raise ServerFailedError
        await asyncio.sleep(0.01)
    on_started()
    await asyncio.gather(*running)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=3,
    )
