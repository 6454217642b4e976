"""Where a command listens: bound before it starts, so that a place in use is told in words."""

import socket

from service.cli.failure import Failure

_WAITING = 2048
"""So many connections may wait to be taken up."""


def bound(host: str, port: int, *, who: str) -> socket.socket:
    """The place at which `who`, the "service" for example, is to listen. Raises Failure."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_WAITING)
    except OSError as error:
        raise Failure(
            f"The {who} was not started.",
            why=f"it cannot listen at {host} port {port}: {error.strerror}",
            repair="stop the program that uses the port, or name another with --port",
        ) from error
