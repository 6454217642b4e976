"""Canary values planted in every field: nowhere but before the person and in what she permitted.

The service is a real server process, so that whatever it prints is caught; people sign in by
OpenID Connect at the demo provider. On both databases.
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Engine

from audit.bundle import write_bundle
from audit.model import SYSTEM
from audit.unit_of_work import begin
from connectors.client_keys import public_jwks
from connectors.demo_data.people import DemoPerson, demo_person
from connectors.demo_idp.app import create_demo_idp
from policies.text import Text
from policies.vocabulary import Role
from service.doctor.examine import examine
from service.exchange import Call
from service.identity import CALLBACK
from service.roles import grant_role
from tests.connectors.loopback import free_socket, origin, serving
from tests.faults.broken import commit_fails, write_fails
from tests.faults.canary import (
    CODE,
    FAMILY,
    GIVEN,
    Search,
    canary_documents,
    canary_values,
    database,
)
from tests.faults.installation import Installation
from tests.faults.lives import Lives
from tests.faults.odd_requests import by_law, odd_but_right, wrong
from tests.faults.walk import Walk
from tests.service.house import form_of
from tests.service.office import DETAILS, ISSUER, PUSHED, Office, open_office
from vault.deposits import deposit
from vault.people import IDENTITY_SCHEME, enrol
from vault.providers.file import KeyFolder

LANGUAGES = ("fi", "sv", "en")
PAGES = ("", "requests", "consents", "receipts", "log", "by-law", "settings", "data?show=all")
DOWNLOADS = ("log.csv", "log.json", "log.tracker.json")
_MAY_SHOW = re.compile(rf"{re.escape(ISSUER)}/(fi|sv|en)/(data|requests/[0-9a-f-]{{36}})(\?.*)?")
CANARY = DemoPerson(
    key="somebody",
    given_names=GIVEN,
    family_name=FAMILY,
    identity_code=CODE,
    protected=False,
    roles=(Role.CITIZEN,),
    story=Text(fi="Ei ole.", sv="Finns inte.", en="Does not exist."),
)
AUDITOR = demo_person("auli")


@dataclass
class Scene:
    """The installation with the canary person, and what was said in it."""

    installation: Installation
    search: Search
    person: Walk
    said_before: int
    """Where the server's output began."""

    @property
    def office(self) -> Office:
        return self.installation.on_time()

    def send(self, call: Call, *, permitted: bool = False) -> httpx2.Response:
        """A program's request; its answer may hold canaries only where they are permitted."""
        answer = self.installation.send(self.person.client, call)
        where = f"{call.method} {call.path} {answer.status_code}"
        self.search.look("header", where, str(answer.headers.multi_items()))
        if permitted:
            assert answer.status_code == 200, answer.text
            assert self.search.in_text(answer.text)
        else:
            self.search.look("answer to a program", where, answer.content)
        return answer


@pytest.fixture
def scene(engine: Engine, tmp_path: Path, server_lives: Lives) -> Iterator[Scene]:
    """The canary person with all her data, her provider, the office; the server is up."""
    keys, bound = KeyFolder.open_or_create(tmp_path / "keys"), free_socket()
    client_key = keys.private_key("oidc-client", "p256")
    provider = create_demo_idp(
        [CANARY, AUDITOR],
        issuer=origin(bound),
        client_id="consent-vault",
        client_jwks=public_jwks(client_key),
        redirect_uris=[ISSUER + CALLBACK],
        signing_key=keys.private_key("demo-provider", "p256"),
    )
    url = engine.url.render_as_string(hide_password=False)
    office = open_office(
        url,
        tmp_path,
        demo=True,
        oidc_issuer=origin(bound),
        oidc_client_key=tmp_path / "keys" / "oidc-client.pem",
    )
    installation = Installation(office, server_lives)
    _move_in(installation)
    said_before = server_lives.errors.stat().st_size if server_lives.errors.exists() else 0
    installation.begin()
    with serving(provider, bound), installation.client() as client:
        values = canary_values(office.runtime.catalogue).values()
        yield Scene(installation, Search(values), Walk(client), said_before)
    installation.end()
    office.runtime.close()


def _move_in(installation: Installation) -> None:
    runtime, clock = installation.on_time().runtime, installation.office.clock
    with begin(runtime.ledger, actor=SYSTEM, now=clock()) as uow:
        person = enrol(uow, runtime.vault, scheme=IDENTITY_SCHEME, identifier=CODE)
        for document in canary_documents(runtime.catalogue):
            deposit(uow, runtime.vault, person, document)
        auditor = enrol(
            uow, runtime.vault, scheme=IDENTITY_SCHEME, identifier=AUDITOR.identity_code
        )
        grant_role(uow, auditor, Role.AUDITOR)
        grant_role(uow, auditor, Role.OPERATOR)
    installation.office.person = person


def test_no_canary_sings_where_it_must_not(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    _sign_in(scene.person, CANARY.key)
    _read_everything(scene)
    consent_id, tokens = _allow(scene)
    _fetch(scene, tokens)
    _ask_wrongly(scene, tokens, consent_id)
    _meet_errors(scene, tokens)
    _withdraw(scene, consent_id)
    scene.send(scene.office.program.get("/api/v1/data/income", tokens["access_token"]))
    with scene.installation.client() as client:
        auditor = Walk(client)
        _audit(scene, auditor)
    _look_at_walk(scene, scene.person)
    _look_at_walk(scene, auditor)
    _look_inside(scene)
    for record in caplog.records:
        if not record.name.startswith("httpx2"):  # our own requests, as they were planted
            scene.search.look("log", record.name, record.getMessage())
    assert scene.search.found == []
    # The search can find: she saw every value, and everything was looked at.
    assert set(scene.search.looked_at) == EVERYWHERE
    assert min(scene.search.looked_at.values()) > 0


EVERYWHERE = {
    "address",
    "answer to a program",
    "bundle",
    "database",
    "doctor",
    "event",
    "header",
    "log",
    "page",
    "title",
}


def _sign_in(walk: Walk, key: str) -> None:
    chooser = walk.get("/en/sign-in?loa=high")
    home = walk.get(chooser.link(f"person={key}&level=high"))
    assert home.url.startswith(ISSUER), home.url
    assert home.status == 200


def _read_everything(scene: Scene) -> None:
    for language in LANGUAGES:
        for page in (*PAGES, *DOWNLOADS):
            assert scene.person.get(f"/{language}/{page}").status == 200
        page = scene.person.get(f"/{language}/data?show=all").html
        for id_, value in canary_values(scene.office.runtime.catalogue).items():
            assert Search([value]).in_text(page), id_
        scene.person.get(f"/{language}/data")


def _push(scene: Scene) -> str:
    asked = PUSHED | {"authorization_details": json.dumps([DETAILS])}
    pushed = scene.send(scene.office.program.form("/oauth/par", asked)).json()
    return f"/oauth/authorize?client_id=debt-counsel-1&request_uri={pushed['request_uri']}"


def _allow(scene: Scene) -> tuple[str, dict[str, str]]:
    """Everything that is asked is given on the page; the consent's id and the tokens."""
    page = scene.person.get(_push(scene))
    consent_id = page.url.rpartition("/")[2]
    for language in LANGUAGES:
        for query in ("", "?show=all"):
            scene.person.get(f"/{language}/requests/{consent_id}{query}")
    page = scene.person.get(f"/en/requests/{consent_id}")
    action = f"/en/requests/{consent_id}"
    receipt = scene.person.post(action, form_of(page.html, action) | {"decision": "give"})
    assert "/receipts/" in receipt.url, receipt.url
    scene.person.get(f"{receipt.url}/file")
    back = scene.person.get(f"/oauth/return/{consent_id}").url
    code = str(httpx2.URL(back).params["code"])
    tokens: dict[str, str] = scene.send(scene.installation.redemption(code)).json()
    refreshed: dict[str, str] = scene.send(_refresh(scene, tokens["refresh_token"])).json()
    return consent_id, tokens | refreshed


def _refresh(scene: Scene, token: str) -> Call:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return scene.office.program.form("/oauth/token", form)


def _fetch(scene: Scene, tokens: dict[str, str]) -> None:
    """By consent and by law, and what programs may ask about tokens."""
    office, token = scene.office, tokens["access_token"]
    for dataset in ("income", "residence"):
        scene.send(office.program.get(f"/api/v1/data/{dataset}", token), permitted=True)
    scene.send(office.program.get("/api/v1/data", token))
    scene.send(office.program.form("/oauth/introspect", {"token": token}))
    found = scene.send(by_law(scene.office, CODE)).json()
    scene.send(office.authority.get("/api/v1/data/income", found["access_token"]), permitted=True)
    again = {"format": "opaque", "id": found["authorization_details"][0]["subject"]["id"]}
    assert scene.send(by_law(scene.office, again)).status_code == 200


def _ask_wrongly(scene: Scene, tokens: dict[str, str], consent_id: str) -> None:
    """Canaries in every odd place of a request; nobody repeats them."""
    office, token = scene.office, tokens["access_token"]
    for call in wrong(office, token):
        answer = scene.send(call)
        assert 400 <= answer.status_code < 500, (call, answer.text)
    for call in odd_but_right(office.program, token):
        assert scene.send(call).status_code in {200, 201, 403}
    _wrong_pages(scene.person, consent_id)


def _wrong_pages(walk: Walk, consent_id: str) -> None:
    action = f"/en/requests/{consent_id}"
    for fields in (
        {"form": CODE, "decision": GIVEN, "attribute": FAMILY},
        {"form": f"{GIVEN}.{FAMILY}", "decision": "give"},
    ):
        walk.post(action, fields)
        walk.post(f"/en/consents/{consent_id}/withdraw", fields)
        walk.post("/en/audit/export", fields)
    headers = {"accept-language": FAMILY, "user-agent": CODE, "referer": GIVEN}
    walk.get("/", headers)
    walk.get("/en/consents", headers | {"authorization": GIVEN})


def _meet_errors(scene: Scene, tokens: dict[str, str]) -> None:
    """Errors of ours while values are on their way: the database breaks under them."""
    engine, token = scene.office.runtime.ledger.engine, tokens["access_token"]
    waiting = scene.person.get(_push(scene)).url.removeprefix(ISSUER)
    form = form_of(scene.person.get(waiting).html, waiting) | {"decision": "give"}
    for broken in (write_fails("audit_event"), write_fails("audit_search"), commit_fails()):
        with broken.here(engine):
            calls = (
                scene.office.program.get("/api/v1/data/income", token),
                by_law(scene.office, CODE),
            )
            assert [scene.send(call).status_code for call in calls] == [500, 500]
            assert scene.person.get("/en/data?show=all").status == 500
            assert scene.person.post(waiting, form).status == 500
    assert "/receipts/" in scene.person.post(waiting, form | {"decision": "refuse"}).url


def _withdraw(scene: Scene, consent_id: str) -> None:
    action = f"/en/consents/{consent_id}/withdraw"
    page = scene.person.get("/en/consents")
    assert "done=" in scene.person.post(action, form_of(page.html, action)).url
    for page_name in ("log", "consents", "receipts"):
        scene.person.get(f"/fi/{page_name}")


def _audit(scene: Scene, auditor: Walk) -> None:
    """The auditor's and the operator's pages, the log for everybody, the doctor."""
    _sign_in(auditor, AUDITOR.key)
    for language in LANGUAGES:
        path = f"/{language}/audit"
        form = form_of(auditor.get(path).html, f"{path}#results") | {"reason": "complaint"}
        for fields in (
            {},
            {"kind": "data.released"},
            {"organisation": "debt-counsel"},
            {"result": "refused"},
        ):
            assert auditor.post(path, form | fields).status == 200
        sample = auditor.post(f"{path}/sample", form)
        drawn = form_of(sample.html, f"{path}/sample/file")
        for kind in ("json", "csv"):
            assert auditor.post(f"{path}/sample/file", drawn | {"format": kind}).status == 200
        auditor.get(f"/{language}/operator")
    form = form_of(auditor.get("/en/audit").html, "/en/audit/export")
    assert auditor.post("/en/audit/export", form).status == 200
    for path in ("/metrics", "/healthz", "/readyz", "/openapi.json", "/audit/checkpoint"):
        assert auditor.get(path).status == 200
    for finding in examine(scene.office.runtime.settings):
        scene.search.look("doctor", finding.check, f"{finding.found} {finding.repair}")


def _look_at_walk(scene: Scene, walk: Walk) -> None:
    for met in walk.met:
        path = met.url.removeprefix(ISSUER)
        scene.search.look("address", path, met.url)
        scene.search.look("header", path, met.headers)
        scene.search.look("title", path, met.title)
        of_provider = not met.url.startswith(ISSUER)
        permitted = walk is scene.person and _MAY_SHOW.fullmatch(met.url) and met.status == 200
        if not of_provider and not permitted:
            scene.search.look("page", f"{path} {met.status}", met.body)


def _look_inside(scene: Scene) -> None:
    runtime = scene.office.runtime
    for entry in scene.installation.events():
        scene.search.look("event", str(entry.kind), str(entry.fields))
    with runtime.ledger.read() as connection:
        bundle = write_bundle(connection, runtime.ledger, signers=runtime.log_signers)
    scene.search.look("bundle", "", bundle)
    for name, content in database(runtime.ledger.engine):
        scene.search.look("database", name, content)
    said = scene.installation.lives.errors.read_bytes()[scene.said_before :]
    assert b"unexpected" in said, "the errors of above were logged"
    scene.search.look("log", "of the server", said)
