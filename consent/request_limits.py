"""Requests held against the limits: at the door, and again on the page that the person reads."""

from dataclasses import replace
from datetime import datetime, timedelta

from audit.unit_of_work import UnitOfWork
from consent.authorization_details import AuthorizationDetails
from consent.deciding import decision_point
from policies import limits
from policies.entries import OrganisationKind
from policies.limits import Held, Limit, Width
from policies.purposes import PurposeDeclaration

_DAY = timedelta(days=1)


def within_limits(
    uow: UnitOfWork, details: AuthorizationDetails, declaration: PurposeDeclaration
) -> tuple[AuthorizationDetails, tuple[str, ...]]:
    """The details as far as the limits let them be, and the rules that narrowed them.

    Raises TooWideError. What is not said is as much as the declaration allows, so only what is left
    over of that is narrowed.
    """
    kind = decision_point(uow.ledger).kind(declaration.organisation)
    held = held_within(kind, details, declaration, uow.now)
    if not held.narrowed:
        return details, ()
    end = uow.now + held.days * _DAY
    asked = details.not_after
    narrowed = replace(details, not_after=end if asked is None else min(end, asked), uses=held.uses)
    return narrowed, held.narrowed


def held_within(
    kind: str, details: AuthorizationDetails, declaration: PurposeDeclaration, now: datetime
) -> Held:
    """How long and how often it may be at most. Raises TooWideError."""
    return limits.hold(_width(kind, details, declaration, now), limits.request_limits())


def unusual(
    kind: OrganisationKind,
    details: AuthorizationDetails,
    declaration: PurposeDeclaration,
    now: datetime,
) -> tuple[Limit, ...]:
    """The rules by which a request is more than usual."""
    return limits.unusual(_width(kind.value, details, declaration, now), limits.request_limits())


def _width(
    kind: str, details: AuthorizationDetails, declaration: PurposeDeclaration, now: datetime
) -> Width:
    uses = [each for each in (details.uses, declaration.max_uses) if each is not None]
    return Width(
        kind=kind,
        ground=declaration.basis.value,
        purpose=declaration.id,
        attributes=details.attributes,
        days=_days(details, declaration, now),
        uses=min(uses, default=None),
    )


def _days(details: AuthorizationDetails, declaration: PurposeDeclaration, now: datetime) -> int:
    """Days that have begun until the end that the person could give at the longest."""
    longest = declaration.max_validity_days
    if details.not_after is None:
        return longest
    return max(0, min(longest, -((now - details.not_after) // _DAY)))
