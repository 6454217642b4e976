"""`python -m tests.bench`: what a request costs, on both databases, beside a bare ASGI answer.

Starts the real server in a process of its own and sends it prepared requests over 8 connections:
signed before the clock runs, each proof and assertion used once, as a client must. The figures of
different machines cannot be compared, those of one run can; the probe says how fast the machine
was meanwhile.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from connectors.demo_data.people import demo_person
from policies.catalogue import load_catalogue
from policies.ids import PurposeId
from tests.agency import Agency, Message
from tests.bench.load import HEADER, Measured, measure
from tests.postgres import postgresql_server
from tests.running import COMMAND, RunningDemo, grant, running
from tests.visitor import Visitor

WARM_UP = 200
PEOPLE = ("Aino", "Helena", "Ville", "Matti")
"""Whose incomes are fetched, one after the other: a consent has no more than 900 fetches in it
(policies/data/limits.toml). The pages are those of the last one."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=3000)
    options.add_argument("--connections", type=int, default=8)
    options.add_argument("--only", choices=["sqlite", "postgresql"])
    chosen = options.parse_args()
    print(
        f"{chosen.requests} requests over {chosen.connections} connections; probe {probe():.1f} ms"
    )
    print(HEADER)
    bench = Bench(chosen.requests, chosen.connections)
    with bare_server() as (process, port):
        request = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        bench.show("bare ASGI answer", [request] * (4 * chosen.requests), port, process.pid)
    with tempfile.TemporaryDirectory() as folder:
        if chosen.only != "postgresql":
            with running(Path(folder) / "sqlite") as demo:
                bench.run("SQLite", demo)
        if chosen.only != "sqlite":
            with (
                postgresql_server() as url,
                running(Path(folder) / "postgresql", "--database", url) as demo,
            ):
                bench.run("PostgreSQL", demo)
    print(f"probe {probe():.1f} ms")


class Bench:
    """How many requests over how many connections, for every line of the table."""

    def __init__(self, requests: int, connections: int) -> None:
        self._requests = requests
        self._connections = connections

    def run(self, name: str, demo: RunningDemo) -> None:
        """Every line of one database."""
        remove_use_limit(demo)
        agency, kela = demo.agency("debt-counsel"), demo.agency("kela")
        code = demo_person("matti").identity_code
        port, count = urlsplit(demo.base_url).port or 80, self._requests + WARM_UP
        given = [granted(demo, agency, person) for person in PEOPLE]
        tokens, (refresh, cookies) = [each[0] for each in given], given[-1][1:]
        lines: dict[str, Iterator[Message]] = {
            "fetch, 3 values by consent": (
                agency.fetch(tokens[number * len(tokens) // count], "income")
                for number in range(count)
            ),
            "token, refreshed": (
                agency.post("/oauth/token", grant_type="refresh_token", refresh_token=refresh)
                for _ in range(count)
            ),
            "token, by law": (kela.statutory(code) for _ in range(count)),
            "page: consents": (page(demo, "consents", cookies) for _ in range(count // 4)),
            "page: log": (page(demo, "log", cookies) for _ in range(count // 4)),
        }
        for line, messages in lines.items():
            # Signed just before they are sent: proofs and assertions live a minute.
            self.show(f"{name}: {line}", [each.raw() for each in messages], port, demo.pid)

    def show(self, name: str, requests: list[bytes], port: int, pid: int) -> Measured:
        """Warm up with the first ones, measure the rest, print the line."""
        cold, warm = requests[:WARM_UP], requests[WARM_UP:]
        measure(name, cold, port=port, pid=pid, connections=self._connections)
        found = measure(name, warm, port=port, pid=pid, connections=self._connections)
        print(found.line(), flush=True)
        if found.failed:
            sys.exit("What is refused says nothing of what it costs to be served.")
        return found


def granted(demo: RunningDemo, agency: Agency, person: str) -> tuple[str, str, str]:
    """What the person gives the agency: the tokens for access and refresh; and her cookies."""
    with Visitor() as visitor:
        visitor.open(demo.link(person))
        given = grant(agency, visitor)
        cookies = "; ".join(f"{k}={v}" for k, v in visitor.client.cookies.items())
        return given["access_token"], given["refresh_token"], cookies


def page(demo: RunningDemo, path: str, cookies: str) -> Message:
    return Message("GET", demo.page(path), {"Cookie": cookies})


def remove_use_limit(demo: RunningDemo) -> None:
    """A consent of the demo ends after a few fetches; a new version of the purpose has no limit."""
    declared = load_catalogue().purpose(PurposeId("debt-advice")).to_json()
    file = demo.folder / "unlimited.json"
    del declared["max_uses"]
    file.write_text(json.dumps(declared | {"version": 100}))
    add = [*COMMAND, "purpose", "add", str(file), "--data", str(demo.folder)]
    subprocess.run(add, check=True, capture_output=True)


def probe() -> float:
    """Milliseconds for a fixed piece of Python work."""
    started = time.perf_counter()
    sum(i * i % 7 for i in range(100_000))
    return 1000 * (time.perf_counter() - started)


@contextmanager
def bare_server() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The least ASGI application in a server process of the same kind."""
    port = 19_460
    command = [sys.executable, "-m", "uvicorn", "tests.bench.bare:app", "--port", str(port)]
    process = subprocess.Popen([*command, "--log-level", "error", "--no-access-log"])
    try:
        for _ in range(200):
            try:
                httpx2.get(f"http://127.0.0.1:{port}/")
                break
            except httpx2.ConnectError:
                time.sleep(0.05)
        yield process, port
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
