"""The real server in processes that may be killed, one life after another on the same socket.

The program here imports the service once and forks for every life, so that fifty lives cost one
start. What a life runs is what `consent-vault serve` runs. The socket is the parent's and outlives
its children: a request that is sent between two lives waits for the next one.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.connectors.loopback import free_socket, origin

ROOT = Path(__file__).resolve().parents[2]


class Lives:
    """Starts servers and kills them; at most one lives at a time."""

    def __init__(self, errors: Path) -> None:
        self.errors = errors
        """What the servers write to standard error."""
        self._parent: subprocess.Popen[str] | None = None
        self._pid: int | None = None

    def begin(self, settings: Mapping[str, Any]) -> str:
        """A server with these settings; the address at which it answers."""
        assert self._pid is None, "one server at a time"
        started = self._ask(settings)
        self._pid = started["pid"]
        return str(started["address"])

    @property
    def living(self) -> bool:
        return self._pid is not None

    def end(self, how: signal.Signals = signal.SIGKILL) -> int:
        """Send the signal and wait for the end; gives the wait status."""
        assert self._pid is not None
        os.kill(self._pid, how)
        self._pid = None
        return int(self._read()["ended"])

    def close(self) -> None:
        """End the server that lives, and the parent."""
        if self._pid is not None:
            self.end()
        if self._parent is not None:
            assert self._parent.stdin is not None
            assert self._parent.stdout is not None
            self._parent.stdin.close()
            self._parent.wait(timeout=30)
            self._parent.stdout.close()

    def _ask(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        if self._parent is None:
            clean = {k: v for k, v in os.environ.items() if not k.startswith("CONSENT_VAULT_")}
            with self.errors.open("ab") as errors:
                self._parent = subprocess.Popen(
                    [sys.executable, "-u", "-m", "tests.faults.lives"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    cwd=ROOT,
                    env=clean,
                )
        assert self._parent.stdin is not None
        self._parent.stdin.write(json.dumps(dict(settings)) + "\n")
        self._parent.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._parent is not None
        assert self._parent.stdout is not None
        line = self._parent.stdout.readline()
        assert line, self.errors.read_text()
        told: dict[str, Any] = json.loads(line)
        return told


@contextmanager
def lives(errors: Path) -> Iterator[Lives]:
    """Lives that all end with the block."""
    made = Lives(errors)
    try:
        yield made
    finally:
        made.close()


def _serve(settings: Mapping[str, Any], bound: socket.socket) -> None:
    import uvicorn

    from service.app import create_app
    from service.logs import set_up_logs
    from service.runtime import open_runtime
    from service.settings import load_settings

    set_up_logs()
    app = create_app(open_runtime(load_settings({}, **settings)))
    config = uvicorn.Config(app, access_log=False, server_header=False, log_config=None)
    uvicorn.Server(config).run(sockets=[bound])


def _main() -> None:
    """For each line of settings: fork a server, tell its pid and address, tell its end."""
    from service import app  # noqa: F401  # so that no life has to
    from service.pages import load_pages

    load_pages()
    bound = free_socket()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever it prints is kept
            _serve(json.loads(line), bound)
            os._exit(0)
        print(json.dumps({"pid": pid, "address": origin(bound)}), flush=True)
        print(json.dumps({"ended": os.waitpid(pid, 0)[1]}), flush=True)


if __name__ == "__main__":
    _main()
