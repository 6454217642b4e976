"""Whom a reader believes, and what a checkpoint must carry for her to believe it. Pure.

The log's own signature says what the operator shows her; cosignatures by witnesses that she names
say that others were shown the same, and when. So she may ask for a quorum of witnesses (C2SP
tlog-policy) and for a newest cosignature that is not too old.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from audit.checkpoint import Checkpoint
from audit.cosignature import AnyVerifier, parse_vkey
from audit.log_family import FollowedLogs
from audit.note import NoteError, Verifier, split_note, verified_lines
from audit.trust_policy import NONE, Policy

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


class QuorumError(ValueError):
    """Fewer witnesses have cosigned than the reader asks for."""


class StaleError(ValueError):
    """No witness has cosigned as lately as the reader asks for."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What a reader asks of a log. Without keys she believes whatever key comes with the log."""

    keys: tuple[AnyVerifier, ...] = ()
    """Keys of logs, besides those of the policy; one by a log's bare name is for all half-years."""
    policy: Policy | None = None
    since: datetime | None = None
    """The newest cosignature must not be older."""
    authorities: "tuple[Certificate, ...]" = ()
    """Roots of the authorities for time stamps."""

    @classmethod
    def of(cls, *vkeys: str) -> "Trust":
        """Trust in these keys of a log. Raises NoteError."""
        return cls(tuple(parse_vkey(vkey) for vkey in vkeys))

    @property
    def logs(self) -> tuple[AnyVerifier, ...]:
        """The keys of logs that the reader names."""
        return (*self.keys, *(log.verifier for log in (self.policy.logs if self.policy else ())))

    def in_the_log_alone(self) -> "Trust":
        """The same keys, and nothing asked of witnesses: who of them has cosigned is told."""
        policy = None if self.policy is None else replace(self.policy, quorum=NONE)
        return Trust(self.keys, policy)

    def at_any_time(self) -> "Trust":
        """The same, however long ago witnesses have cosigned."""
        return replace(self, since=None)

    def keys_of(self, origin: str, offered: Collection[Verifier]) -> tuple[Verifier, ...]:
        """The keys that may sign for this origin: those that came with it only if none is named."""
        if self.logs:
            return FollowedLogs(self.logs).verifiers(origin)
        return tuple(key for key in offered if key.name == origin)


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that is believed, and by whom it is signed."""

    checkpoint: Checkpoint
    log_keys: tuple[str, ...]
    """The verification keys of the log that have signed, as text."""
    cosigned: Mapping[str, datetime] = field(default_factory=dict)
    """The witnesses of the policy that have cosigned, and when."""


def open_believed(note: bytes, trust: Trust, *, offered: Collection[Verifier] = ()) -> Signed:
    """The checkpoint in a note, if it carries all that the reader asks for.

    `offered` are keys that came with the log: they count only when the reader names none. Raises
    CheckpointError, NoteError (no key of the log has signed), QuorumError or StaleError.
    """
    checkpoint = Checkpoint.parse(split_note(note)[0])
    _, lines = verified_lines(note, trust.keys_of(checkpoint.origin, offered))
    if not lines:
        raise NoteError("no signature by a trusted key of this log")
    log_keys = tuple(dict.fromkeys(line.verifier.vkey for line in lines))
    return Signed(checkpoint, log_keys, _cosigned(note, trust))


def _cosigned(note: bytes, trust: Trust) -> Mapping[str, datetime]:
    """Who has cosigned. The quorum may be of any age: what it saw once, it cannot see otherwise."""
    if trust.policy is None:
        if trust.since is not None:
            raise StaleError("no witness is named")
        return {}
    verdict = trust.policy.judge(note)
    if not verdict.quorum:
        raise QuorumError(f"missing: {', '.join(verdict.missing)}")
    if trust.since is not None and (verdict.newest is None or verdict.newest < trust.since):
        raise StaleError("the newest cosignature is too old")
    return verdict.cosigned
