"""The time stamps over HTTP: enough for somebody with `openssl` and the addresses."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from shutil import which

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.testclient import TestClient

from audit.model import SYSTEM, Event, Kind
from audit.timestamp import Request
from audit.timestamping import Stamped, due, keep
from audit.unit_of_work import begin
from connectors.demo_tsa.authority import DemoTimestampAuthority, root_certificate
from tests.authority import OpenSslAuthority, certified, new_key
from tests.service.house import NOW, House, open_house

LOG = "2026h2"
PLACE = f"/audit/logs/{LOG}/timestamps"
FOREVER = "public, max-age=31536000, immutable"
ROOT_KEY = new_key()
ROOT = root_certificate(ROOT_KEY, NOW)
AUTHORITY = DemoTimestampAuthority.under(ROOT_KEY, new_key(), NOW)
HOURS = 105
"""More than a page."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose log was stamped every hour."""
    opened = open_house(tmp_path_factory.mktemp("house"))
    runtime = opened.runtime
    for hour in range(HOURS):
        now = NOW + timedelta(hours=hour)
        with begin(runtime.ledger, actor=SYSTEM, now=now) as uow:
            uow.record(Event(kind=Kind.LOG_SEARCHED))
        runtime.sequencer.run_once(now)
        with runtime.ledger.read() as connection:
            (found,) = due(connection, "time", now)
        answer = AUTHORITY.answer(bytes(Request(found.note, hour)), now)
        keep(runtime.ledger, Stamped(found.log, found.size, "time", now), answer)
    yield opened
    runtime.close()


@pytest.fixture
def visitor(house: House) -> TestClient:
    return house.visitor()


def test_the_list_is_read_page_by_page(visitor: TestClient) -> None:
    first = visitor.get(PLACE).json()
    rest = visitor.get(PLACE, params={"after": first["next"]}).json()
    assert (len(first["timestamps"]), len(rest["timestamps"])) == (100, HOURS - 100)
    assert rest["next"] is None
    sizes = [each["size"] for each in first["timestamps"] + rest["timestamps"]]
    assert sizes == sorted(set(sizes))
    assert first["timestamps"][0] == {"size": sizes[0], "tsa": "time", "at": NOW.isoformat()}


def test_a_list_that_has_not_changed_is_not_sent_again(visitor: TestClient) -> None:
    tag = visitor.get(PLACE).headers["etag"]
    assert visitor.get(PLACE, headers={"If-None-Match": tag}).status_code == 304


def test_token_and_note_never_change(visitor: TestClient) -> None:
    size = visitor.get(PLACE).json()["timestamps"][0]["size"]
    token = visitor.get(f"{PLACE}/{size}/time")
    note = visitor.get(f"{PLACE}/{size}")
    assert token.headers["content-type"] == "application/timestamp-reply"
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    assert token.headers["cache-control"] == note.headers["cache-control"] == FOREVER


@pytest.mark.skipif(which("openssl") is None, reason="needs the program openssl")
def test_openssl_verifies_what_is_given_out(visitor: TestClient, tmp_path: Path) -> None:
    size = visitor.get(PLACE).json()["timestamps"][7]["size"]
    note, token = (visitor.get(f"{PLACE}/{size}{end}").content for end in ("", "/time"))
    outside = OpenSslAuthority(tmp_path, certified("Unused", NOW))
    roots = ROOT.public_bytes(Encoding.PEM)
    assert outside.accepts(token, note, roots)
    assert not outside.accepts(token, note + b"\n", roots)


@pytest.mark.parametrize(
    "address",
    [
        "/audit/logs/2025h1/timestamps",
        "/audit/logs/2025h1/timestamps/1/time",
        f"{PLACE}/1000000",
        f"{PLACE}/1000000/time",
        f"{PLACE}/1/other",
        f"{PLACE}/1/{'x' * 41}",
        f"{PLACE}/0",
        f"{PLACE}/-1/time",
        f"{PLACE}/{2**63}",
        f"{PLACE}/x",
        f"{PLACE}?after=-1",
    ],
)
def test_what_is_not_there_is_said_as_a_problem(visitor: TestClient, address: str) -> None:
    answer = visitor.get(address)
    assert answer.status_code in {400, 404}
    assert answer.headers["content-type"] == "application/problem+json"
