"""Settings, all from the environment with the prefix CONSENT_VAULT_.

The external base URL is the issuer and the base of every address that we hand out; nothing is
ever taken from the Host header. Plain http is accepted on a loopback address, and in the demo
only.
"""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from policies.vocabulary import LevelOfAssurance

PREFIX = "CONSENT_VAULT_"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_OF_TESTS = PREFIX + "TEST_"


class SettingsError(ValueError):
    """A setting that cannot be used. Names the variable and the reason, never the value."""

    def __init__(self, variable: str, reason: str) -> None:
        super().__init__(f"{variable}: {reason}")
        self.variable = variable
        self.reason = reason


class UnknownSettingError(SettingsError):
    """A variable with our prefix that means nothing here; most likely a slip of the pen."""

    def __init__(self, variable: str, nearest: str) -> None:
        super().__init__(variable, f"no such setting; the nearest is {nearest}")
        self.nearest = nearest


class Settings(BaseSettings):
    """Everything that an operator can set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    base_url: str
    """External address without a path, for example `https://vault.example.fi`. The issuer."""
    database_url: str = Field(repr=False)
    """`sqlite:///…` or `postgresql+psycopg://…`."""
    data_folder: Path
    """Folder of the keys; made with mode 0700."""
    demo: bool = False
    """Allows plain http on loopback and marks every page as a demonstration."""

    oidc_issuer: str | None = None
    """The identity provider; without one nobody can sign in."""
    oidc_client_id: str = "consent-vault"
    oidc_client_secret: SecretStr | None = None
    oidc_client_key: Path | None = None
    """PEM file with the private key for `private_key_jwt`; goes before the secret."""
    oidc_acr: dict[str, LevelOfAssurance] = Field(default_factory=dict)
    """`acr` values of the provider and what they are worth here, as JSON."""

    log_name: str | None = None
    """Name of the log where it must outlast a change of address; else `<host>/audit`."""
    session_idle_minutes: int = Field(default=30, ge=1, le=120)
    session_hours: int = Field(default=8, ge=1, le=24)

    dpop_nonces: bool = False
    """Demand a nonce of ours in every DPoP proof (RFC 9449 sections 8 and 9)."""

    @field_validator("base_url")
    @classmethod
    def _is_an_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise ValueError("must be scheme and host, without a path")
        if parts.username or parts.password or parts.scheme not in {"https", "http"}:
            raise ValueError("must begin with https:// and name no user")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _is_encrypted(self) -> Self:
        if self.secure or (self.demo and urlsplit(self.base_url).hostname in LOOPBACK):
            return self
        raise ValueError("base_url must begin with https://, http is for the demo on loopback")

    @property
    def secure(self) -> bool:
        """True when people reach us by https: cookies get the `__Host-` prefix."""
        return self.base_url.startswith("https://")

    @property
    def log_origin(self) -> str:
        """Name of the log in its checkpoints (C2SP tlog-checkpoint: a URL without scheme)."""
        return self.log_name or f"{urlsplit(self.base_url).netloc}/audit"


def load_settings(environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from the environment; `given` goes before it. Raises SettingsError."""
    refuse_unknown(os.environ if environ is None else environ)
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "base_url"
        raise SettingsError(PREFIX + name.upper(), first["msg"]) from None


def refuse_unknown(environ: Mapping[str, str]) -> None:
    """Raises UnknownSettingError for the first variable of ours that is no setting."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    ours = (name for name in sorted(environ) if name.upper().startswith(PREFIX))
    for variable in ours:
        if variable.upper() not in known and not variable.upper().startswith(_OF_TESTS):
            nearest = difflib.get_close_matches(variable.upper(), known, n=1, cutoff=0.0)
            raise UnknownSettingError(variable, nearest[0])
