"""The life of a consent as a table: state × command → state, event, who may, when.

Pure: values in, values out. The table holds the legal cells; whatever is not in it is refused
with one error. Three things are forbidden in every state and so are not even commands: giving
without a notice, using a suspended consent, and bringing an ended one back to life.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from audit.model import Kind
from consent.model import Command, Consent, Status


class Party(StrEnum):
    """Who may give a command."""

    SUBJECT = "subject"
    GUARDIAN = "guardian"
    ANY_GUARDIAN = "any_guardian"
    MANDATE_HOLDER = "mandate_holder"
    JOINT_SUBJECT = "joint_subject"
    CLIENT = "client"
    SYSTEM = "system"
    CLOCK = "clock"
    REGISTRY = "registry"
    SUPERVISOR = "supervisor"
    COURT = "court"
    CONTROLLER = "controller"
    SAME_PARTY_AS_SUSPENDED = "same_party_as_suspended"


class Guard(StrEnum):
    """Conditions on time and uses; those on people and notices stand in `consent.choices`."""

    REQUEST_NOT_EXPIRED = "request_not_expired"
    REQUEST_EXPIRED = "now>=request_expires"
    ENDED = "now>=not_after"
    NOT_ENDED = "now<not_after"
    USES_LEFT = "uses_left>0"
    LAST_USE = "uses_left==1"


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
    """The command exists in this state, at another time or with uses left."""

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
_REVOKE = Transition(Status.REVOKED, Kind.CONSENT_CHANGED, _SUPERVISING)
_INVALIDATE = Transition(Status.INVALIDATED, Kind.CONSENT_CHANGED, _SUPERVISING)
_REPLACE = Transition(Status.SUPERSEDED, Kind.CONSENT_CHANGED, _SYSTEM)


def _unchanged(status: Status, parties: frozenset[Party]) -> Transition:
    return Transition(status, Kind.CONSENT_CHANGED, parties)


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
    (Status.ACTIVE, Command.MANDATE_ENDED): _unchanged(Status.ACTIVE, _REGISTRY),
    (Status.ACTIVE, Command.NARROW): Transition(Status.ACTIVE, Kind.CONSENT_NARROWED, _SIDE),
    (Status.ACTIVE, Command.NOTICE_CHANGED_EDITORIAL): _unchanged(Status.ACTIVE, _SYSTEM),
    (Status.ACTIVE, Command.NOTICE_CHANGED_MATERIAL): _unchanged(Status.ACTIVE, _SYSTEM),
    (Status.ACTIVE, Command.REACH_END): _END,
    (Status.ACTIVE, Command.RENEW): Transition(
        Status.ACTIVE,
        Kind.CONSENT_GIVEN,
        frozenset({Party.SUBJECT, Party.GUARDIAN}),
        (Guard.REQUEST_NOT_EXPIRED,),
    ),
    (Status.ACTIVE, Command.REPLACE): _REPLACE,
    (Status.ACTIVE, Command.REVOKE): _REVOKE,
    (Status.ACTIVE, Command.SUBJECT_DIED): _DEATH,
    (Status.ACTIVE, Command.SUBJECT_REACHED_AGE): _unchanged(Status.ACTIVE, _CLOCK),
    (Status.ACTIVE, Command.SUSPEND): Transition(
        Status.SUSPENDED, Kind.CONSENT_CHANGED, _SUSPENDING
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
        Kind.CONSENT_CHANGED,
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
    consent: Consent, command: Command, *, party: Party, now: datetime
) -> tuple[Consent, Kind]:
    """The consent after the command, and the kind of the event that accounts for it.

    Raises IllegalTransitionError, WrongPartyError or GuardError. Withdrawing what is withdrawn
    changes nothing.
    """
    cell = transition(consent.status, command)
    if party not in cell.parties:
        raise WrongPartyError(command, party)
    for guard in cell.guards:
        if not _GUARDS[guard](consent, now):
            raise GuardError(command, guard)
    if consent.status is cell.result is Status.WITHDRAWN:
        return consent, cell.kind
    return _moved(consent, command, cell.result), cell.kind


def _moved(consent: Consent, command: Command, result: Status) -> Consent:
    left = consent.uses_left
    if left is not None and command in _USES:
        left -= 1
    version = consent.version + _makes_record(consent, command, result)
    return replace(consent, status=result, version=version, uses_left=left)


def _makes_record(consent: Consent, command: Command, result: Status) -> bool:
    """An answer is a record, and from the first one on each change of status is one as well."""
    return command in _ANSWERS or (consent.version > 0 and result is not consent.status)


_USES = frozenset({Command.USE, Command.USE_LAST})
_ANSWERS = frozenset(
    {Command.GIVE, Command.GIVE_FIRST_OF_MANY, Command.REFUSE, Command.NARROW, Command.RENEW}
)

_GUARDS: dict[Guard, Callable[[Consent, datetime], bool]] = {
    Guard.REQUEST_NOT_EXPIRED: lambda consent, now: now < consent.expires_at,
    Guard.REQUEST_EXPIRED: lambda consent, now: now >= consent.expires_at,
    Guard.ENDED: lambda consent, now: consent.not_after is not None and now >= consent.not_after,
    Guard.NOT_ENDED: lambda consent, now: consent.not_after is not None and now < consent.not_after,
    # Some are left after this one too: the last use is a command of its own, so that no active
    # consent is ever spent.
    Guard.USES_LEFT: lambda consent, _now: consent.uses_left is None or consent.uses_left > 1,
    Guard.LAST_USE: lambda consent, _now: consent.uses_left == 1,
}
