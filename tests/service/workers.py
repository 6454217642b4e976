"""`consent-vault serve --workers` in processes of its own, and connections to one or another."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from secrets import randbelow

import pytest

from service.exchange import Answer, Call
from tests.running import COMMAND

WITHIN = 60.0
"""Seconds; only a hang should meet this on a machine that does other things too."""
_ESTABLISHED = "01"


@dataclass(slots=True)
class Connection:
    """A connection that one worker has taken up."""

    worker: int
    http: HTTPConnection

    def send(self, call: Call) -> Answer:
        """The answer of that worker."""
        headers = {name.decode(): value.decode() for name, value in call.headers}
        self.http.request(call.method, call.path, call.body or None, headers)
        answer = self.http.getresponse()
        got = [(name.lower().encode(), value.encode()) for name, value in answer.getheaders()]
        return Answer(answer.status, answer.read(), got)

    def get(self, path: str) -> Answer:
        return self.send(Call("GET", path, []))


@dataclass(slots=True)
class Service:
    """The processes, and the lines that they have written."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    opened: list[HTTPConnection] = field(default_factory=list)

    @property
    def workers(self) -> list[int]:
        """The processes that the first one has started and that serve."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [pid for pid in map(int, found.split()) if "spawn_main" in _command(pid)]

    def connections(self) -> list[Connection]:
        """One connection for each worker."""
        if os.geteuid() != 0:
            pytest.skip("a worker lets nobody but root look at its sockets (service.memory)")
        found: dict[int, Connection] = {}

        def all_found() -> bool:
            http = HTTPConnection("127.0.0.1", self.port, timeout=WITHIN)
            http.connect()
            self.opened.append(http)
            http.request("GET", "/healthz")  # it has been taken up when this is answered
            http.getresponse().read()
            worker = self._worker_of(http.sock.getsockname()[1])
            found[worker] = Connection(worker, http)  # a new one: an idle one is closed soon
            return set(found) == set(self.workers)

        wait_for(all_found)
        return list(found.values())

    def _worker_of(self, port: int) -> int:
        """Whose socket the other end of our connection is, by the kernel's tables."""
        ends = (f":{self.port:04X}", f":{port:04X}", _ESTABLISHED)
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, here, there, state, *rest = line.split()
            if (here[8:], there[8:], state) == ends:
                return next(pid for pid in self.workers if _holds(pid, f"socket:[{rest[5]}]"))
        raise AssertionError("the connection is gone")

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal to the first process and give its exit code."""
        self.process.send_signal(how)
        return self.process.wait(WITHIN)


@contextmanager
def serving(environment: Mapping[str, str], log: Path, *, workers: int = 2) -> Iterator[Service]:
    """The service with so many workers; all of it ends with the block."""
    port = 30_000 + randbelow(2_000)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CONSENT_VAULT_")}
    typed = [*COMMAND, "serve", "--port", str(port), "--workers", str(workers)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            typed, stdout=out, stderr=subprocess.STDOUT, env=clean | dict(environment)
        )
    service = Service(process, port, log)
    try:
        wait_for(lambda: _is_up(service, workers))
        yield service
    finally:
        for each in service.opened:
            each.close()
        if process.poll() is None:
            service.end()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_up(service: Service, workers: int) -> bool:
    assert service.process.poll() is None, service.log.read_text()
    if len(service.workers) != workers:
        return False
    http = HTTPConnection("127.0.0.1", service.port, timeout=1)
    try:
        http.request("GET", "/healthz")
        return http.getresponse().status == 200
    except OSError:
        return False
    finally:
        http.close()


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and that nobody waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _command(pid: int) -> str:
    try:
        return re.sub(r"\0", " ", Path(f"/proc/{pid}/cmdline").read_text())
    except OSError:
        return ""


def _holds(pid: int, socket: str) -> bool:
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if os.readlink(each) == socket:  # noqa: PTH115  # what it says is no path
                return True
        except OSError:
            continue
    return False
