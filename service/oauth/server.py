"""The authorisation server as endpoints see it: the runtime and what is remembered beside it."""

from dataclasses import dataclass, field

from audit.model import Event, Kind
from audit.promise import to_header
from audit.unit_of_work import UnitOfWork
from policies.ids import EventId, OrganisationId, PersonId
from service.counters import Counters
from service.oauth.addresses import normal_address
from service.oauth.directory import Directory
from service.oauth.nonces import Nonces
from service.refusal_limit import CountTogether, RefusalLimit, counting_together
from service.runtime import Runtime
from service.shared_numbers import SharedNumbers
from vault.people import issue_pairwise_subject, pairwise_subject

_MOST_PSEUDONYMS = 100_000


class Pseudonyms:
    """Pairwise subjects; making one opens a sealed seed, so they are remembered."""

    def __init__(self, runtime: Runtime) -> None:
        self._vault = runtime.vault
        self._known: dict[tuple[PersonId, OrganisationId], str] = {}

    def issue(self, uow: UnitOfWork, person: PersonId, sector: OrganisationId) -> str:
        """The pseudonym, written down the first time. Remember it once that has committed."""
        known = self._known.get((person, sector))
        return known or issue_pairwise_subject(uow, self._vault, person, sector)

    def remember(self, person: PersonId, sector: OrganisationId, subject: str) -> None:
        """Note a pseudonym that has been written down."""
        if len(self._known) >= _MOST_PSEUDONYMS:
            self._known.clear()
        self._known[person, sector] = subject

    def issued(self, uow: UnitOfWork, person: PersonId, sector: OrganisationId) -> str:
        """The pseudonym of a person about whom a token was given before."""
        known = self._known.get((person, sector))
        if known is None:
            known = pairwise_subject(uow.connection, self._vault, person, sector)
            self.remember(person, sector, known)
        return known


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """Everything that the OAuth endpoints and the data API need."""

    runtime: Runtime
    base: str
    """The issuer in normal form, without the last slash."""
    directory: Directory
    pseudonyms: Pseudonyms
    counters: Counters
    nonces: Nonces | None = field(repr=False)
    refusals: RefusalLimit[Event]
    """By client and kind: refusals in the client's name by who has not shown its key."""
    sign_ins: RefusalLimit[str]
    """By network: sign-ins that began or failed before anybody was known."""

    @property
    def issuer(self) -> str:
        return self.runtime.settings.base_url

    def address(self, path: str) -> str:
        """The normal address of one of our paths, whatever Host header came in."""
        return self.base + path

    def promise(self, uow: UnitOfWork, event_id: EventId) -> str:
        """The promise that a committed event comes into the log, for a header or a member."""
        signer = self.runtime.promises
        return to_header(signer.sign(event_id, uow.commitment_of(event_id), uow.now))


@dataclass(frozen=True, slots=True)
class Shared:
    """What the workers of one machine count together."""

    counters: SharedNumbers
    limits: SharedNumbers


def authorization_server(runtime: Runtime, shared: Shared | None = None) -> AuthorizationServer:
    """Made once for an application; several workers of one have something to share."""
    base = normal_address(runtime.settings.base_url)
    if base is None:
        raise RuntimeError("the settings have checked the base URL")
    return AuthorizationServer(
        runtime=runtime,
        base=base.removesuffix("/"),
        directory=Directory(runtime.ledger),
        pseudonyms=Pseudonyms(runtime),
        counters=Counters(None if shared is None else shared.counters),
        nonces=Nonces(runtime.nonce_key) if runtime.settings.dpop_nonces else None,
        refusals=RefusalLimit(
            runtime.settings.refusals_per_minute,
            others=Event(kind=Kind.TOKEN_REFUSED),
            together=_together(runtime, shared, "refusals"),
        ),
        sign_ins=RefusalLimit(
            runtime.settings.sign_ins_per_minute,
            others="others",
            together=_together(runtime, shared, "sign-ins"),
        ),
    )


def _together(runtime: Runtime, shared: Shared | None, label: str) -> CountTogether | None:
    if shared is None:
        return None
    return counting_together(shared.limits, runtime.nonce_key, label)
