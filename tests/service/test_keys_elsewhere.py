"""The whole service with its key-encryption keys in a token, or in a server of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from audit.key_errors import KeyProviderError
from audit.model import Kind
from service.app import create_app
from service.exchange import Call
from service.keys_fit import KeysDoNotFitError, check_keys_fit
from service.runtime import open_runtime
from tests.connectors.transit_server import TOKEN, Key, TransitServer, transit_server
from tests.service.office import Office, content, open_office
from tests.softhsm import PIN, SoftToken

Opening = Callable[..., Office]


@pytest.fixture
def opening(engine: Engine, tmp_path: Path) -> Iterator[Opening]:
    """Opens an office on each database in turn, with settings."""
    opened: list[Office] = []

    def open_with(**settings: Any) -> Office:
        url = engine.url.render_as_string(hide_password=False)
        opened.append(open_office(url, tmp_path, **settings))
        return opened[-1]

    yield open_with
    for office in opened:
        office.runtime.close()


@pytest.fixture
def server() -> Iterator[TransitServer]:
    with transit_server() as running:
        yield running


def of_server(server: TransitServer) -> dict[str, Any]:
    return {
        "key_provider": "transit",
        "transit_url": server.origin,
        "transit_token": TOKEN,
    }


def of_token(token: SoftToken) -> dict[str, Any]:
    return {
        "key_provider": "pkcs11",
        "pkcs11_module": token.module,
        "pkcs11_token": "vault of a test",
        "pkcs11_pin": PIN,
    }


def income(office: Office) -> Any:
    answer = content(office.fetch(office.tokens()["access_token"]))
    return answer["attributes"]["income.monthly_gross"]["value"]


def through_the_application(office: Office, call: Call) -> httpx2.Response:
    headers = [(key.decode(), value.decode()) for key, value in call.headers]
    base_url = office.runtime.settings.base_url
    app = create_app(office.runtime)
    with TestClient(app, base_url=base_url, raise_server_exceptions=False) as program:
        answer: httpx2.Response = program.request(call.method, call.path, headers=headers)
    return answer


def test_people_are_served_with_the_keys_in_a_token(opening: Opening, token: SoftToken) -> None:
    office = opening(**of_token(token))
    assert income(office) == 315_050
    assert not list(office.runtime.settings.data_folder.glob("kek-*"))
    assert office.runtime.key_provider.key_ids() == ("pkcs11:1",)


def test_people_are_served_with_the_keys_in_a_server(
    opening: Opening, server: TransitServer
) -> None:
    office = opening(**of_server(server))
    assert income(office) == 315_050
    assert list(server.keys) == ["consent-vault"]
    assert not list(office.runtime.settings.data_folder.glob("kek-*"))


def test_while_the_server_is_sealed_nothing_is_given_and_the_answer_says_so(
    opening: Opening, server: TransitServer
) -> None:
    office = opening(**of_server(server))
    access_token = office.tokens()["access_token"]
    before = len(office.events(Kind.DATA_RELEASED))
    server.failing = [503] * 100
    path = "/api/v1/data/income"
    call = office.program.get(path, access_token)
    answer = through_the_application(office, call)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/keys-unavailable"
    assert "315050" not in answer.text
    server.failing.clear()
    assert len(office.events(Kind.DATA_RELEASED)) == before
    assert income(office) == 315_050


def test_with_sealed_files_people_are_served_while_the_server_is_away(
    opening: Opening, server: TransitServer
) -> None:
    office = opening(**of_server(server) | {"key_provider": "sealed-by-transit"})
    asked = len(server.asked)
    server.failing = [503] * 100
    assert income(office) == 315_050
    assert len(server.asked) == asked


@pytest.mark.parametrize("fault", ["another server", "another key", "destroyed"])
def test_a_start_with_other_keys_in_the_server_is_refused(
    opening: Opening, server: TransitServer, fault: str
) -> None:
    office = opening(**of_server(server))
    settings = office.runtime.settings
    match fault:
        case "another server":
            server.keys["consent-vault"] = Key()
        case "another key":
            server.keys["other"] = Key()
            settings = settings.model_copy(update={"transit_key": "other"})
        case _:
            server.keys["consent-vault"].rotate()
            server.keys["consent-vault"].versions.pop(1)
    runtime = open_runtime(settings)
    try:
        with pytest.raises(KeysDoNotFitError, match="newest event") as refused:
            check_keys_fit(runtime.ledger)
    finally:
        runtime.close()
    assert "restore" in refused.value.repair
    assert ("transit:1" in refused.value.reason) == (fault == "destroyed")


def test_a_start_with_another_token_is_refused(opening: Opening, token: SoftToken) -> None:
    office = opening(**of_token(token))
    with token.by_hand() as session:
        for key in list(session.get_objects()):
            key.destroy()
    token.provider().add_key()
    runtime = open_runtime(office.runtime.settings)
    try:
        with pytest.raises(KeysDoNotFitError, match="newest event"):
            check_keys_fit(runtime.ledger)
    finally:
        runtime.close()


def test_a_token_that_was_lost_is_not_replaced_by_a_new_key(
    opening: Opening, token: SoftToken
) -> None:
    settings = opening(**of_token(token)).runtime.settings
    with token.by_hand() as session:
        for key in list(session.get_objects()):
            key.destroy()
    with pytest.raises(KeyProviderError, match="installation that has begun"):
        open_runtime(settings)
    assert token.objects() == 0
