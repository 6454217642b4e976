"""A client is given other keys: all of them at once, and nothing else of it changes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from audit.model import SYSTEM, Kind
from audit.unit_of_work import Ledger, begin
from consent.client_metadata import ClientMetadataError
from consent.clients import (
    ClientSuspendedError,
    UnknownClientError,
    await_keys,
    client,
    keys_digest,
    register_client,
    replace_keys,
    suspend_client,
)
from consent.model import Client, ClientStatus
from policies.ids import ClientId
from tests.consent.flow import NOW, catalogue, events, metadata, public_key

SIGNED = {"data_signed_response_alg": "ES256"}
SEALED = SIGNED | {
    "data_encrypted_response_alg": "ECDH-ES",
    "data_encrypted_response_enc": "A256GCM",
}


def enc_key(kid: str) -> dict[str, Any]:
    own = {name: public_key(kid)[name] for name in ("kty", "crv", "x", "y")}
    return {**own, "kid": kid, "alg": "ECDH-ES", "use": "enc"}


def registered(ledger: Ledger, **members: object) -> Client:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return register_client(uow, metadata(**members), catalogue())


def rekeyed(ledger: Ledger, client_id: ClientId, *keys: object) -> Client:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return replace_keys(uow, client_id, {"keys": list(keys)})


def stands(ledger: Ledger, client_id: ClientId) -> Client | None:
    with ledger.read() as connection:
        return client(connection, client_id)


def test_the_new_keys_take_the_place_of_all_others(ledger: Ledger) -> None:
    before = registered(ledger)
    changed = rekeyed(ledger, before.id, public_key("key-2"), public_key("key-3"))
    assert changed == replace(before, jwks=(public_key("key-2"), public_key("key-3")))
    assert stands(ledger, before.id) == changed


def test_it_is_recorded_with_a_digest_of_all_keys(ledger: Ledger) -> None:
    changed = rekeyed(ledger, registered(ledger).id, public_key("key-2"))
    (happened,) = events(ledger, Kind.CLIENT_KEYS_REPLACED)
    assert happened.get("client") == changed.id
    assert happened.get("digest") == keys_digest(changed)


@pytest.mark.parametrize(
    ("wishes", "keys"),
    [({}, ()), (SIGNED, ()), (SEALED, (enc_key("enc-2"),))],
    ids=["plain", "signed", "encrypted"],
)
def test_how_its_answers_are_sealed_stays(
    ledger: Ledger, wishes: dict[str, object], keys: tuple[dict[str, Any], ...]
) -> None:
    jwks = {"keys": [public_key(), *(enc_key("enc-1") for _ in keys)]}
    before = registered(ledger, **wishes, jwks=jwks)
    changed = rekeyed(ledger, before.id, public_key("key-2"), *keys)
    assert (changed.answer_seal is None) is (before.answer_seal is None)
    if changed.answer_seal is not None:
        assert changed.answer_seal.encryption_key == (keys[0] if keys else None)
    assert stands(ledger, before.id) == changed


def test_another_encryption_key_is_another_digest(ledger: Ledger) -> None:
    jwks = {"keys": [public_key(), enc_key("enc-1")]}
    before = registered(ledger, **SEALED, jwks=jwks)
    changed = rekeyed(ledger, before.id, public_key(), enc_key("enc-2"))
    assert changed.jwks == before.jwks
    assert keys_digest(changed) != keys_digest(before)


@pytest.mark.parametrize(
    ("wishes", "keys", "member"),
    [
        ({}, (), "jwks"),
        ({}, (enc_key("enc-1"),), "jwks"),
        ({}, (public_key(), enc_key("enc-1")), "data_encrypted_response_alg"),
        (SIGNED, (public_key(), enc_key("enc-1")), "data_encrypted_response_alg"),
        (SEALED, (public_key(),), "jwks"),
        ({}, (public_key(), public_key()), "jwks"),
        ({}, (public_key() | {"d": "x"},), "jwks"),
    ],
)
def test_keys_that_do_not_fit_are_refused_and_the_old_ones_stay(
    ledger: Ledger, wishes: dict[str, object], keys: tuple[dict[str, Any], ...], member: str
) -> None:
    sealed = [enc_key("enc-0")] if wishes is SEALED else []
    before = registered(ledger, **wishes, jwks={"keys": [public_key(), *sealed]})
    with pytest.raises(ClientMetadataError) as refused:
        rekeyed(ledger, before.id, *keys)
    assert refused.value.member == member
    assert stands(ledger, before.id) == before
    assert events(ledger, Kind.CLIENT_KEYS_REPLACED) == []


@pytest.mark.parametrize("jwks", [None, [], {}, {"keys": "x"}, {"keys": [], "more": 1}])
def test_what_is_no_set_of_keys_is_refused(ledger: Ledger, jwks: object) -> None:
    before = registered(ledger)
    with (
        begin(ledger, actor=SYSTEM, now=NOW) as uow,
        pytest.raises(ClientMetadataError, match="jwks"),
    ):
        replace_keys(uow, before.id, jwks)


def test_a_suspended_client_stays_suspended(ledger: Ledger) -> None:
    before = registered(ledger)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        suspend_client(uow, before.id)
    assert rekeyed(ledger, before.id, public_key("key-2")).status is ClientStatus.SUSPENDED


def test_one_that_waits_for_its_keys_works_with_them(ledger: Ledger) -> None:
    before = registered(ledger)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        assert await_keys(uow, before.id).status is ClientStatus.AWAITING_KEYS
    assert rekeyed(ledger, before.id, public_key("key-2")).status is ClientStatus.ACTIVE


@pytest.mark.parametrize("do", [await_keys, suspend_client])
def test_a_suspended_client_waits_for_nothing(ledger: Ledger, do: Callable[..., object]) -> None:
    before = registered(ledger)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        suspend_client(uow, before.id)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow, pytest.raises(ClientSuspendedError):
        do(uow, before.id)


def test_nobody_is_given_keys_or_waits_for_them(ledger: Ledger) -> None:
    with pytest.raises(UnknownClientError):
        rekeyed(ledger, ClientId("nobody"), public_key())
    with begin(ledger, actor=SYSTEM, now=NOW) as uow, pytest.raises(UnknownClientError):
        await_keys(uow, ClientId("nobody"))
