"""The service on a port of this machine, and a person who is signed in there with a browser."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page

from policies.ids import ConsentId, EventId
from policies.vocabulary import Role
from tests.service.citizen.changed import released, sequence
from tests.service.citizen.given import fetch, give, token, withdraw
from tests.service.house import AINO, VILLE, House, open_house


@dataclass(frozen=True, slots=True)
class Site:
    """A running service with something on every page."""

    house: House
    browser: Browser
    waiting: ConsentId
    line: EventId
    """A line of Aino's log that has its place."""
    queued: EventId
    """One that waits for it."""

    @property
    def url(self) -> str:
        return self.house.runtime.settings.base_url

    @contextmanager
    def visit(
        self,
        *,
        width: int = 1280,
        scheme: str = "light",
        identifier: str | None = AINO,
        script: bool = False,
        forced_colors: str = "none",
    ) -> Iterator[Page]:
        """A page of a browser in which this person is signed in."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=scheme,  # type: ignore[arg-type]  # one of the words that it takes
            forced_colors=forced_colors,  # type: ignore[arg-type]
            java_script_enabled=script,
            base_url=self.url,
        )
        page = context.new_page()
        if identifier is not None:
            self.house.provider.identifier = identifier
            page.goto("/en/sign-in")
        yield page
        close(context)

    def request(self, purpose: str = "debt-advice") -> ConsentId:
        """One more request that waits for Aino."""
        return self.house.request(self.house.person(), purpose)


def close(context: BrowserContext) -> None:
    """Close a context; the session in it lives on, as it would."""
    context.close()


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The service as the demonstration runs it, on http and loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    house = furnished(tmp_path_factory.mktemp("site"), f"http://127.0.0.1:{port}")
    config = uvicorn.Config(
        house.app, host="127.0.0.1", port=port, log_config=None, lifespan="off", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
    aino = house.person()
    line = released(house, aino)
    sequence(house)
    waiting = house.request(aino, "debt-advice")
    yield Site(house, browser, waiting, line, released(house, aino))
    server.should_exit = True
    thread.join()
    house.runtime.ledger.engine.dispose()


def furnished(folder: Path, base_url: str) -> House:
    """Aino with data, requests of each kind, a release and a refusal; Ville audits."""
    house = open_house(folder, base_url=base_url, demo=True)
    house.provider.authorize = f"{base_url}/sign-in/callback"
    house.deposit(house.person())
    house.deposit(house.person(VILLE), protected=True)
    aino = house.signed_in()
    consent_id, _ = give(house, aino)
    held = token(house, consent_id)
    fetch(house, held)
    withdraw(aino, consent_id)
    fetch(house, held)
    give(house, aino, "bank-loan-offer")
    house.request(house.person(), "clinic-diabetes-care")
    house.request(house.person(), "city-housing-support")
    house.runtime.sequencer.run_once(house.clock())
    for role in (Role.AUDITOR, Role.OPERATOR):
        house.signed_in(VILLE, role=role)
    return house
