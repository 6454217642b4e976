"""Settings, all from the environment with the prefix CONSENT_VAULT_.

The external base URL is the issuer and the base of every address that we hand out; nothing is
ever taken from the Host header. Plain http is accepted on a loopback address, and in the demo
only.
"""

import difflib
import os
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSettingError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from audit.der import object_identifier
from audit.timestamp import TSA_NAME, parse_roots
from audit.trust_policy import parse_policy
from connectors.bounded_http import InsecureUrlError, check_url
from connectors.timestamping import check_timestamp_url
from policies.vocabulary import LevelOfAssurance
from service.key_settings import KeySettings

PREFIX = "CONSENT_VAULT_"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
DATABASES = ("sqlite:///", "postgresql+psycopg://")
MOST_AUTHORITIES = 5
_OF_TESTS = PREFIX + "TEST_"
_DEFAULT_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[a-z0-9.:-]+")
_VALUE_ERROR = "Value error, "


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


class Pooler(StrEnum):
    """What stands between us and PostgreSQL."""

    NONE = "none"
    """Nothing, or what gives each connection a session of its own."""
    TRANSACTION = "transaction"
    """A pooler that gives each transaction another session (PgBouncer's transaction mode)."""


class Sequencing(StrEnum):
    """Who gives events their places in the log."""

    IN_PROCESS = "in-process"
    """Every process of the service can: one works, the others stand by."""
    EXTERNAL = "external"
    """Only processes of `consent-vault sequence` can."""


class Settings(KeySettings):
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
    database_pooler: Pooler = Pooler.NONE
    """Set it where a pooler in transaction mode stands before PostgreSQL."""
    sequencer: Sequencing = Sequencing.IN_PROCESS
    """Whether `serve` itself places events in the log, or only `consent-vault sequence` does."""
    log_copy: Path | None = None
    """File for the copy of the last checkpoint outside the database, best on another volume; else
    `log-checkpoint` in the folder of the keys."""
    journal: Path | None = None
    """File of the journal of erasures and ended consents, best on another volume than the
    database; else `erasures.journal` in the folder of the keys."""
    erasure_days: int = Field(default=30, ge=1, le=365)
    """After so many days no backup holds what was erased, or no key opens it: what the operator
    promises (docs/operator.md), and what the statements of erasures say."""
    log_policy: Path | None = None
    """File that says which witnesses cosign the log and how many are needed (C2SP tlog-policy)."""
    witness_seconds: int = Field(default=10, ge=1, le=3600)
    """A witness is asked at most every so many seconds, and only when the log has grown."""
    timestamp_authorities: dict[str, str] = Field(default_factory=dict)
    """Time-stamping authorities (RFC 3161) by names of the operator's choice, as JSON."""
    timestamp_roots: Path | None = Field(default=None, validate_default=True)
    """PEM file with the roots of all of them."""
    timestamp_policies: dict[str, str] = Field(default_factory=dict)
    """The policy to ask for (an object identifier) where it is not the authority's usual one."""
    log_retention_years: int | None = Field(default=None, ge=1, le=100)
    """How many whole years entries about people are kept after the year of the entry; then the keys
    under which they are sealed are destroyed. Without it they are kept without end."""
    session_idle_minutes: int = Field(default=30, ge=1, le=120)
    session_hours: int = Field(default=8, ge=1, le=24)

    dpop_nonces: bool = False
    """Demand a nonce of ours in every DPoP proof (RFC 9449 sections 8 and 9)."""

    deposits_enrol: bool = False
    """Whether a source may hand in data about somebody whom the vault does not know yet."""

    refusals_per_minute: int = Field(default=10, ge=1, le=10_000)
    """How many refusals in a client's name by somebody without its key are written one by one."""
    sign_ins_per_minute: int = Field(default=120, ge=1, le=100_000)
    """How many sign-ins may begin or fail in a minute from one network address."""

    @field_validator("base_url")
    @classmethod
    def _is_an_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise ValueError("must be scheme and host, without a path")
        if parts.username or parts.password or parts.scheme not in {"https", "http"}:
            raise ValueError("must begin with https:// and name no user")
        origin = value.rstrip("/")
        # Browsers send their origin in this form, and programs compare the issuer as text.
        if origin != _serialized(parts):
            raise ValueError("must be in lower case, without the usual port, in ASCII")
        return origin

    @field_validator("database_url")
    @classmethod
    def _is_one_of_two(cls, value: str) -> str:
        if not value.startswith(DATABASES):
            raise ValueError(f"must begin with {' or '.join(DATABASES)}")
        try:
            make_url(value)
        except (ArgumentError, ValueError) as error:
            raise ValueError("is no address of a database") from error
        return value

    @field_validator("log_copy", "journal")
    @classmethod
    def _has_a_folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.parent.is_dir():
            raise ValueError("its folder is not there")
        return value

    @field_validator("log_policy")
    @classmethod
    def _is_a_policy(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                policy = parse_policy(value.read_bytes())
            except OSError as error:
                raise ValueError("cannot be read") from error
            for address in (witness.url for witness in policy.witnesses if witness.url):
                try:
                    check_url(address)
                except InsecureUrlError as error:
                    raise ValueError(f"an address in it {error}") from error
        return value

    @field_validator("timestamp_authorities")
    @classmethod
    def _are_authorities(cls, value: dict[str, str]) -> dict[str, str]:
        if len(value) > MOST_AUTHORITIES:
            raise ValueError(f"can be {MOST_AUTHORITIES} at most")
        for name, url in value.items():
            if not TSA_NAME.fullmatch(name):
                raise ValueError("names are of a-z, 0-9 and hyphens, 40 at most")
            try:
                check_timestamp_url(url)
            except InsecureUrlError as error:
                raise ValueError(f"an address in it {error}") from error
        return value

    @field_validator("timestamp_roots")
    @classmethod
    def _are_roots(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None:
            if info.data.get("timestamp_authorities"):
                raise ValueError("must name the roots of the authorities: else anybody can answer")
            return value
        try:
            parse_roots(value.read_bytes())
        except OSError as error:
            raise ValueError("cannot be read") from error
        return value

    @field_validator("timestamp_policies")
    @classmethod
    def _are_policies(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        for name, policy in value.items():
            if name not in info.data.get("timestamp_authorities", {}):
                raise ValueError("names an authority that there is not")
            object_identifier(policy)
        return value

    @model_validator(mode="after")
    def _is_encrypted(self) -> Self:
        if self.secure or (self.demo and urlsplit(self.base_url).hostname in LOOPBACK):
            return self
        raise ValueError("base_url must begin with https://, http is for the demo on loopback")

    @model_validator(mode="after")
    def _can_be_sequenced(self) -> Self:
        if self.sequencer is Sequencing.EXTERNAL and self.database_url.startswith("sqlite"):
            raise ValueError("sequencer can be external on PostgreSQL only")
        return self

    @property
    def pooled(self) -> bool:
        """Whether the sessions of the database change between our transactions."""
        return self.database_pooler is Pooler.TRANSACTION

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
        reason = first["msg"].removeprefix(_VALUE_ERROR)
        raise SettingsError(PREFIX + name.upper(), reason) from None
    except UnreadableSettingError as error:
        # The library names the field in its text only; the value does not stand in it.
        named = re.search(r'field "(\w+)"', str(error))
        name = named[1] if named else "oidc_acr"
        raise SettingsError(PREFIX + name.upper(), "must be a JSON object") from None


def _serialized(parts: SplitResult) -> str:
    """The origin as browsers write it (WHATWG HTML section 7.1.1). Raises ValueError."""
    host, port = parts.hostname or "", parts.port
    if not _HOST.fullmatch(host):
        raise ValueError("must name a host in ASCII: other letters in their xn-- form")
    shown = f"[{host}]" if ":" in host else host
    place = "" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{shown}{place}"


def refuse_unknown(environ: Mapping[str, str]) -> None:
    """Raises UnknownSettingError for the first variable of ours that is no setting."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    ours = (name for name in sorted(environ) if name.upper().startswith(PREFIX))
    for variable in ours:
        if variable.upper() not in known and not variable.upper().startswith(_OF_TESTS):
            nearest = difflib.get_close_matches(variable.upper(), known, n=1, cutoff=0.0)
            raise UnknownSettingError(variable, nearest[0])
