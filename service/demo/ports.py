"""Free ports on loopback, bound before anything else starts: nobody takes them meanwhile."""

import socket
from collections.abc import Iterable

HOST = "127.0.0.1"
SERVICE = 8460
PROVIDER = 8461
AGENCY = range(8462, 8472)
"""Where the agencies' page may answer. Registered as redirect addresses, hence a fixed range."""
PROGRAM = range(8480, 8490)
"""Where an agency's program may wait for its answer, likewise."""


class NoPortError(Exception):
    """Every port of the range is taken."""

    def __init__(self, first: int, last: int) -> None:
        super().__init__(f"{first}-{last}")
        self.first = first
        self.last = last


def bind(ports: Iterable[int]) -> socket.socket:
    """A socket on the first free port. Raises NoPortError."""
    tried = list(ports)
    for port in tried:
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((HOST, port))
            found.listen(128)
        except OSError:
            found.close()
            continue
        return found
    raise NoPortError(tried[0], tried[-1])


def following(port: int) -> range:
    """The port and the nineteen after it."""
    return range(port, min(port + 20, 65_536))


def port_of(bound: socket.socket) -> int:
    """The port that a socket is bound to."""
    port: int = bound.getsockname()[1]
    return port
