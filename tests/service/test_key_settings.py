"""Settings about keys: what each provider needs is there, and nothing secret is told."""

import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from service.key_settings import Keeper
from service.settings import Settings, SettingsError, load_settings

SECRETS = f"1:{b64encode(os.urandom(32)).decode()}"
TOKEN = {"pkcs11_module": Path("m.so"), "pkcs11_token": "vault", "pkcs11_pin": "CANARY"}
TRANSIT = {"transit_url": "https://bao.example:8200", "transit_token": "CANARY"}


def loaded(**given: Any) -> Settings:
    base = {"base_url": "https://vault.example.fi", "database_url": "sqlite:///vault.db"}
    return load_settings({}, **base, data_folder=Path("keys"), **given)


def test_the_keys_are_in_the_folder_unless_the_settings_say_otherwise() -> None:
    assert loaded().key_provider is Keeper.FILE
    assert loaded().key_provider_before is None


@pytest.mark.parametrize(
    ("keeper", "given"),
    [
        ("environment", {"key_secrets": SECRETS}),
        ("pkcs11", TOKEN),
        ("pkcs11", TOKEN | {"pkcs11_pin": None, "pkcs11_pin_file": Path("pin")}),
        ("transit", TRANSIT),
        ("sealed-by-pkcs11", TOKEN),
        ("sealed-by-transit", TRANSIT),
        ("transit", TRANSIT | {"transit_url": "http://127.0.0.1:8200"}),
        ("transit", TRANSIT | {"transit_mount": "a/b", "transit_namespace": "team/vault"}),
        ("transit", TRANSIT | {"transit_token": None, "transit_token_file": Path("token")}),
    ],
)
def test_each_provider_is_taken_with_what_it_needs(keeper: str, given: dict[str, Any]) -> None:
    assert loaded(key_provider=keeper, **given).key_provider == keeper
    other = {"key_provider": "transit"} | TRANSIT if keeper == "environment" else {}
    assert loaded(key_provider_before=keeper, **given | other).key_provider_before == keeper


@pytest.mark.parametrize("as_former", [False, True])
@pytest.mark.parametrize(
    ("keeper", "given", "variable"),
    [
        ("environment", {}, "KEY_SECRETS"),
        ("sealed-by-pkcs11", {}, "PKCS11_MODULE"),
        ("sealed-by-pkcs11", TOKEN | {"pkcs11_pin": None}, "PKCS11_PIN_FILE"),
        ("sealed-by-transit", {}, "TRANSIT_URL"),
        ("sealed-by-transit", TRANSIT | {"transit_token": None}, "TRANSIT_TOKEN_FILE"),
        ("pkcs11", {}, "PKCS11_MODULE"),
        ("pkcs11", TOKEN | {"pkcs11_token": None}, "PKCS11_TOKEN"),
        ("pkcs11", TOKEN | {"pkcs11_pin": None}, "PKCS11_PIN_FILE"),
        ("transit", {}, "TRANSIT_URL"),
        ("transit", TRANSIT | {"transit_token": None}, "TRANSIT_TOKEN_FILE"),
    ],
)
def test_what_a_provider_needs_is_named_when_it_is_not_there(
    keeper: str, given: dict[str, Any], variable: str, *, as_former: bool
) -> None:
    if as_former and keeper == "environment":
        given = given | {"key_provider": "transit"} | TRANSIT
    chosen = {"key_provider_before" if as_former else "key_provider": keeper}
    with pytest.raises(SettingsError) as refused:
        loaded(**chosen, **given)
    assert refused.value.variable == f"CONSENT_VAULT_{variable}"
    assert "needed" in refused.value.reason


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"key_provider": "hsm"}, "KEY_PROVIDER"),
        ({"key_provider_before": "file"}, "KEY_PROVIDER_BEFORE"),
        ({"key_provider_before": "environment", "key_secrets": SECRETS}, "KEY_PROVIDER_BEFORE"),
        (
            {"key_provider": "pkcs11", "key_provider_before": "sealed-by-pkcs11"} | TOKEN,
            "KEY_PROVIDER_BEFORE",
        ),
        (
            {"key_provider": "sealed-by-transit", "key_provider_before": "transit"} | TRANSIT,
            "KEY_PROVIDER_BEFORE",
        ),
        (
            {"key_provider": "sealed-by-transit", "key_provider_before": "sealed-by-pkcs11"}
            | TRANSIT
            | TOKEN,
            "KEY_PROVIDER_BEFORE",
        ),
        ({"key_secrets": "CANARY"}, "KEY_SECRETS"),
        ({"key_secrets": f"{SECRETS},CANARY"}, "KEY_SECRETS"),
        (TOKEN | {"pkcs11_pin_file": Path("pin")}, "PKCS11_PIN_FILE"),
        ({"pkcs11_key": ""}, "PKCS11_KEY"),
        ({"pkcs11_key": "two words"}, "PKCS11_KEY"),
        ({"pkcs11_key": "x" * 33}, "PKCS11_KEY"),
        ({"transit_url": "http://bao.example"}, "TRANSIT_URL"),
        ({"transit_url": "https://u:CANARY@bao.example"}, "TRANSIT_URL"),
        ({"transit_key": "../sys"}, "TRANSIT_KEY"),
        ({"transit_key": "a/b"}, "TRANSIT_KEY"),
        ({"transit_mount": "/transit"}, "TRANSIT_MOUNT"),
        ({"transit_mount": "a//b"}, "TRANSIT_MOUNT"),
        ({"transit_namespace": "team?x"}, "TRANSIT_NAMESPACE"),
        (TRANSIT | {"transit_token_file": Path("token")}, "TRANSIT_TOKEN_FILE"),
    ],
)
def test_what_cannot_be_used_is_named_and_never_shown(given: dict[str, Any], variable: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(**given)
    assert refused.value.variable == f"CONSENT_VAULT_{variable}"
    assert "CANARY" not in str(refused.value)


def test_secrets_do_not_show() -> None:
    shown = repr(loaded(key_secrets=SECRETS, **TOKEN, **TRANSIT))
    assert "CANARY" not in shown
    assert SECRETS not in shown
