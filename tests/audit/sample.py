"""A small log of invented events, for the tests of this room."""

from datetime import UTC, datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.log_signers import LogSigners
from audit.model import SYSTEM, Actor, Event, Kind
from audit.note import NoteSigner
from audit.unit_of_work import Ledger, begin
from policies.ids import AttributeId, EventId, OrganisationId, PersonId

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
AINO = PersonId(UUID("0f8c2f2e-6c1b-4a44-9f0a-000000000001"))
MATTI = PersonId(UUID("0f8c2f2e-6c1b-4a44-9f0a-000000000002"))
KELA = OrganisationId("kela")
LOG_NAME = "vault.example/log"
LOG = "2026h2"
ORIGIN = f"{LOG_NAME}/{LOG}"


def signer(seed: int = 1) -> NoteSigner:
    """The log's key for one half-year, the same one for the same seed."""
    return NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def signers(seed: int = 1) -> LogSigners:
    """The same key for all half-years."""
    return LogSigners(LOG_NAME, [Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)])


def viewed(person: PersonId = AINO) -> Event:
    """An event about a person."""
    return Event(
        kind=Kind.DATA_VIEWED, subject=person, attributes=(AttributeId("income.monthly_gross"),)
    )


def record(
    ledger: Ledger,
    count: int = 1,
    *,
    happened: Event | None = None,
    actor: Actor = SYSTEM,
    now: datetime = NOW,
) -> list[EventId]:
    """Record events in one unit of work."""
    with begin(ledger, actor=actor, now=now) as uow:
        return [uow.record(happened or viewed()) for _ in range(count)]
