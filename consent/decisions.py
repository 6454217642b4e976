"""Decisions: a `Permit` opens a record, a `Denial` says why not; both are values, never raised.

The policies decide (`policies/rules/`, asked by `consent.deciding`); what follows is done here.
Whether a fetch may happen is read here, inside the unit of work that will release the data, with
the consent's row locked: a withdrawal committed first always wins, and no fetch that has seen the
consent active can be overtaken by one. A denial is recorded as an event and committed.
"""

from collections.abc import Collection
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from enum import StrEnum

from audit.model import Actor, ActorKind, Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.changes import change
from consent.deciding import ask_fetch, decided_by
from consent.decision_records import keep
from consent.events import policy
from consent.grants import TokenAccess
from consent.lifecycle import Party
from consent.model import Command, ConsentRef
from consent.store.consents import count_use, lock_known
from consent.store.tokens import GrantState, fetch_state
from policies.decisions import Decision
from policies.ids import (
    AttributeId,
    ClientId,
    ConsentId,
    EventId,
    OrganisationId,
    PersonId,
    PurposeId,
)
from policies.vocabulary import LegalBasis

_MADE_HERE = object()


class PermitKind(StrEnum):
    """For whom the data is opened."""

    RELEASE = "release"
    """For a recipient, by consent or by law."""
    SELF = "self"
    """For the person herself (GDPR article 15)."""
    COPY = "copy"
    """For the copy of everything that the person takes out (GDPR articles 15(3) and 20)."""


class DenialReason(StrEnum):
    """Why nothing is released; the texts for the person stand in the message catalogue."""

    EMPTY_REQUEST = "empty-request"
    TOKEN_ENDED = "token-ended"  # noqa: S105  # a reason, not a secret
    CLIENT_SUSPENDED = "client-suspended"
    PURPOSE_SUSPENDED = "purpose-suspended"
    PURPOSE_RETIRED = "purpose-retired"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"
    USES_SPENT = "uses-spent"
    SUPERSEDED = "superseded"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    INVALIDATED = "invalidated"
    NOT_ACTIVE = "not-active"
    MORE_THAN_ACCEPTED = "more-than-accepted"
    NO_GROUND = "no-ground"
    PURPOSE_DIFFERS = "purpose-differs"
    OUTSIDE_PURPOSE = "outside-purpose"
    UNKNOWN_DATA = "unknown-data"
    LOA_HIGH = "loa-high"
    LOA_LOW = "loa-low"
    NO_OTHER_WAY = "no-other-way"
    SYSTEM_ERROR = "system-error"


class PermitElsewhereError(RuntimeError):
    """A permit was used outside the unit of work that decided it."""


class NotHerselfError(RuntimeError):
    """Somebody else's unit of work asked for a person's access to her own data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Leave to open these attributes of this person, here and now.

    Only `consent.decisions` can make one: the constructor asks for an object that never leaves
    this module, so that no other room can permit itself anything, not even by accident, and
    `dataclasses.replace` cannot widen one. A permit holds only in the unit of work that decided
    it; whoever opens data calls `require` with its own before anything else.
    """

    kind: PermitKind
    person: PersonId
    attributes: tuple[AttributeId, ...]
    purpose: PurposeId | None
    basis: LegalBasis | None
    organisation: OrganisationId | None
    client: ClientId | None
    consent: ConsentRef | None
    case: str | None
    token: str | None
    """What events say of the access token; there is none for the person herself."""
    policy: tuple[str, ...] = ()
    """What events say of the rules by which it was decided (consent.events)."""
    visible_from: datetime | None = None
    """From when on the person sees it in her log, where a law keeps it back from her."""
    decided_in: UnitOfWork = field(repr=False, compare=False)
    decisions: tuple[Decision, ...] = field(default=(), repr=False, compare=False)
    """What the policies said, to be kept beside the event of the release."""
    made_by: InitVar[object]

    def __post_init__(self, made_by: object) -> None:
        if made_by is not _MADE_HERE:
            raise RuntimeError("only consent.decisions makes a permit")

    def require(self, uow: UnitOfWork) -> None:
        """Raise PermitElsewhereError unless this is the unit of work that decided."""
        if self.decided_in is not uow:
            raise PermitElsewhereError


@dataclass(frozen=True, slots=True)
class Denial:
    """Nothing is released; the event `data.refused` with this id says why to those who may read."""

    reason: DenialReason
    event_id: EventId


def decide_self_access(
    uow: UnitOfWork, person: PersonId, attributes: Collection[AttributeId]
) -> Permit:
    """The person may always see her own data; the vault records it as `data.viewed`.

    Only in a unit of work of her own: raises NotHerselfError in anybody else's, an operator's too.
    """
    if uow.actor != Actor.person(person):
        raise NotHerselfError
    return _for_herself(uow, PermitKind.SELF, person, attributes, case=None)


def decide_copy(
    uow: UnitOfWork,
    person: PersonId,
    attributes: Collection[AttributeId],
    *,
    case: str | None = None,
) -> Permit:
    """The person may always take out a copy; where she asked on paper, the operator makes it.

    Then the case's number says so. Raises NotHerselfError for everybody else.
    """
    on_request = uow.actor.kind is ActorKind.SYSTEM and case is not None
    if uow.actor != Actor.person(person) and not on_request:
        raise NotHerselfError
    return _for_herself(uow, PermitKind.COPY, person, attributes, case=case)


def _for_herself(
    uow: UnitOfWork,
    kind: PermitKind,
    person: PersonId,
    attributes: Collection[AttributeId],
    *,
    case: str | None,
) -> Permit:
    return Permit(
        kind=kind,
        person=person,
        attributes=tuple(attributes),
        purpose=None,
        basis=None,
        organisation=None,
        client=None,
        consent=None,
        case=case,
        token=None,
        decided_in=uow,
        made_by=_MADE_HERE,
    )


def decide_fetch(
    uow: UnitOfWork, access: TokenAccess, requested: Collection[AttributeId]
) -> Permit | Denial:
    """May the bearer of this token have these attributes now?

    Ask only for attributes in `access.attributes`; one more is refused as a whole. A permit
    counts as one use where uses are limited, and the last use ends the consent.
    """
    state = fetch_state(uow.connection, access)
    if state is None:
        return _denial(uow, access, requested, DenialReason.TOKEN_ENDED)
    verdict = ask_fetch(uow, access, state, requested)
    rules = decided_by(uow, verdict, access.purpose, access.purpose_version)
    reference = _ref(access, state.consent)
    if not verdict.allowed:
        reason = DenialReason(verdict.reason)
        denial = _denial(uow, access, requested, reason, consent=reference, rules=rules)
        keep(uow, verdict.decisions, denial.event_id)
        return denial
    if reference is not None and state.consent is not None:
        _count_use(uow, reference.id, state.consent.uses_left)
    return Permit(
        kind=PermitKind.RELEASE,
        person=access.person,
        attributes=tuple(requested),
        purpose=access.purpose,
        basis=access.basis,
        organisation=access.organisation,
        client=access.client,
        consent=reference,
        case=access.case,
        token=access.logged,
        policy=rules,
        visible_from=access.visible_from,
        decisions=verdict.decisions,
        decided_in=uow,
        made_by=_MADE_HERE,
    )


def _count_use(uow: UnitOfWork, consent_id: ConsentId, left: int | None) -> None:
    if left is None:
        return
    if left > 1:
        count_use(uow.connection, consent_id, left=left)
    else:
        locked = lock_known(uow.connection, consent_id)
        change(uow, locked, Command.USE_LAST, party=Party.CLIENT)


def _ref(access: TokenAccess, state: GrantState | None) -> ConsentRef | None:
    if access.consent is None or state is None:
        return None
    return ConsentRef(access.consent, state.version)


def _denial(
    uow: UnitOfWork,
    access: TokenAccess,
    requested: Collection[AttributeId],
    reason: DenialReason,
    *,
    consent: ConsentRef | None = None,
    rules: tuple[str, ...] | None = None,
) -> Denial:
    event_id = uow.record(
        Event(
            kind=Kind.DATA_REFUSED,
            subject=access.person,
            organisation=access.organisation,
            client=access.client,
            consent=None if consent is None else str(consent),
            purpose=access.purpose,
            basis=access.basis,
            attributes=tuple(requested),
            reason=reason,
            case=access.case,
            token=access.logged,
            policy=rules or policy(uow, access.purpose, access.purpose_version),
            visible_from=access.visible_from,
        )
    )
    return Denial(reason, event_id)
