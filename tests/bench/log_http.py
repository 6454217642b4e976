"""Proofs from the real server, out of a log of a million leaves."""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from audit.proofs import log_state
from audit.reader import entries_about
from connectors.demo_data.people import demo_person
from policies.ids import EventId
from service.cli.place import read_settings
from service.runtime import open_runtime
from service.settings import load_settings
from tests.bench.load import HEADER, measure
from tests.bench.log_tree import analyse, grow
from tests.running import running
from tests.visitor import Visitor
from vault.people import IDENTITY_SCHEME, find_person

LEAVES, REQUESTS = 1_000_000, 2000


def http(database: str, folder: Path) -> None:
    """Print what proofs and tiles cost at the server."""
    place = folder / "demo"
    with running(place, "--database", database) as demo:
        demo.stop()
        own = _grow(place)
        demo.output = ""  # what the first start said would pass for the second one's
        demo.start()
        with Visitor() as matti:
            matti.open(demo.link("Matti"))
            cookies = "; ".join(f"{k}={v}" for k, v in matti.client.cookies.items())
        port = urlsplit(demo.base_url).port or 80
        paths = {
            "own proof": [f"/audit/proof/{own[i % len(own)]}" for i in range(REQUESTS)],
            "checkpoint": ["/audit/checkpoint"] * REQUESTS,
            "full tile": [f"/audit/tile/0/x00{1 + i % 2}/{i % 900:03d}" for i in range(REQUESTS)],
            "entries": [f"/audit/tile/entries/x001/{i % 900:03d}" for i in range(REQUESTS)],
        }
        print(HEADER)
        assert demo.process is not None
        for name, each in paths.items():
            requests = [_request(path, port, cookies) for path in each]
            for connections in (1, 8):
                measured = measure(
                    f"{name}, {connections} at a time",
                    requests[: REQUESTS // 4] if connections == 1 else requests,
                    port=port,
                    pid=demo.process.pid,
                    connections=connections,
                )
                print(measured.line(), flush=True)


def _grow(place: Path) -> list[EventId]:
    """Let the log of the demo grow; gives events about the person who asks afterwards."""
    runtime = open_runtime(load_settings(**read_settings(place)))
    while runtime.sequencer.run_once(datetime.now(UTC)) is not None:
        pass
    grow(runtime.ledger, runtime.log_signers, LEAVES, datetime.now(UTC))
    analyse(runtime.ledger)
    with runtime.ledger.read() as connection:
        assert log_state(connection).size == LEAVES
        code = demo_person("matti").identity_code
        person = find_person(connection, runtime.vault, scheme=IDENTITY_SCHEME, identifier=code)
        assert person is not None
        own = [each.event_id for each in entries_about(connection, runtime.ledger, person)]
    runtime.close()
    return own


def _request(path: str, port: int, cookies: str) -> bytes:
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookies}\r\n\r\n"
    return head.encode()
