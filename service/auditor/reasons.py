"""Why an auditor looks: a code that goes into the event of the look, and no look without one.

Codes, not free text: an event must not become a place where somebody writes about somebody. Their
texts stand with those of all reasons (`policies/data/reasons.toml`), for the person whom a look
was about reads them too.
"""

from dataclasses import dataclass
from enum import StrEnum

from consent.authorization_details import case_number


class AuditReason(StrEnum):
    """What an auditor may look for."""

    ROUTINE_CONTROL = "routine-control"
    SAMPLE = "sample"
    COMPLAINT = "complaint"
    INCIDENT = "incident"
    AUTHORITY_REQUEST = "authority-request"
    COURT_ORDER = "court-order"


@dataclass(frozen=True, slots=True)
class Stated:
    """The reason that an auditor gave, and the number of her case if there is one."""

    reason: AuditReason
    case: str | None = None


def stated_case(text: str) -> str | None:
    """A case number, None for an empty one. Raises AuthorizationDetailsError.

    The same rule as for the case numbers of agencies: nothing that looks like an identity code.
    """
    return case_number(text) if text else None
