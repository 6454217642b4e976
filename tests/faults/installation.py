"""One installation on a real server: an office's program and a citizen's browser in front of it.

The database is opened in this process too, to begin with something and to read the log; everything
that a test tries goes over HTTP.
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from signal import Signals
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import httpx2

from audit.model import SYSTEM, Actor, Entry, Kind
from audit.reader import search
from audit.unit_of_work import begin
from consent.model import Consent
from consent.purposes import register_purpose
from consent.reading import consent
from policies.ids import ConsentId, PersonId, PurposeId
from policies.vocabulary import Language, LevelOfAssurance, Role
from service.exchange import Call
from service.model import Limits
from service.roles import grant_role
from service.sessions import SignedIn, hash_token, new_token, start
from tests.consent.flow import REDIRECT, VERIFIER
from tests.faults.lives import Lives
from tests.service.house import form_of
from tests.service.office import BY_LAW, DETAILS, ISSUER, PUSHED, Office
from vault.people import enrol

GROSS = "315050"
"""The person's income, as it must stand in no answer but one that may have it."""
_NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here speaks TLS, and to read the machine's authorities for each client takes long."""


@dataclass(slots=True)
class Installation:
    """The office, and the servers on its database."""

    office: Office
    lives: Lives
    address: str = ""

    def begin(self) -> None:
        """Start a server."""
        settings = self.office.runtime.settings.model_dump(mode="json", exclude_defaults=True)
        self.address = self.lives.begin(settings)

    def end(self, how: Signals = Signals.SIGKILL) -> int:
        return self.lives.end(how)

    def client(self) -> httpx2.Client:
        """A client of our own servers; each thread needs one."""
        return httpx2.Client(base_url=self.address, timeout=60, verify=_NO_AUTHORITIES)

    def on_time(self) -> Office:
        """The office with its clock set, since the servers go by the machine's."""
        self.office.clock.at = datetime.now(UTC)
        return self.office

    def allow_many_fetches(self) -> None:
        """A version of the office's purpose in force that sets no number of fetches."""
        runtime = self.on_time().runtime
        declared = runtime.catalogue.purpose(PurposeId("debt-advice"))
        without = replace(declared, version=declared.version + 1, max_uses=None)
        with begin(runtime.ledger, actor=SYSTEM, now=self.office.clock()) as uow:
            register_purpose(uow, without, runtime.catalogue)

    def somebody(self, name: object) -> PersonId:
        """One of several other people."""
        office, identifier = self.on_time(), f"somebody-{name}"
        with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
            return enrol(
                uow, office.runtime.vault, scheme="urn:example:test", identifier=identifier
            )

    def signed_in(self, person: PersonId | None = None, *, role: Role = Role.CITIZEN) -> "Citizen":
        """The office's person, or somebody, with a fresh session in the browser."""
        office = self.on_time()
        who = person or office.person
        if role is not Role.CITIZEN:
            who = self.somebody(role)
            with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
                grant_role(uow, who, role)
        signed_in = SignedIn(
            person=who,
            loa=LevelOfAssurance.HIGH,
            auth_time=office.clock(),
            language=Language.EN,
            browser_hash=hash_token(new_token()),
        )
        limits = Limits.from_settings(office.runtime.settings)
        with begin(office.runtime.ledger, actor=Actor.person(who), now=office.clock()) as uow:
            _, value = start(uow, signed_in, limits)
        headers = {"cookie": f"__Host-session={value}", "origin": ISSUER}
        return Citizen(headers | {"sec-fetch-site": "same-origin"})

    def send(self, client: httpx2.Client, call: Call) -> httpx2.Response:
        """What the office's program says, over HTTP."""
        headers = [(name.decode(), value.decode()) for name, value in call.headers]
        return client.request(call.method, call.path, headers=headers, content=call.body)

    def push(self, client: httpx2.Client, **details: object) -> str:
        """A pushed request for debt advice; the address for it."""
        asked = PUSHED | {"authorization_details": json.dumps([DETAILS | details])}
        answer = self.send(client, self.on_time().program.form("/oauth/par", asked))
        assert answer.status_code == 201, answer.text
        request_uri: str = answer.json()["request_uri"]
        return request_uri

    def redeem(self, client: httpx2.Client, code: str) -> httpx2.Response:
        return self.send(client, self.redemption(code))

    def redemption(self, code: str) -> Call:
        """The program's request for a token, not sent yet."""
        parameters = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
        }
        return self.on_time().program.form("/oauth/token", parameters)

    def by_law(self) -> Call:
        """The authority's request for a token on the ground of the law, not sent yet."""
        parameters = {
            "grant_type": "client_credentials",
            "authorization_details": json.dumps([BY_LAW]),
        }
        return self.on_time().authority.form("/oauth/token", parameters)

    def agreed(
        self, client: httpx2.Client, citizen: "Citizen", **details: object
    ) -> tuple[ConsentId, dict[str, Any]]:
        """A consent that the person gives on the page, and the tokens for it."""
        consent_id = citizen.open(client, self.push(client, **details))
        citizen.answer(client, consent_id, "give")
        answer = self.redeem(client, citizen.code(client, consent_id))
        assert answer.status_code == 200, answer.text
        return consent_id, answer.json()

    def fetch(self, client: httpx2.Client, token: str, dataset: str = "income") -> httpx2.Response:
        return self.send(client, self.on_time().program.get(f"/api/v1/data/{dataset}", token))

    def consent(self, consent_id: ConsentId) -> Consent:
        with self.office.runtime.ledger.read() as connection:
            found = consent(connection, consent_id)
        assert found is not None
        return found

    def events(self, kind: Kind | None = None) -> list[Entry]:
        """The whole log in its order, or what it says of one kind."""
        ledger, found, before = self.office.runtime.ledger, list[Entry](), None
        with ledger.read() as connection:
            while page := search(connection, ledger, kind=kind, before=before, limit=100):
                found += page
                before = page[-1].number
        return sorted(found, key=lambda each: each.number)


@dataclass(slots=True)
class Citizen:
    """A signed-in browser."""

    headers: dict[str, str] = field(repr=False)

    def get(self, client: httpx2.Client, path: str) -> httpx2.Response:
        return client.get(path, headers=self.headers)

    def post(
        self, client: httpx2.Client, path: str, fields: Mapping[str, object]
    ) -> httpx2.Response:
        return client.post(path, data=fields, headers=self.headers)

    def form(self, client: httpx2.Client, page: str, action: str) -> dict[str, str]:
        """The hidden fields of a form on one of our pages."""
        answer = self.get(client, page)
        assert answer.status_code == 200, answer.status_code
        return form_of(answer.text, action)

    def open(self, client: httpx2.Client, request_uri: str) -> ConsentId:
        """Come with an agency's request; the request that waits then."""
        answer = self.authorize(client, request_uri)
        assert answer.status_code == 303, answer.status_code
        return ConsentId(UUID(answer.headers["location"].rpartition("/")[2]))

    def authorize(self, client: httpx2.Client, request_uri: str) -> httpx2.Response:
        query = urlencode({"client_id": "debt-counsel-1", "request_uri": request_uri})
        return self.get(client, f"/oauth/authorize?{query}")

    def question(self, client: httpx2.Client, consent_id: ConsentId) -> dict[str, str]:
        """The form of the page that asks."""
        page = f"/en/requests/{consent_id}"
        return self.form(client, page, page)

    def answer(self, client: httpx2.Client, consent_id: ConsentId, decision: str) -> str:
        """Give or refuse; the address of the receipt."""
        fields = self.question(client, consent_id) | {"decision": decision}
        answer = self.post(client, f"/en/requests/{consent_id}", fields)
        assert answer.status_code == 303, answer.status_code
        return str(answer.headers["location"])

    def code(self, client: httpx2.Client, consent_id: ConsentId) -> str:
        """Go back to the agency; the code that it gets."""
        answer = self.get(client, f"/oauth/return/{consent_id}")
        assert answer.status_code == 303, answer.status_code
        return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]

    def withdrawal(self, client: httpx2.Client, consent_id: ConsentId) -> dict[str, str]:
        """The form that withdraws."""
        return self.form(client, "/en/consents", f"/en/consents/{consent_id}/withdraw")

    def withdraw(
        self, client: httpx2.Client, consent_id: ConsentId, fields: Mapping[str, object]
    ) -> httpx2.Response:
        return self.post(client, f"/en/consents/{consent_id}/withdraw", fields)
