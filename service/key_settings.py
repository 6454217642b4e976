"""Settings that say who holds the key-encryption keys, and how it is reached.

A secret is given in the environment, or better in a file that only the service's user may read.
"""

from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from connectors.bounded_http import InsecureUrlError, check_url
from connectors.transit import NAME
from connectors.transit_api import PATH
from vault.providers.environment import parse_secrets


class Keeper(StrEnum):
    """Who holds the key-encryption keys."""

    FILE = "file"
    """The folder of the keys."""
    ENVIRONMENT = "environment"
    """A secret that the process is given."""
    PKCS11 = "pkcs11"
    """A PKCS#11 token."""
    TRANSIT = "transit"
    """The transit engine of a Vault or OpenBao server."""
    SEALED_BY_PKCS11 = "sealed-by-pkcs11"
    """Files in the folder of the keys that a token has sealed, and opens at the start."""
    SEALED_BY_TRANSIT = "sealed-by-transit"
    """The same with a Vault or OpenBao server."""


_TOKEN = frozenset({Keeper.PKCS11, Keeper.SEALED_BY_PKCS11})
_SERVER = frozenset({Keeper.TRANSIT, Keeper.SEALED_BY_TRANSIT})
_SEALED = frozenset({Keeper.SEALED_BY_PKCS11, Keeper.SEALED_BY_TRANSIT})
_APART: dict[frozenset[Keeper | None], str] = {
    frozenset({Keeper.FILE, Keeper.ENVIRONMENT}): "copy the keys with their numbers",
    _TOKEN: "move by way of another provider, since both use the same keys",
    _SERVER: "move by way of another provider, since both use the same keys",
    _SEALED: "move by way of another provider, since both use the same files",
}
"""Which two cannot be before and after, and what is done instead."""
_NEEDED = {
    "key_secrets": frozenset({Keeper.ENVIRONMENT}),
    "pkcs11_module": _TOKEN,
    "pkcs11_token": _TOKEN,
    "transit_url": _SERVER,
}
_EITHER = {
    "pkcs11_pin_file": ("pkcs11_pin", _TOKEN),
    "transit_token_file": ("transit_token", _SERVER),
}
"""Given one way or the other, where the provider is used."""


class KeySettings(BaseSettings):
    """The part of the settings about key-encryption keys."""

    key_provider: Keeper = Keeper.FILE
    """Who holds the key-encryption keys."""
    key_provider_before: Keeper | None = None
    """Who held them before: what is wrapped there opens until nothing is."""
    key_secrets: SecretStr | None = Field(default=None, validate_default=True)
    """`1:<32 bytes in base64>`, several joined by commas; for the provider `environment`."""
    pkcs11_module: Path | None = Field(default=None, validate_default=True)
    """The module that came with the token."""
    pkcs11_token: str | None = Field(default=None, validate_default=True)
    """The token's label."""
    pkcs11_pin: SecretStr | None = None
    pkcs11_pin_file: Path | None = Field(default=None, validate_default=True)
    """File with the PIN of the token's user."""
    pkcs11_key: str = Field(default="consent-vault", pattern=r"^[A-Za-z0-9._-]{1,32}$")
    """The label of our keys in the token."""
    transit_url: str | None = Field(default=None, validate_default=True)
    """Address of the server, for example `https://bao.example.fi:8200`."""
    transit_key: str = "consent-vault"
    """Name of the key there."""
    transit_mount: str = "transit"
    """Where the engine is mounted."""
    transit_namespace: str | None = None
    transit_token: SecretStr | None = None
    transit_token_file: Path | None = Field(default=None, validate_default=True)
    """File with the token; it is read at every call, so it may be renewed in place."""

    @field_validator("key_provider_before")
    @classmethod
    def _is_another(cls, value: Keeper | None, info: ValidationInfo) -> Keeper | None:
        current = info.data.get("key_provider")
        if value is not None and value == current:
            raise ValueError("must be another one than CONSENT_VAULT_KEY_PROVIDER")
        instead = _APART.get(frozenset({value, current}))
        if instead is not None:
            raise ValueError(f"is not for {current} and {value}: {instead}")
        return value

    @field_validator(*_NEEDED)
    @classmethod
    def _is_there(cls, value: Any, info: ValidationInfo) -> Any:
        needing = _NEEDED[str(info.field_name)] & _used(info)
        if value is None and needing:
            raise ValueError(f"is needed by the key provider {min(needing)}")
        return value

    @field_validator(*_EITHER)
    @classmethod
    def _is_there_one_way(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        other, needed_by = _EITHER[str(info.field_name)]
        in_environment = info.data.get(other) is not None
        if value is not None and in_environment:
            raise ValueError(f"must not be set together with CONSENT_VAULT_{other.upper()}")
        if value is None and not in_environment and needed_by & _used(info):
            raise ValueError(f"or CONSENT_VAULT_{other.upper()} is needed")
        return value

    @field_validator("key_secrets")
    @classmethod
    def _are_secrets(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_secrets(value.get_secret_value())
        return value

    @field_validator("transit_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        try:
            return None if value is None else check_url(value)
        except InsecureUrlError as error:
            raise ValueError(str(error)) from error

    @field_validator("transit_key")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            raise ValueError("must be of letters, digits, _ and -")
        return value

    @field_validator("transit_mount", "transit_namespace")
    @classmethod
    def _is_a_path(cls, value: str | None) -> str | None:
        if value is not None and not PATH.fullmatch(value):
            raise ValueError("must be of letters, digits, _ and -, parts joined by /")
        return value


def _used(info: ValidationInfo) -> set[Any]:
    return {info.data.get("key_provider"), info.data.get("key_provider_before")}
