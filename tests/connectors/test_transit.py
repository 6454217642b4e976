"""Vault's and OpenBao's transit engine, over HTTP, against a small server that speaks it."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from audit.key_errors import KeysUnavailableError
from connectors.bounded_http import InsecureUrlError
from connectors.transit import TransitKeys, UnsafeTransitKeyError
from connectors.transit_api import TransitApi
from tests.connectors.transit_server import NAMESPACE, TOKEN, Key, TransitServer, transit_server

PLAIN, BOUND = bytes(range(32)), b"bound to this"


@pytest.fixture(scope="module")
def running() -> Iterator[TransitServer]:
    with transit_server() as server:
        yield server


@pytest.fixture
def server(running: TransitServer) -> Iterator[TransitServer]:
    """The server with one key, and nothing wrong."""
    running.keys = {"vault": Key()}
    running.asked, running.failing, running.broken, running.saying = [], [], "", None
    running.mount, running.namespace, running.token = "transit", None, TOKEN
    yield running
    while _OPENED:
        _OPENED.pop().close()


_OPENED: list[TransitKeys] = []


def keys_of(
    server: TransitServer, name: str = "vault", *, token: Callable[[], str] = str, **given: Any
) -> TransitKeys:
    api = TransitApi(server.origin, lambda: token() or TOKEN, pause=0.001, **given)
    _OPENED.append(TransitKeys(api, name))
    return _OPENED[-1]


@pytest.fixture
def keys(server: TransitServer) -> TransitKeys:
    return keys_of(server)


def test_what_was_encrypted_is_decrypted(keys: TransitKeys) -> None:
    version, sealed = keys.encrypt(PLAIN, BOUND)
    assert version == 1
    assert len(sealed) == 12 + 32 + 16
    assert keys.decrypt(1, sealed, BOUND) == PLAIN


def test_the_newest_version_encrypts_and_all_of_them_decrypt(
    keys: TransitKeys, server: TransitServer
) -> None:
    _, sealed = keys.encrypt(PLAIN, BOUND)
    assert keys.rotate() == 2
    assert keys.versions() == (1, 2)
    assert keys.encrypt(PLAIN, BOUND)[0] == 2
    assert keys.decrypt(1, sealed, BOUND) == PLAIN


@pytest.mark.parametrize("fault", ["context", "version", "bit", "cut", "empty"])
def test_anything_else_is_not_decrypted(keys: TransitKeys, fault: str) -> None:
    _, sealed = keys.encrypt(PLAIN, BOUND)
    keys.rotate()
    asked = {
        "context": (1, sealed, b"another"),
        "version": (2, sealed, BOUND),
        "bit": (1, bytes([sealed[0] ^ 1]) + sealed[1:], BOUND),
        "cut": (1, sealed[:-1], BOUND),
        "empty": (1, b"", BOUND),
    }[fault]
    assert keys.decrypt(*asked) is None


def test_a_destroyed_version_is_trimmed_at_the_server(
    keys: TransitKeys, server: TransitServer
) -> None:
    _, sealed = keys.encrypt(PLAIN, BOUND)
    keys.rotate()
    keys.rotate()
    keys.destroy_through(2)
    assert keys.versions() == (3,)
    assert keys.decrypt(1, sealed, BOUND) is None
    assert list(server.keys["vault"].versions) == [3]


def test_destroying_goes_on_where_it_was_interrupted(
    keys: TransitKeys, server: TransitServer
) -> None:
    keys.rotate()
    server.keys["vault"].configure({"min_decryption_version": 2, "min_encryption_version": 2})
    assert keys.versions() == (2,)
    keys.destroy_through(1)
    assert list(server.keys["vault"].versions) == [2]


def test_a_key_that_is_not_there_has_no_versions_and_is_made_by_the_first_rotation(
    server: TransitServer,
) -> None:
    keys = keys_of(server, "new")
    assert keys.versions() == ()
    assert keys.rotate() == 1
    assert server.keys["new"].type == "aes256-gcm96"
    assert keys.decrypt(*keys.encrypt(PLAIN, BOUND), BOUND) == PLAIN


def test_a_key_that_is_left_is_deleted(keys: TransitKeys, server: TransitServer) -> None:
    keys.remove()
    assert server.keys == {}


@pytest.mark.parametrize(
    "fault",
    [
        {"exportable": True},
        {"allow_plaintext_backup": True},
        {"derived": True},
        {"type": "aes128-gcm96"},
        {"type": "rsa-4096"},
    ],
)
def test_a_key_that_could_leave_the_server_or_binds_nothing_is_refused(
    server: TransitServer, fault: dict[str, Any]
) -> None:
    server.keys["vault"] = Key(**fault)
    with pytest.raises(UnsafeTransitKeyError, match="CONSENT_VAULT_TRANSIT_KEY"):
        keys_of(server).versions()


def test_mount_and_namespace_go_with_every_call(server: TransitServer) -> None:
    server.mount, server.namespace = "secrets", NAMESPACE
    assert keys_of(server, mount="secrets", namespace=NAMESPACE).versions() == (1,)
    assert keys_of(server, mount="secrets").versions() == ()  # another namespace has no such key
    with pytest.raises(KeysUnavailableError, match="status 404"):
        keys_of(server, mount="secrets").encrypt(PLAIN, BOUND)


def test_the_token_is_asked_for_at_every_call(server: TransitServer) -> None:
    tokens = iter(["hvs.ended", TOKEN])
    keys = keys_of(server, token=lambda: next(tokens))
    with pytest.raises(KeysUnavailableError, match="token") as refused:
        keys.versions()
    assert "hvs.ended" not in str(refused.value)
    assert keys.versions() == (1,)


@pytest.mark.parametrize("status", [412, 429, 500, 502, 503, 504])
def test_a_failure_that_passes_is_waited_for(
    keys: TransitKeys, server: TransitServer, status: int
) -> None:
    server.failing = [status, status]
    assert keys.versions() == (1,)
    assert server.asked == ["GET keys/vault"] * 3


@pytest.mark.parametrize("status", [412, 429, 500, 502, 503, 504])
def test_a_failure_that_stays_is_told_after_three_tries(
    keys: TransitKeys, server: TransitServer, status: int
) -> None:
    server.failing = [status] * 9
    with pytest.raises(KeysUnavailableError, match=f"status {status}") as told:
        keys.encrypt(PLAIN, BOUND)
    assert len(server.asked) == 3
    assert TOKEN not in str(told.value)
    assert "out of order" not in str(told.value)


@pytest.mark.parametrize("status", [301, 307, 400, 403, 404, 405, 473])
def test_what_will_not_pass_is_told_at_once(
    keys: TransitKeys, server: TransitServer, status: int
) -> None:
    server.failing = [status]
    with pytest.raises(KeysUnavailableError, match=f"status {status}"):
        keys.encrypt(PLAIN, BOUND)
    assert len(server.asked) == 1


def test_a_rotation_is_asked_for_once_only(keys: TransitKeys, server: TransitServer) -> None:
    server.broken = "POST keys/vault/rotate"
    with pytest.raises(KeysUnavailableError, match="status 500"):
        keys.rotate()
    assert server.asked == ["GET keys/vault", "POST keys/vault/rotate"]


@pytest.mark.parametrize(
    "saying",
    [
        [],
        {},
        "text",
        {"data": []},
        {"data": None},
        {"data": {"ciphertext": "vault:v0:AAAA"}},
        {"data": {"ciphertext": "vault:v1:AAA"}},
        {"data": {"ciphertext": "other:v1:AAAA"}},
        {"data": {"ciphertext": 7}},
        {"data": {"plaintext": "?"}},
        {"data": {"plaintext": 7}},
        {"data": {"type": "aes256-gcm96"}},
        {"data": {"type": "aes256-gcm96", "keys": {}, "min_decryption_version": "1"}},
    ],
)
def test_an_answer_that_is_none_of_a_transit_engine_is_named(
    keys: TransitKeys, server: TransitServer, saying: object
) -> None:
    server.saying = saying
    with pytest.raises(KeysUnavailableError, match="none of a transit engine"):
        keys.encrypt(PLAIN, BOUND)
    with pytest.raises(KeysUnavailableError, match="none of a transit engine"):
        keys.decrypt(1, bytes(60), BOUND)
    with pytest.raises((KeysUnavailableError, UnsafeTransitKeyError)):
        keys.versions()


@pytest.mark.parametrize(
    "error", [httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ReadTimeout, httpx2.ReadError]
)
def test_a_service_that_does_not_answer_is_unavailable_after_three_tries(
    error: type[httpx2.TransportError],
) -> None:
    tries = 0

    def fail(request: httpx2.Request) -> httpx2.Response:
        nonlocal tries
        tries += 1
        raise error("CANARY", request=request)

    transport = httpx2.MockTransport(fail)
    api = TransitApi("https://bao.example", lambda: TOKEN, pause=0.0, transport=transport)
    with pytest.raises(KeysUnavailableError, match=error.__name__) as told:
        TransitKeys(api, "vault").encrypt(PLAIN, BOUND)
    assert tries == 3
    assert "CANARY" not in str(told.value)


def test_a_service_that_comes_back_between_two_tries_is_heard(server: TransitServer) -> None:
    tries = 0

    def at_last(request: httpx2.Request) -> httpx2.Response:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise httpx2.ConnectError("refused", request=request)
        return httpx2.Response(200, json={"data": server.keys["vault"].told()})

    transport = httpx2.MockTransport(at_last)
    api = TransitApi("https://bao.example", lambda: TOKEN, pause=0.0, transport=transport)
    assert TransitKeys(api, "vault").versions() == (1,)


def test_an_answer_that_is_no_json_is_named() -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, text="<html>"))
    api = TransitApi("https://bao.example", lambda: TOKEN, transport=transport)
    with pytest.raises(KeysUnavailableError, match="none of a transit engine"):
        TransitKeys(api, "vault").versions()


@pytest.mark.parametrize(
    "url", ["http://bao.example", "ftp://bao.example", "https://u:p@b.example"]
)
def test_an_address_that_is_not_encrypted_is_refused(url: str) -> None:
    with pytest.raises(InsecureUrlError):
        TransitApi(url, lambda: TOKEN)


def test_the_plain_key_is_in_the_body_and_the_token_in_its_header_alone() -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json={"data": {"ciphertext": "vault:v1:AAAA"}})

    transport = httpx2.MockTransport(answer)
    api = TransitApi("https://bao.example/", lambda: TOKEN, transport=transport)
    TransitKeys(api, "vault").encrypt(PLAIN, BOUND)
    assert str(asked[0].url) == "https://bao.example/v1/transit/encrypt/vault"
    assert asked[0].headers["x-vault-token"] == TOKEN
    assert asked[0].headers["x-vault-request"] == "true"
    assert "x-vault-namespace" not in asked[0].headers


def test_the_repr_hides_the_token(keys: TransitKeys) -> None:
    assert repr(keys) == "TransitKeys('vault')"
    assert repr(TransitApi("https://bao.example", lambda: TOKEN)) == "TransitApi(token hidden)"


def test_closed_keys_open_again_when_they_are_used(keys: TransitKeys) -> None:
    assert keys.versions() == (1,)
    keys.close()
    assert keys.versions() == (1,)


def test_keys_differ_from_name_to_name(server: TransitServer) -> None:
    server.keys["other"] = Key(versions={1: os.urandom(32)})
    version, sealed = keys_of(server).encrypt(PLAIN, BOUND)
    assert keys_of(server, "other").decrypt(version, sealed, BOUND) is None
