"""Events about a consent: its ids and codes, never more."""

from audit.model import Event, Kind
from consent.model import Consent


def consent_event(
    kind: Kind, consent: Consent, *, reason: str | None = None, digest: str | None = None
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
    )
