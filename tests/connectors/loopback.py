"""An ASGI app on a real socket of this machine, for the time of a test."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import uvicorn


def free_socket() -> socket.socket:
    """A socket bound to a free port of the loopback interface."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.bind(("127.0.0.1", 0))
    bound.listen(16)  # from here on a caller waits instead of being refused
    return bound


def origin(bound: socket.socket) -> str:
    return f"http://127.0.0.1:{bound.getsockname()[1]}"


@contextmanager
def serving(app: Any, bound: socket.socket) -> Iterator[str]:
    """Serve the app on the socket; its origin."""
    config = uvicorn.Config(app, log_level="critical", lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        yield origin(bound)
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        bound.close()
