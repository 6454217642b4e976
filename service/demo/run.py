"""The demo from nothing to a served page, in steps that say how long each took."""

import socket
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

from audit.database import open_engine
from connectors.client_keys import public_jwks
from connectors.demo_data.people import demo_people
from connectors.demo_idp.app import create_demo_idp
from connectors.demo_tsa.app import create_demo_tsa
from service.app import create_app
from service.demo import agencies, seeding, time_stamps
from service.demo.agency_pages import create_agency_pages
from service.demo.asking import ANSWERED, BY_LAW, WAITING, FirstDay
from service.demo.folder import SETTINGS, DemoFolder
from service.demo.ports import AGENCY, HOST, PROGRAM, PROVIDER, bind, following, port_of
from service.demo.servers import serve
from service.demo.welcome import language_of_terminal, welcome
from service.identity import CALLBACK
from service.migrations.upgrade import current, upgrade
from service.runtime import Runtime, open_runtime, utc_now
from service.settings import load_settings
from vault.providers.file import KeyFolder

Say = Callable[[str], None]
LOG_NAME = "consent-vault.example/demo"
"""The demo's log keeps its name when the port changes."""


class ForeignDatabaseError(Exception):
    """The database holds another installation, which the demo must not touch."""


@dataclass(frozen=True, slots=True)
class Sockets:
    """The three places where the demo answers."""

    service: socket.socket
    provider: socket.socket
    agency: socket.socket

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{port_of(self.service)}"

    @property
    def issuer(self) -> str:
        return f"http://{HOST}:{port_of(self.provider)}"


@dataclass(frozen=True, slots=True)
class Demo:
    """One start of the demo."""

    folder: DemoFolder
    database_url: str
    say: Say

    def run(self, *, port: int, open_browser: bool) -> None:
        """Prepare what is missing, serve until stopped.

        Raises ForeignFolderError, FolderInUseError, ForeignDatabaseError, NoPortError and what
        `open_runtime` raises.
        """
        self.folder.prepare()
        with self.folder.hold():
            self._run(port=port, open_browser=open_browser)

    def _run(self, *, port: int, open_browser: bool) -> None:
        first = not self.folder.is_seeded()
        with self._step("folder and ports"):
            self._refuse_foreign_database()
            sockets = self._bind(port)
        with self._step("keys and settings"):
            self._write_settings(sockets)
        with self._step("database"):
            engine = open_engine(self.database_url)
            upgrade(engine)
            engine.dispose()
            runtime = open_runtime(load_settings(None, **self._settings(sockets)))
        if first:
            self._seed(runtime, port_of(sockets.agency))
        agencies.place(
            self.folder,
            issuer=sockets.base_url,
            program_port=_free_port_for_programs(),
            page_port=port_of(sockets.agency),
        )
        self._serve(runtime, sockets, open_browser=open_browser)

    def _refuse_foreign_database(self) -> None:
        """Only an empty database, or the one of an earlier start, becomes the demo's."""
        ours = {self.folder.database_url, self.folder.database_named_before()}
        if self.database_url in ours:
            return
        engine = open_engine(self.database_url)
        try:
            with engine.connect() as connection:
                revision = current(connection)
        finally:
            engine.dispose()
        if revision is not None:
            raise ForeignDatabaseError

    def _bind(self, port: int) -> Sockets:
        sockets = Sockets(
            service=bind(following(port)),
            provider=bind(following(PROVIDER if port < PROVIDER else port + 1)),
            agency=bind(AGENCY),
        )
        if port_of(sockets.service) != port:
            self.say(f"port {port} is busy, taking {port_of(sockets.service)}")
        return sockets

    def _settings(self, sockets: Sockets) -> dict[str, object]:
        return {
            "base_url": sockets.base_url,
            "database_url": self.database_url,
            "data_folder": str(self.folder.keys.resolve()),
            "demo": True,
            "log_name": LOG_NAME,
            "oidc_issuer": sockets.issuer,
            "oidc_client_key": str(self.folder.keys.resolve() / "oidc-client.pem"),
            "timestamp_authorities": {time_stamps.NAME: sockets.issuer + time_stamps.PATH + "/"},
            "timestamp_roots": str(time_stamps.roots_file(self.folder, utc_now()).resolve()),
        }

    def _write_settings(self, sockets: Sockets) -> None:
        KeyFolder.open_or_create(self.folder.keys).private_key("oidc-client", "p256")
        self.folder.write(SETTINGS, self._settings(sockets))

    def _seed(self, runtime: Runtime, agency_port: int) -> None:
        with self._step("purposes and agencies"):
            seeding.register_purposes(runtime)
            seeding.register_agencies(runtime, self.folder)
        with self._step("people and their documents"):
            people = seeding.bring_in_people(runtime)
        with self._step("requests, consents and fetches"):
            day = FirstDay(runtime, self.folder, agency_port)
            for key, organisation in BY_LAW.items():
                day.fetch_by_law(people[key], organisation)
            for key, organisation in ANSWERED.items():
                if not day.has_asked(people[key], organisation):
                    day.answer(people[key], organisation)
            for key, waiting in WAITING.items():
                for organisation in waiting:
                    if not day.has_asked(people[key], organisation):
                        day.wait(people[key], organisation)
        self.folder.finish()

    def _serve(self, runtime: Runtime, sockets: Sockets, *, open_browser: bool) -> None:
        with self._step("application"):
            app, provider = create_app(runtime), self._provider(sockets)
            desk = create_agency_pages(self.folder, port_of(sockets.agency))
        started = time.monotonic()

        def on_started() -> None:
            self._done("servers", started)
            language = language_of_terminal()
            ticket = provider.state.issue_ticket
            lines = welcome(sockets.base_url, demo_people(), self.folder, ticket, language=language)
            self.say("\n".join(["", *lines]))
            if open_browser:
                webbrowser.open(f"{sockets.base_url}/{language}/")

        served = [(app, sockets.service), (provider, sockets.provider), (desk, sockets.agency)]
        serve(served, on_started=on_started)

    def _provider(self, sockets: Sockets) -> FastAPI:
        keys = KeyFolder.open_or_create(self.folder.keys)
        provider = create_demo_idp(
            demo_people(),
            issuer=sockets.issuer,
            client_id="consent-vault",
            client_jwks=public_jwks(keys.private_key("oidc-client", "p256")),
            redirect_uris=[sockets.base_url + CALLBACK],
            signing_key=keys.private_key("demo-provider", "p256"),
        )
        stamps = time_stamps.authority(self.folder, utc_now())
        provider.mount(time_stamps.PATH, create_demo_tsa(stamps, clock=utc_now))
        return provider

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._done(name, started)

    def _done(self, name: str, started: float) -> None:
        self.say(f"{name} … {time.monotonic() - started:.1f} s")


def demo_in(path: Path, *, database_url: str | None, say: Say) -> Demo:
    """The demo of this folder, on SQLite inside it unless another database is named."""
    folder = DemoFolder(path)
    return Demo(folder, database_url or folder.database_url, say)


def _free_port_for_programs() -> int:
    with bind(PROGRAM) as found:
        return port_of(found)
