"""Ten thousand malformed requests, made by schemathesis: no 5xx, no traceback, no odd media type.

They go to every operation there is, from nobody, from people with each role and from a program
with a valid token. The whole number takes minutes, so an ordinary run sends the first tenth of
it, always the same; CONSENT_VAULT_TEST_ALL_REQUESTS=1 sends all.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from starlette.testclient import TestClient

from audit.database import open_engine
from policies.vocabulary import Role
from service.access import TABLE
from service.app import LARGER, create_app
from tests.faults.installation import Citizen, Installation
from tests.faults.lives import Lives
from tests.faults.requests_of_openapi import (
    FORM,
    ISSUER,
    TOO_LARGE,
    Request,
    descriptions,
    requests_of,
)
from tests.schema import create_tables
from tests.service.house import FriendlyProvider
from tests.service.office import open_office

ALL = os.environ.get("CONSENT_VAULT_TEST_ALL_REQUESTS") == "1"
REQUESTS = 10_000
OPERATIONS = sorted(
    f"{rule.method} {rule.path.replace(':lang', '').replace(':path', '')}"
    for rule in TABLE
    if rule.path != "/openapi.json"
)
EACH = REQUESTS // len(OPERATIONS) + 1
"""Requests to each operation, so that all together are ten thousand."""
NOBODY, PROGRAM = "nobody", "program"
READS_NO_BODY = {
    "POST /{language}/sign-out": {303},
    "POST /api/v1/operator/acts/{number}/{decision}": {400, 401},
    "POST /api/v1/operator/clients/{client_id}/suspend": {202, 401, 409},
}
"""What never reads a body does not notice that one of no declared length is too large."""
CALLERS = (NOBODY, PROGRAM, *(str(role) for role in Role))


@dataclass
class Target:
    """The service in this process, with callers whom it knows."""

    installation: Installation
    app: FastAPI
    client: TestClient
    people: dict[str, Citizen]
    token: str
    real: dict[str, str]
    """Values that mean something here, by the names of parameters."""
    sent: int = 0

    def send(self, request: Request) -> httpx2.Response:
        headers, body = dict(request.headers), request.body
        if request.caller in self.people:
            headers = self.people[request.caller].headers | headers
        elif request.caller == PROGRAM:
            headers, body = self._as_program(request, headers, body)
        self.sent += 1
        return self.client.request(request.method, request.url, headers=headers, content=body)

    def _as_program(
        self, request: Request, headers: dict[str, str], body: bytes
    ) -> tuple[dict[str, str], bytes]:
        """With a token and its proof, or with the client's authentication in the form."""
        program, path = self.installation.on_time().program, urlsplit(request.url).path
        if request.method == "GET":
            proof = program.proof("GET", path, access_token=self.token)
            return {"authorization": f"DPoP {self.token}", "dpop": proof} | headers, body
        call = program.form(path, dict(parse_qsl(body.decode("utf-8", "replace"))))
        proof = dict(call.headers)[b"dpop"].decode()
        return {"dpop": proof, "content-type": FORM} | headers, call.body


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One service for all requests of a worker, on SQLite."""
    folder = tmp_path_factory.mktemp("malformed")
    url = f"sqlite:///{folder / 'vault.db'}"
    engine = open_engine(url)
    create_tables(engine)
    engine.dispose()
    office = open_office(url, folder)
    app = create_app(replace(office.runtime, identity_provider=FriendlyProvider()))
    installation = Installation(office, Lives(folder / "unused"))
    with TestClient(app, base_url=ISSUER, follow_redirects=False) as client:
        yield _target(installation, app, client)


def _target(installation: Installation, app: FastAPI, client: Any) -> Target:
    people = {str(role): installation.signed_in(role=role) for role in Role}
    person = people[str(Role.CITIZEN)]
    consent_id, tokens = installation.agreed(client, person)
    event = installation.fetch(client, tokens["access_token"]).headers["consent-vault-event"]
    waiting = person.open(client, installation.push(client))
    real = {
        "language": "en",
        "consent_id": str(waiting),
        "event_id": event,
        "dataset": "income",
        "done": str(consent_id),
        "form": person.question(client, waiting)["form"],
        "name": "0/000",
        "grant_type": "authorization_code",
        "response_type": "code",
        "token": tokens["access_token"],
        "refresh_token": tokens["refresh_token"],
        "client_id": "debt-counsel-1",
        "since": "2026-11-24",
        "kind": "data.released",
        "organisation": "debt-counsel",
        "return_to": "/en/consents",
    }
    return Target(installation, app, client, people, tokens["access_token"], real)


@pytest.fixture(scope="module")
def described(target: Target) -> dict[str, Any]:
    return descriptions(target.app)


def test_every_operation_is_tried(described: dict[str, Any]) -> None:
    assert sorted(described) == OPERATIONS


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_malformed_request_brings_the_service_out_of_step(
    target: Target, described: dict[str, Any], operation: str
) -> None:
    made = requests_of(described[operation], target.real, CALLERS)

    @settings(
        max_examples=EACH if ALL else EACH // 10,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(made)
    def send(request: Request) -> None:
        answer = target.send(request)
        _check(request, answer)
        _check_published(target.app.openapi(), request, answer)

    send()


def _check(request: Request, answer: httpx2.Response) -> None:
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    assert answer.status_code < 500, (request, answer.text)
    assert "Traceback" not in answer.text
    assert media_type in promised(request.operation, answer.status_code), (request, media_type)


def _check_published(openapi: dict[str, Any], request: Request, answer: httpx2.Response) -> None:
    """What the published description says of programs' operations is what they get."""
    method, _, path = request.operation.partition(" ")
    operation = openapi["paths"].get(path, {}).get(method.lower())
    if operation is not None:
        responses = operation["responses"]
        described = responses.get(str(answer.status_code)) or responses.get("4XX")
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        assert described is not None, (request, answer.status_code)
        assert media_type in {*described.get("content", ()), ""}, (request, media_type)


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.startswith("POST")])
def test_a_body_that_is_too_large_is_refused_in_the_form_of_its_path(
    target: Target, operation: str, declared: bool
) -> None:
    path = operation.partition(" ")[2].format_map(_Path(target.real))
    role = Role.OPERATOR if "/operator/" in operation else Role.AUDITOR
    body = TOO_LARGE * (1 + LARGER.get(path, 0) // len(TOO_LARGE))
    # Anew: one of the malformed requests before may have signed the others out.
    for caller in ({}, target.installation.signed_in(role=role).headers):
        headers = {"content-type": FORM, "sec-fetch-site": "same-origin"} | caller
        content = body if declared else iter([body[:40_000], body[40_000:]])
        answer = target.client.post(path, headers=headers, content=content)
        if operation in READS_NO_BODY and not declared:
            assert answer.status_code in READS_NO_BODY[operation]
            continue
        media_type = answer.headers["content-type"].partition(";")[0]
        assert answer.status_code in ({413} if caller or declared else {413, 401, 303})
        assert media_type in promised(operation, 413)
        assert "default-src" in answer.headers["content-security-policy"]


class _Path(dict[str, str]):
    """Values for the parameters of a path."""

    def __missing__(self, name: str) -> str:
        return str(self["consent_id"])


_MACHINES = ("/api/", "/audit/", "/.well-known/", "/healthz", "/readyz", "/metrics")
_OF_SUCCESS = {
    "/audit/checkpoint": {"text/plain"},
    "/audit/logs": {"application/json", "text/plain"},
    "/audit/logs/{log}/checkpoint": {"text/plain"},
    "/audit/logs/{log}/tile/{name}": {"application/octet-stream"},
    "/audit/proof/{event_id}": {"text/plain"},
    "/audit/tile/{name}": {"application/octet-stream"},
    "/metrics": {"text/plain"},
    "/{language}/data/copy.json": {"application/json"},
    "/{language}/data/copy.jsonld": {"application/ld+json"},
    "/{language}/data/copy.jws": {"application/jose"},
    "/{language}/log.csv": {"text/csv"},
    "/{language}/log.json": {"application/json"},
    "/{language}/log.tracker.json": {"application/json"},
    "/{language}/log/{event_id}/entry.txt": {"text/plain"},
    "/{language}/log/{event_id}/proof.json": {"application/json"},
    "/{language}/receipts/{receipt_id}/file": {"application/jose"},
    "/oauth/revoke": {"application/json", ""},
    "/static/{name}": {"text/css", "font/woff2", "image/svg+xml", "image/png", "image/x-icon"},
}


def promised(operation: str, status: int) -> set[str]:
    """The media types in which an operation may answer with a status."""
    path = operation.partition(" ")[2]
    if 300 <= status < 400:
        return {""}
    if status < 300 and path in _OF_SUCCESS:
        return _OF_SUCCESS[path]
    if path.startswith("/oauth/") and not path.startswith(("/oauth/authorize", "/oauth/return")):
        return {"application/json"}
    if path.startswith(_MACHINES):
        return {"application/json"} if status < 300 else {"application/problem+json"}
    return {"text/html"}
