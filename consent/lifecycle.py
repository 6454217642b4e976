"""The life of a consent as a table: state × command → state, event, who may, when.

Pure: values in, values out. The table holds the legal cells; whatever is not in it is refused
with one error. Three things are forbidden in every state and so are not even commands: giving
without a notice, using a suspended consent, and bringing an ended one back to life.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from audit.model import Kind
from consent.grounds import Defect, Ground, LegalGround, Suspension, SuspensionGround
from consent.model import Command, Consent, Status
from consent.parties import Party

__all__ = [
    "RENEWABLE_FOR",
    "TRANSITIONS",
    "Guard",
    "GuardError",
    "IllegalTransitionError",
    "Party",
    "Transition",
    "WrongPartyError",
    "apply",
    "transition",
]

RENEWABLE_FOR = timedelta(days=30)
"""So long before its end a consent can be renewed."""


class Guard(StrEnum):
    """Conditions on time, uses and grounds; those on people and notices stand in
    `consent.conditions`."""

    REQUEST_NOT_EXPIRED = "request_not_expired"
    REQUEST_EXPIRED = "now>=request_expires"
    ENDED = "now>=not_after"
    NOT_ENDED = "now<not_after"
    USES_LEFT = "uses_left>0"
    LAST_USE = "uses_left==1"
    NEAR_END = "within_P30D_of_end"
    WHY_SUSPENDED = (
        "reason_in: art18|client_suspended|breach|mandate_check|majority_reaffirm|notice_defect"
    )
    LAWFUL = "legal_ground_recorded"
    DEFECT = "defect_recorded: underage|no_capacity|fraud|notice_defect|imbalance"
    BY_GUARDIAN = "given_by_guardian"
    BY_MANDATE = "given_by_mandate_holder"


class IllegalTransitionError(ValueError):
    """The command does not exist in this state."""

    def __init__(self, status: Status, command: Command) -> None:
        super().__init__(f"{command} is not possible for a consent that is {status}")
        self.status = status
        self.command = command


class WrongPartyError(ValueError):
    """The command exists in this state, for somebody else."""

    def __init__(self, command: Command, party: Party) -> None:
        super().__init__(f"{command} is not for the {party}")
        self.command = command
        self.party = party


class GuardError(ValueError):
    """The command exists in this state, at another time, with uses left or on another ground."""

    def __init__(self, command: Command, guard: Guard) -> None:
        super().__init__(f"{command} needs {guard}")
        self.command = command
        self.guard = guard


@dataclass(frozen=True, slots=True)
class Transition:
    """A legal cell of the table."""

    result: Status
    kind: Kind
    parties: frozenset[Party]
    guards: tuple[Guard, ...] = ()


_SIDE = frozenset({Party.SUBJECT, Party.GUARDIAN, Party.MANDATE_HOLDER})
_WITHDRAWING = frozenset(
    {Party.SUBJECT, Party.ANY_GUARDIAN, Party.MANDATE_HOLDER, Party.JOINT_SUBJECT}
)
_SUPERVISING = frozenset({Party.SUPERVISOR, Party.COURT, Party.CONTROLLER, Party.SYSTEM})
_CLIENT = frozenset({Party.CLIENT})
_SYSTEM = frozenset({Party.SYSTEM})
_CLOCK = frozenset({Party.CLOCK})
_REGISTRY = frozenset({Party.REGISTRY})
_SUSPENDING = frozenset({Party.SUBJECT, Party.SYSTEM, Party.SUPERVISOR})

_CANCEL = Transition(Status.CANCELLED, Kind.CONSENT_CANCELLED, _CLIENT)
_NEW_NOTICE = Transition(Status.CANCELLED, Kind.CONSENT_CANCELLED, _SYSTEM)
_DEATH_OF_REQUEST = Transition(Status.CANCELLED, Kind.CONSENT_CANCELLED, _REGISTRY)
_DEATH = Transition(Status.EXPIRED, Kind.CONSENT_EXPIRED, _REGISTRY)
_REFUSE = Transition(Status.REFUSED, Kind.CONSENT_REFUSED, _SIDE)
_TIME_OUT = Transition(Status.LAPSED, Kind.CONSENT_LAPSED, _CLOCK, (Guard.REQUEST_EXPIRED,))
_GIVE = Transition(Status.ACTIVE, Kind.CONSENT_GIVEN, _SIDE, (Guard.REQUEST_NOT_EXPIRED,))
_GIVE_FIRST = Transition(
    Status.PENDING_JOINT, Kind.CONSENT_CHANGED, _SIDE, (Guard.REQUEST_NOT_EXPIRED,)
)
_END = Transition(Status.EXPIRED, Kind.CONSENT_EXPIRED, _CLOCK, (Guard.ENDED,))
_WITHDRAW = Transition(Status.WITHDRAWN, Kind.CONSENT_WITHDRAWN, _WITHDRAWING)
_REVOKE = Transition(Status.REVOKED, Kind.CONSENT_REVOKED, _SUPERVISING, (Guard.LAWFUL,))
_INVALIDATE = Transition(
    Status.INVALIDATED, Kind.CONSENT_INVALIDATED, _SUPERVISING, (Guard.DEFECT,)
)
_REPLACE = Transition(Status.SUPERSEDED, Kind.CONSENT_CHANGED, _SYSTEM)


def _unchanged(status: Status, parties: frozenset[Party], *guards: Guard) -> Transition:
    return Transition(status, Kind.CONSENT_CHANGED, parties, guards)


TRANSITIONS: dict[tuple[Status, Command], Transition] = {
    # A request waits for an answer.
    (Status.REQUESTED, Command.CANCEL_REQUEST): _CANCEL,
    (Status.REQUESTED, Command.DEFER): Transition(Status.DEFERRED, Kind.CONSENT_DEFERRED, _SIDE),
    (Status.REQUESTED, Command.GIVE): _GIVE,
    (Status.REQUESTED, Command.GIVE_FIRST_OF_MANY): _GIVE_FIRST,
    (Status.REQUESTED, Command.NOTICE_CHANGED_EDITORIAL): _unchanged(Status.REQUESTED, _SYSTEM),
    (Status.REQUESTED, Command.NOTICE_CHANGED_MATERIAL): _NEW_NOTICE,
    (Status.REQUESTED, Command.REFUSE): _REFUSE,
    (Status.REQUESTED, Command.SUBJECT_DIED): _DEATH_OF_REQUEST,
    (Status.REQUESTED, Command.TIME_OUT): _TIME_OUT,
    # The person has put it off.
    (Status.DEFERRED, Command.CANCEL_REQUEST): _CANCEL,
    (Status.DEFERRED, Command.GIVE): _GIVE,
    (Status.DEFERRED, Command.GIVE_FIRST_OF_MANY): _GIVE_FIRST,
    (Status.DEFERRED, Command.NOTICE_CHANGED_EDITORIAL): _unchanged(Status.DEFERRED, _SYSTEM),
    (Status.DEFERRED, Command.NOTICE_CHANGED_MATERIAL): _NEW_NOTICE,
    (Status.DEFERRED, Command.REFUSE): _REFUSE,
    (Status.DEFERRED, Command.REOPEN): Transition(
        Status.REQUESTED, Kind.CONSENT_CHANGED, _SIDE, (Guard.REQUEST_NOT_EXPIRED,)
    ),
    (Status.DEFERRED, Command.SUBJECT_DIED): _DEATH_OF_REQUEST,
    (Status.DEFERRED, Command.TIME_OUT): _TIME_OUT,
    # One of several has given and the others have not.
    (Status.PENDING_JOINT, Command.CANCEL_REQUEST): _CANCEL,
    (Status.PENDING_JOINT, Command.GIVE_LAST_OF_MANY): _GIVE,
    (Status.PENDING_JOINT, Command.INVALIDATE): _INVALIDATE,
    (Status.PENDING_JOINT, Command.NOTICE_CHANGED_MATERIAL): _NEW_NOTICE,
    (Status.PENDING_JOINT, Command.REFUSE): _REFUSE,
    (Status.PENDING_JOINT, Command.REVOKE): _REVOKE,
    (Status.PENDING_JOINT, Command.SUBJECT_DIED): _DEATH_OF_REQUEST,
    (Status.PENDING_JOINT, Command.TIME_OUT): _TIME_OUT,
    (Status.PENDING_JOINT, Command.WITHDRAW): _WITHDRAW,
    # Given: the only state in which data may go.
    (Status.ACTIVE, Command.INVALIDATE): _INVALIDATE,
    (Status.ACTIVE, Command.MANDATE_ENDED): _unchanged(Status.ACTIVE, _REGISTRY, Guard.BY_MANDATE),
    (Status.ACTIVE, Command.NARROW): Transition(Status.ACTIVE, Kind.CONSENT_NARROWED, _SIDE),
    (Status.ACTIVE, Command.NOTICE_CHANGED_EDITORIAL): _unchanged(Status.ACTIVE, _SYSTEM),
    (Status.ACTIVE, Command.NOTICE_CHANGED_MATERIAL): _unchanged(Status.ACTIVE, _SYSTEM),
    (Status.ACTIVE, Command.REACH_END): _END,
    (Status.ACTIVE, Command.RENEW): Transition(
        Status.ACTIVE,
        Kind.CONSENT_RENEWED,
        frozenset({Party.SUBJECT, Party.GUARDIAN}),
        (Guard.REQUEST_NOT_EXPIRED, Guard.NEAR_END),
    ),
    (Status.ACTIVE, Command.REPLACE): _REPLACE,
    (Status.ACTIVE, Command.REVOKE): _REVOKE,
    (Status.ACTIVE, Command.SUBJECT_DIED): _DEATH,
    (Status.ACTIVE, Command.SUBJECT_REACHED_AGE): _unchanged(
        Status.ACTIVE, _CLOCK, Guard.BY_GUARDIAN
    ),
    (Status.ACTIVE, Command.SUSPEND): Transition(
        Status.SUSPENDED, Kind.CONSENT_SUSPENDED, _SUSPENDING, (Guard.WHY_SUSPENDED,)
    ),
    (Status.ACTIVE, Command.USE): Transition(
        Status.ACTIVE, Kind.DATA_RELEASED, _CLIENT, (Guard.NOT_ENDED, Guard.USES_LEFT)
    ),
    (Status.ACTIVE, Command.USE_LAST): Transition(
        Status.EXPIRED, Kind.CONSENT_EXPIRED, _CLIENT, (Guard.LAST_USE,)
    ),
    (Status.ACTIVE, Command.WITHDRAW): _WITHDRAW,
    # Stopped for a while.
    (Status.SUSPENDED, Command.INVALIDATE): _INVALIDATE,
    (Status.SUSPENDED, Command.REACH_END): _END,
    (Status.SUSPENDED, Command.REPLACE): _REPLACE,
    (Status.SUSPENDED, Command.RESUME): Transition(
        Status.ACTIVE,
        Kind.CONSENT_RESUMED,
        frozenset({Party.SAME_PARTY_AS_SUSPENDED}),
        (Guard.NOT_ENDED,),
    ),
    (Status.SUSPENDED, Command.REVOKE): _REVOKE,
    (Status.SUSPENDED, Command.SUBJECT_DIED): _DEATH,
    (Status.SUSPENDED, Command.WITHDRAW): _WITHDRAW,
    # Ended: what was never valid can still be called so, and a withdrawal may be repeated.
    (Status.EXPIRED, Command.INVALIDATE): _INVALIDATE,
    (Status.WITHDRAWN, Command.INVALIDATE): _INVALIDATE,
    (Status.WITHDRAWN, Command.WITHDRAW): _WITHDRAW,
}


def transition(status: Status, command: Command) -> Transition:
    """The cell of the table. Raises IllegalTransitionError where there is none."""
    cell = TRANSITIONS.get((status, command))
    if cell is None:
        raise IllegalTransitionError(status, command)
    return cell


def apply(
    consent: Consent,
    command: Command,
    *,
    party: Party,
    now: datetime,
    ground: Ground | None = None,
    to: Consent | None = None,
) -> tuple[Consent, Kind]:
    """The consent after the command, and the kind of the event that accounts for it.

    What else the command changes is filled in already in `to`; the guards look at what stands.
    Raises IllegalTransitionError, WrongPartyError or GuardError. Withdrawing what is withdrawn
    changes nothing.
    """
    cell = transition(consent.status, command)
    if _as_in_table(consent, party, cell) not in cell.parties:
        raise WrongPartyError(command, party)
    for guard in cell.guards:
        holds = _GUARDS.get(guard)
        if holds is not None and not holds(consent, now):
            raise GuardError(command, guard)
    _check_ground(command, cell, party, ground)
    if consent.status is cell.result is Status.WITHDRAWN:
        return consent, cell.kind
    return _moved(to or consent, command, cell.result, party=party, ground=ground), cell.kind


def _as_in_table(consent: Consent, party: Party, cell: Transition) -> Party:
    """Whoever has stopped a consent stands in the table as the same one."""
    same = Party.SAME_PARTY_AS_SUSPENDED
    stopped = consent.suspended
    return same if same in cell.parties and stopped and stopped.by is party else party


def _check_ground(command: Command, cell: Transition, party: Party, ground: Ground | None) -> None:
    """A ground is of the kind that the command needs; the person has one of her own, and none
    that others have."""
    for guard in cell.guards:
        needed = _GROUNDS.get(guard)
        if needed is not None and not isinstance(ground, needed):
            raise GuardError(command, guard)
    hers = ground is SuspensionGround.ART18
    if isinstance(ground, SuspensionGround) and hers is not (party is Party.SUBJECT):
        raise GuardError(command, Guard.WHY_SUSPENDED)


def _moved(
    consent: Consent, command: Command, result: Status, *, party: Party, ground: Ground | None
) -> Consent:
    left = consent.uses_left
    if left is not None and command in _USES:
        left -= 1
    version = consent.version + _makes_record(consent, command, result)
    stopped = Suspension(party, ground) if isinstance(ground, SuspensionGround) else None
    moved = replace(consent, status=result, version=version, uses_left=left, suspended=stopped)
    if command in _PASSES_CONTROL:
        return replace(moved, given_by=Party.SUBJECT, control_passes_at=None)
    return moved


def _makes_record(consent: Consent, command: Command, result: Status) -> bool:
    """An answer is a record, and from the first one on each change of status is one as well."""
    return command in _ANSWERS or (consent.version > 0 and result is not consent.status)


_USES = frozenset({Command.USE, Command.USE_LAST})
_ANSWERS = frozenset(
    {Command.GIVE, Command.GIVE_FIRST_OF_MANY, Command.REFUSE, Command.NARROW, Command.RENEW}
)

_PASSES_CONTROL = frozenset({Command.SUBJECT_REACHED_AGE, Command.MANDATE_ENDED})
_GROUNDS: Mapping[Guard, type[Ground]] = {
    Guard.WHY_SUSPENDED: SuspensionGround,
    Guard.LAWFUL: LegalGround,
    Guard.DEFECT: Defect,
}

_GUARDS: dict[Guard, Callable[[Consent, datetime], bool]] = {
    Guard.REQUEST_NOT_EXPIRED: lambda consent, now: now < _question_open_until(consent),
    Guard.REQUEST_EXPIRED: lambda consent, now: now >= consent.expires_at,
    Guard.ENDED: lambda consent, now: consent.not_after is not None and now >= consent.not_after,
    Guard.NOT_ENDED: lambda consent, now: consent.not_after is not None and now < consent.not_after,
    # Some are left after this one too: the last use is a command of its own, so that no active
    # consent is ever spent.
    Guard.USES_LEFT: lambda consent, _now: consent.uses_left is None or consent.uses_left > 1,
    Guard.LAST_USE: lambda consent, _now: consent.uses_left == 1,
    Guard.NEAR_END: lambda consent, now: (
        consent.not_after is not None and now >= consent.not_after - RENEWABLE_FOR
    ),
    Guard.BY_GUARDIAN: lambda consent, _now: consent.given_by is Party.GUARDIAN,
    Guard.BY_MANDATE: lambda consent, _now: consent.given_by is Party.MANDATE_HOLDER,
}


def _question_open_until(consent: Consent) -> datetime:
    """A request ends by itself; whether to renew may be answered until the consent ends."""
    if consent.status is Status.ACTIVE and consent.not_after is not None:
        return consent.not_after
    return consent.expires_at
