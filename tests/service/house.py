"""The whole service on an empty database, with people, data and requests to start from.

The identity provider is a small one that signs in whoever the test names. Everything else is
real. The people are invented, their identity codes artificial.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from fastapi import FastAPI
from starlette.testclient import TestClient

from audit.model import SYSTEM, Actor
from audit.unit_of_work import begin
from connectors.ports import IDENTITY_CODE_SCHEME, IdentityAssertion, LoginStart
from connectors.sign_in_errors import SignInError, StateMismatchError
from consent.authorization_details import AuthorizationDetails
from consent.clients import register_client
from consent.model import Client
from consent.purposes import register_purpose
from consent.pushed import PushedRequest, open_request, push
from policies.facts import Document, Fact, Value
from policies.ids import AttributeId, ConsentId, PersonId, PurposeId, SessionId, new_uuid
from policies.vocabulary import AuthorityRank, Label, Language, LevelOfAssurance, Role
from service.app import create_app
from service.roles import grant_role
from service.runtime import Runtime, open_runtime
from service.settings import Settings
from tests.consent.flow import challenge, metadata
from tests.schema import create_tables
from vault.deposits import deposit
from vault.people import enrol

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BASE_URL = "https://vault.example.fi"
AINO = "010199-9012"
VILLE = "150688-9551"

VALUES: Mapping[str, Value] = {
    "person.given_names": "Aino Maria",
    "person.family_name": "Esimerkki",
    "income.monthly_gross": 315_050,
    "income.employer": "Esimerkkitila Oy",
    "income.last_payment_date": "2026-10-31",
    "income.benefit_monthly": 42_000,
    "income.yearly_total": 2_801_234,
    "residence.street_address": "Esimerkkikatu 1 A 2",
    "residence.postal_code": "00100",
    "residence.city": "Esimerkkilä",
    "residence.household_size": 3,
    "glucose.latest_value": 64,
    "glucose.latest_time": "2026-11-20T05:30:00Z",
    "glucose.mean_30_days": 71,
    "glucose.measurement_count": 88,
}


class Clock:
    """The time of the test, moved by hand."""

    def __init__(self, now: datetime = NOW) -> None:
        self.at = now

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **length: float) -> None:
        self.at += timedelta(**length)


class FriendlyProvider:
    """Signs in whom the test names; satisfies `connectors.ports.IdentityProvider`."""

    def __init__(self) -> None:
        self.identifier = AINO
        self.loa = LevelOfAssurance.HIGH
        self.failure: SignInError | None = None
        self.hints: list[str | None] = []
        self.authorize = "https://idp.example/authorize"

    def begin(
        self,
        *,
        language: Language,
        loa: LevelOfAssurance,  # noqa: ARG002  # part of the port
        now: datetime,  # noqa: ARG002
        login_hint: str | None = None,
    ) -> LoginStart:
        self.hints.append(login_hint)
        state = str(new_uuid())
        url = f"{self.authorize}?code=code&state={state}&ui_locales={language}"
        return LoginStart(url=url, state=state, nonce="nonce", verifier="verifier")

    def finish(
        self,
        answer: Mapping[str, str],
        start: LoginStart,
        *,
        loa: LevelOfAssurance,  # noqa: ARG002  # part of the port
        now: datetime,
    ) -> IdentityAssertion:
        if self.failure is not None:
            raise self.failure
        if answer.get("state") != start.state:
            raise StateMismatchError
        return IdentityAssertion(
            subject_ids=((IDENTITY_CODE_SCHEME, self.identifier),),
            name="Nobody",
            loa=self.loa,
            auth_time=now,
            issuer="https://idp.example",
            method="test",
            protected=False,
        )


@dataclass
class House:
    """The service with its parts in reach."""

    runtime: Runtime
    app: FastAPI
    clock: Clock
    provider: FriendlyProvider
    clients: dict[PurposeId, Client]

    def visitor(self) -> TestClient:
        """A browser that nobody has signed in with."""
        return TestClient(
            self.app,
            base_url=self.runtime.settings.base_url,
            follow_redirects=False,
            headers={"Sec-Fetch-Site": "same-origin"},
        )

    def signed_in(
        self,
        identifier: str = AINO,
        *,
        loa: LevelOfAssurance = LevelOfAssurance.HIGH,
        role: Role | None = None,
        language: str = "en",
    ) -> TestClient:
        """A browser in which this person is signed in."""
        self.provider.identifier, self.provider.loa = identifier, loa
        if role is not None:
            with begin(self.runtime.ledger, actor=SYSTEM, now=self.clock()) as uow:
                person = enrol(
                    uow, self.runtime.vault, scheme=IDENTITY_CODE_SCHEME, identifier=identifier
                )
                grant_role(uow, person, role)
        browser = self.visitor()
        sign_in(browser, f"/{language}/sign-in")
        return browser

    def person(self, identifier: str = AINO) -> PersonId:
        with begin(self.runtime.ledger, actor=SYSTEM, now=self.clock()) as uow:
            return enrol(
                uow, self.runtime.vault, scheme=IDENTITY_CODE_SCHEME, identifier=identifier
            )

    def deposit(
        self, person: PersonId, values: Mapping[str, Value] = VALUES, *, protected: bool = False
    ) -> None:
        """What registers state about the person, four days ago."""
        for dataset in self.runtime.catalogue.datasets.values():
            facts = [
                self._fact(attribute, values[attribute], protected=protected)
                for attribute in dataset.attributes
                if attribute in values
            ]
            if facts:
                document = Document(dataset.id, dataset.source, tuple(facts), digest(facts))
                with begin(self.runtime.ledger, actor=SYSTEM, now=self.clock()) as uow:
                    deposit(uow, self.runtime.vault, person, document)

    def request(
        self, person: PersonId, purpose: str, attributes: tuple[str, ...] | None = None
    ) -> ConsentId:
        """A request of that purpose that waits for the person's answer."""
        declaration = self.runtime.catalogue.purpose(PurposeId(purpose))
        wanted = attributes or tuple(each.id for each in declaration.attributes)
        client = self.clients[declaration.id]
        parameters = PushedRequest(
            client=client.id,
            redirect_uri=client.redirect_uris[0],
            state="state-1",
            nonce=None,
            code_challenge=challenge(),
            dpop_jkt=None,
            details=AuthorizationDetails(
                purpose=declaration.id,
                attributes=tuple(AttributeId(each) for each in wanted),
                case="2026/17",
            ),
        )
        with begin(self.runtime.ledger, actor=Actor.client(client.id), now=self.clock()) as uow:
            uri = push(uow, client, parameters)
        with begin(self.runtime.ledger, actor=Actor.person(person), now=self.clock()) as uow:
            return open_request(uow, uri, person, SessionId(new_uuid())).id

    def _fact(self, attribute: AttributeId, value: Value, *, protected: bool) -> Fact:
        known = self.runtime.catalogue.attribute(attribute)
        source = self.runtime.catalogue.dataset_of(attribute).source
        marked = known.contact and protected
        return Fact(
            attribute=attribute,
            value=value,
            source=source,
            authority=AuthorityRank.AUTHORITATIVE_REGISTER,
            observed_at=self.clock() - timedelta(days=4),
            labels=known.labels | ({Label.PROTECTED} if marked else frozenset()),
        )


def digest(facts: list[Fact]) -> bytes:
    """A digest for a document that was never written."""

    return hashlib.sha256(repr([(f.attribute, f.value) for f in facts]).encode()).digest()


def open_house(folder: Path, *, base_url: str = BASE_URL, demo: bool = False) -> House:
    """The service on SQLite in the folder, every purpose in force, one client for each."""
    clock, provider = Clock(), FriendlyProvider()
    settings = Settings(
        base_url=base_url,
        database_url=f"sqlite:///{folder / 'vault.db'}",
        data_folder=folder / "keys",
        demo=demo,
    )
    runtime = replace(open_runtime(settings, clock=clock), identity_provider=provider)
    create_tables(runtime.ledger.engine)
    clients = {}
    for declaration in runtime.catalogue.purposes.values():
        with begin(runtime.ledger, actor=SYSTEM, now=clock()) as uow:
            register_purpose(uow, declaration, runtime.catalogue)
            clients[declaration.id] = register_client(
                uow,
                metadata(
                    client_id=f"client-{declaration.id}", organisation=declaration.organisation
                ),
                runtime.catalogue,
            )
    return House(runtime, create_app(runtime), clock, provider, clients)


def sign_in(browser: TestClient, path: str = "/en/sign-in") -> str:
    """Go through the sign-in and give the address where it ends."""
    to_provider = browser.get(path)
    state = parse_qs(urlsplit(to_provider.headers["location"]).query)["state"][0]
    back = browser.get(f"/sign-in/callback?code=code&state={state}")
    assert back.status_code == 303, back.text
    location: str = back.headers["location"]
    return location


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((named.get("action", ""), {}))
        elif tag == "input" and named.get("type") == "hidden":
            self.forms[-1][1][named["name"]] = named["value"]


def form_of(html: str, action: str) -> dict[str, str]:
    """The hidden fields of the form on the page that goes to this address."""
    parser = _Forms()
    parser.feed(html)
    return next(fields for address, fields in parser.forms if address == action)


def words_of(html: str) -> str:
    """The text of a page, without tags and with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()
