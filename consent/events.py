"""Events about a consent: its ids and codes, never more."""

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.model import Consent
from policies.ids import PurposeId


def policy(uow: UnitOfWork, purpose: PurposeId, version: int | None) -> tuple[str, ...]:
    """The rules by which something is decided: the catalogue, and the version of the declaration,
    which is not known of a token from before tokens had it."""
    rules = () if uow.ledger.rules is None else (f"sha256:{uow.ledger.rules}",)
    return rules if version is None else (*rules, f"{purpose}@{version}")


def consent_event(
    uow: UnitOfWork,
    kind: Kind,
    consent: Consent,
    *,
    reason: str | None = None,
    digest: str | None = None,
) -> Event:
    """What the log says of a consent; of one that was not given, what was asked."""
    return Event(
        kind=kind,
        subject=consent.person,
        organisation=consent.organisation,
        client=consent.client,
        consent=str(consent.ref),
        purpose=consent.purpose,
        basis=consent.basis,
        attributes=consent.granted or consent.requested,
        reason=reason,
        case=consent.case,
        digest=digest,
        policy=policy(uow, consent.purpose, consent.purpose_version),
    )
