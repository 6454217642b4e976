"""The ports to the outside: what the service asks of a system that is not ours.

`IdentityProvider` is OpenID Connect sign-in as the service sees it; `connectors.oidc` implements
it for any provider, `connectors.demo_idp` is a provider to run it against. `DataSource` is a
register that is asked about a person; `connectors.demo_data` has some. `TimestampAuthority`
stamps checkpoints of the log; `connectors.timestamping` asks any over HTTP, `connectors.demo_tsa`
is one to ask.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from policies.identity_code import OID
from policies.ids import SourceId
from policies.vocabulary import Language, LevelOfAssurance

IDENTITY_CODE_SCHEME = OID
"""The Finnish personal identity code (henkilötunnus)."""
SATU_SCHEME = "urn:oid:1.2.246.22"
"""The Finnish electronic identification number (sähköinen asiointitunnus)."""
EIDAS_SCHEME = "http://eidas.europa.eu/attributes/naturalperson/PersonIdentifier"
"""The unique identifier of Implementing Regulation (EU) 2015/1501."""

SUBJECT_SCHEMES = (SATU_SCHEME, IDENTITY_CODE_SCHEME, EIDAS_SCHEME)
"""In the order in which a person is looked up."""


@dataclass(frozen=True, slots=True)
class LoginStart:
    """Where to send the person, and what to keep for this one sign-in until the answer comes.

    The three secrets belong to this browser's flow alone: `state` binds the answer to it
    (RFC 6749 section 10.12), `nonce` the ID token, `verifier` the code (RFC 7636).
    """

    url: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IdentityAssertion:
    """What a provider says about the person who has signed in. Its repr tells no one who."""

    subject_ids: tuple[tuple[str, str], ...] = field(repr=False)
    """(scheme, identifier) pairs, at least one, in the order of `SUBJECT_SCHEMES`."""
    name: str = field(repr=False)
    loa: LevelOfAssurance
    auth_time: datetime
    issuer: str
    method: str
    """The authentication method as the provider names it (`amr`), or its `acr` without one."""
    protected: bool = field(repr=False)
    """Non-disclosure for personal safety (turvakielto)."""


class IdentityProvider(Protocol):
    """Strong identification of a person by somebody else."""

    def begin(
        self,
        *,
        language: Language,
        loa: LevelOfAssurance,
        now: datetime,
        login_hint: str | None = None,
    ) -> LoginStart:
        """Start one sign-in at this level of assurance or a higher one."""

    def finish(
        self, answer: Mapping[str, str], start: LoginStart, *, loa: LevelOfAssurance, now: datetime
    ) -> IdentityAssertion:
        """Check the provider's answer (the query of the redirect) against the start.

        Raises a `connectors.sign_in_errors.SignInError`; nobody is signed in then.
        """


class SourceUnavailableError(Exception):
    """A register did not answer; the error says nothing of whom it was asked about."""

    def __init__(self, source: SourceId) -> None:
        super().__init__(source)
        self.source = source


class DataSource(Protocol):
    """A register that answers about one person at a time, in documents of its own form."""

    @property
    def source(self) -> SourceId:
        """Its name in the catalogue."""

    def fetch(self, identifier: str) -> bytes | None:
        """What it says about the person, as it came; None when it knows nobody of that identifier.

        Raises SourceUnavailableError. The identifier must not come into an address or a log.
        """


class TimestampingError(Exception):
    """An authority did not answer; the text says why and holds nothing that it sent."""


class TimestampAuthority(Protocol):
    """Somebody who is not us and who signs that she has seen a hash at a time (RFC 3161)."""

    @property
    def name(self) -> str:
        """What the operator calls it."""

    def answer(self, request: bytes) -> bytes:
        """The answer to a time-stamp request, not verified. Raises TimestampingError."""
