"""The demo has its log stamped by an authority of its own, over HTTP, as in production."""

import time
from typing import Any

import httpx2

from audit.timestamp import parse_roots, verify_token
from tests.running import RunningDemo

PATIENCE_SECONDS = 60.0


def _stamps(demo: RunningDemo) -> list[dict[str, Any]]:
    (log,) = httpx2.get(
        f"{demo.base_url}/audit/logs", headers={"Accept": "application/json"}
    ).json()["logs"]
    told = httpx2.get(f"{demo.base_url}/audit/logs/{log['log']}/timestamps").json()
    return [each | {"log": log["log"]} for each in told["timestamps"]]


def test_the_log_is_stamped_soon_after_the_start(demo: RunningDemo) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not (stamps := _stamps(demo)) and time.monotonic() < end:
        time.sleep(0.5)
    first = stamps[0]
    place = f"{demo.base_url}/audit/logs/{first['log']}/timestamps/{first['size']}"
    note, token = httpx2.get(place).content, httpx2.get(f"{place}/{first['tsa']}").content
    roots = parse_roots((demo.folder / "timestamp-roots.pem").read_bytes())
    assert verify_token(token, note, roots).at.isoformat() == first["at"]
