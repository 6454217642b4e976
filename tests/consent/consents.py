"""Consents as values, for tests of pure code."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from consent.grounds import Defect, Ground, LegalGround, SuspensionGround
from consent.model import Command, Consent, Status
from consent.parties import Party
from policies.ids import AttributeId, ClientId, ConsentId, OrganisationId, PersonId, PurposeId
from policies.vocabulary import LegalBasis
from tests.consent.flow import NOW


def ground_for(command: Command, party: Party) -> Ground | None:
    """A ground on which this party may give the command, where it needs one."""
    match command:
        case Command.SUSPEND:
            own = party is Party.SUBJECT
            return SuspensionGround.ART18 if own else SuspensionGround.BREACH
        case Command.REVOKE:
            return LegalGround.COURT_ORDER
        case Command.INVALIDATE:
            return Defect.FRAUD
        case _:
            return None


def a_consent(**changed: Any) -> Consent:
    """A consent in its middle age: given yesterday, ends tomorrow, request open until tomorrow."""
    defaults: dict[str, Any] = {
        "id": ConsentId(uuid4()),
        "person": PersonId(uuid4()),
        "organisation": OrganisationId("debt-counsel"),
        "client": ClientId("debt-counsel-1"),
        "purpose": PurposeId("debt-advice"),
        "purpose_version": 1,
        "basis": LegalBasis.CONSENT,
        "status": Status.ACTIVE,
        "version": 1,
        "created_at": NOW - timedelta(days=1),
        "expires_at": NOW + timedelta(days=1),
        "not_before": NOW - timedelta(days=1),
        "not_after": NOW + timedelta(days=1),
        "uses_allowed": None,
        "uses_left": None,
        "case": None,
        "requested": (AttributeId("income.monthly_gross"),),
        "granted": (AttributeId("income.monthly_gross"),),
        "refused": (),
        "requested_not_after": None,
        "principal": "ppid:" + "a" * 64,
    }
    return Consent(**(defaults | changed))
