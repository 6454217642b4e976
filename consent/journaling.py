"""What the journal outside the database tells of a change of a consent, in numbers.

An older backup must bring no consent back to life, let none go on that was stopped, and give no
more than is given. What time ends, time ends again; and a pause that had ended before the backup
was restored may stand again, until whoever made it ends it once more: too little is given then, and
never too much.
"""

from collections.abc import Sequence
from datetime import datetime

from audit.journal_line import (
    JournalEntry,
    consent_narrowed,
    consent_over,
    consent_paused,
)
from consent.grounds import Suspension, SuspensionGround
from consent.model import LIVE, Command, Consent, Status
from consent.parties import Party
from policies.ids import AttributeId

_GIVEN = LIVE | {Status.PENDING_JOINT}
_PARTIES = (Party.SUBJECT, Party.SYSTEM, Party.SUPERVISOR)
_GROUNDS = (
    SuspensionGround.ART18,
    SuspensionGround.CLIENT_SUSPENDED,
    SuspensionGround.BREACH,
    SuspensionGround.MANDATE_CHECK,
    SuspensionGround.MAJORITY_REAFFIRM,
    SuspensionGround.NOTICE_DEFECT,
    SuspensionGround.PURPOSE_SUSPENDED,
)
"""In the order of their numbers, which never changes; new ones come at the end."""


def told_outside(
    was: Consent, now: Consent, command: Command, *, at: datetime
) -> JournalEntry | None:
    """The line that must not be forgotten; None where nothing must."""
    if was.status in _GIVEN and now.status not in _GIVEN and command is not Command.REACH_END:
        return consent_over(now.id, withdrawn=command is Command.WITHDRAW, at=at)
    if now.suspended is not None and was.suspended is None:
        return consent_paused(now.id, number_of(now.suspended), at=at)
    if command is Command.NARROW:
        return consent_narrowed(now.id, bits_of(now.requested, now.granted), at=at)
    return None


def number_of(stopped: Suspension) -> int:
    """Who stopped it and why, in one byte."""
    return _PARTIES.index(stopped.by) * 16 + _GROUNDS.index(stopped.ground)


def suspension_of(number: int) -> Suspension:
    """Who stopped it and why."""
    party, ground = divmod(number, 16)
    return Suspension(_PARTIES[party], _GROUNDS[ground])


def bits_of(requested: Sequence[AttributeId], granted: Sequence[AttributeId]) -> int:
    """A bit for each attribute that was asked for, the first one lowest."""
    return sum(1 << place for place, each in enumerate(requested) if each in granted)


def attributes_of(requested: Sequence[AttributeId], bits: int) -> tuple[AttributeId, ...]:
    """The attributes whose bits are set."""
    return tuple(each for place, each in enumerate(requested) if bits >> place & 1)
