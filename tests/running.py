"""A demo in a process of its own, as a person would start it."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import randbelow
from sysconfig import get_path
from typing import Any, Self

import httpx2

from tests.agency import Agency, Message
from tests.visitor import Page, Visitor

COMMAND = (str(Path(get_path("scripts")) / "consent-vault"),)
_LINK = re.compile(
    r"^  (?P<name>.+?)  +(?P<role>\w+) +(?P<url>http://\S+ticket=\S+)$", re.MULTILINE
)
_ADDRESS = re.compile(r"The demo runs at (http://[^/]+)/")
STARTS_WITHIN = 60.0
"""Seconds; only a hang should meet this on a machine that does other things too."""


@dataclass(slots=True)
class RunningDemo:
    """One start of the demo. Its output is in `output`."""

    folder: Path
    command: Sequence[str] = COMMAND
    options: Sequence[str] = ()
    port: int = field(default_factory=lambda: 20_000 + randbelow(10_000))
    process: subprocess.Popen[bytes] | None = None
    base_url: str = ""
    output: str = ""

    def start(self) -> Self:
        """Start and wait for the last line of the welcome."""
        log = self.folder.with_suffix(".log")
        arguments = ["demo", "--data", str(self.folder), "--port", str(self.port), *self.options]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSENT_VAULT_")}
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [*self.command, *arguments],
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self.folder.parent,
                env=environment | {"LANG": "en_GB.UTF-8", "LC_ALL": "en_GB.UTF-8"},
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while "Stop: Ctrl+C" not in self.output:
            self.output = log.read_text()
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the demo did not start:\n{self.output}")
            time.sleep(0.02)
        found = _ADDRESS.search(self.output)
        assert found is not None
        self.base_url = found[1]
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """End it and give the exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(timeout=30)

    def link(self, name: str) -> str:
        """The one-time sign-in link of the person whose name begins like this."""
        for found in _LINK.finditer(self.output):
            if found["name"].startswith(name):
                return found["url"]
        raise AssertionError(f"no link for {name} in:\n{self.output}")

    def agency(self, organisation: str) -> Agency:
        """The program of one of the demo's agencies."""
        return Agency.read(self.folder / "agencies" / f"{organisation}.json")

    def page(self, path: str) -> str:
        return f"{self.base_url}/en/{path}"


@contextmanager
def running(folder: Path, *options: str) -> Iterator[RunningDemo]:
    """A demo that ends with the block."""
    demo = RunningDemo(folder, options=options)
    try:
        yield demo.start()
    finally:
        if demo.process is not None and demo.process.poll() is None:
            demo.stop()


def grant(agency: Agency, visitor: Visitor) -> dict[str, Any]:
    """Ask the visitor for what the agency asks, let her give all of it, redeem the code.

    Gives the token endpoint's answer.
    """
    verifier = "v" * 64
    receipt = give(agency, visitor, verifier)
    answer = send(agency.redeem(code_for(receipt, visitor), verifier))
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def exchange(agency: Agency, visitor: Visitor) -> tuple[Page, str]:
    """Ask, have all of it given, redeem the code: the receipt's page and the access token."""
    verifier = "v" * 64
    receipt = give(agency, visitor, verifier)
    answer = send(agency.redeem(code_for(receipt, visitor), verifier))
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return receipt, token


def give(agency: Agency, visitor: Visitor, verifier: str) -> Page:
    """The agency asks, the visitor gives everything; the receipt's page."""
    pushed = send(agency.push(verifier)).json()
    page = visitor.open(agency.authorize_url(pushed["request_uri"]))
    return visitor.send(page, page.form("/requests/"), tick=".", button="give")


def code_for(receipt: Page, visitor: Visitor) -> str:
    """Follow the receipt's link back to the agency, as far as the code in its address."""
    back = visitor.client.get(receipt.link("/oauth/return/"), follow_redirects=False)
    code: str = httpx2.URL(back.headers["location"]).params["code"]
    return code


def send(message: Message) -> httpx2.Response:
    """Send a prepared message once."""
    return httpx2.request(
        message.method, message.url, headers=message.headers, content=message.body, timeout=20
    )
