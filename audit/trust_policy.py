"""Trust policies (C2SP tlog-policy): which logs and witnesses count, and how many are needed.

The same file serves whoever verifies, and the log itself, which asks the witnesses that have an
address in it. A line `log` with the log's bare name stands for all its half-years
(`audit.log_family`): the format forbids one key on two lines. Read strictly, as bytes: names are
octets whose meaning is nobody's business.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from audit.cosignature import (
    AnyVerifier,
    CosignatureVerifier,
    cosigned_at,
    parse_cosigner,
    parse_vkey,
)
from audit.note import NoteError, verified_lines

_Key = TypeVar("_Key", AnyVerifier, CosignatureVerifier)

NONE = "none"
_LONGEST = 1_000_000
_FORBIDDEN = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
_GAP = re.compile(rb"[ \t]+")
_THRESHOLD = re.compile(r"[1-9][0-9]{0,3}")


class PolicyError(ValueError):
    """A policy that cannot be used; says in which line and why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Log:
    """A log that counts."""

    verifier: AnyVerifier
    url: str | None


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness under the name that it has in this policy."""

    name: str
    verifier: CosignatureVerifier
    url: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses, or groups of them, of whom so many are needed."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who has cosigned a checkpoint, when, and whether it is enough."""

    cosigned: Mapping[str, datetime]
    """By the witnesses' names in the policy."""
    missing: tuple[str, ...]
    quorum: bool

    @property
    def newest(self) -> datetime | None:
        """The time of the newest cosignature: how fresh the checkpoint is known to be."""
        return max(self.cosigned.values(), default=None)


@dataclass(frozen=True, slots=True)
class Policy:
    """What is to be trusted."""

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str

    def reached(self, cosigned: Collection[str]) -> bool:
        """Whether these witnesses, by their names here, are enough."""
        if self.quorum == NONE:
            return True
        witnessed = set(cosigned)
        for group in self.groups:  # a group names only what stands before it
            if len(witnessed.intersection(group.members)) >= group.threshold:
                witnessed.add(group.name)
        return self.quorum in witnessed

    def judge(self, note: bytes, *, since: datetime | None = None) -> Verdict:
        """What the cosignatures of a checkpoint are worth; the log's own lines are not looked at.

        Cosignatures from before `since`, and those without a time, do not count. Raises NoteError
        when a known witness's signature is wrong.
        """
        names = {(w.verifier.name, w.verifier.key_id): w.name for w in self.witnesses}
        _, lines = verified_lines(note, [witness.verifier for witness in self.witnesses])
        cosigned: dict[str, datetime] = {}
        for line in lines:
            at = cosigned_at(line.verifier, line.signature)
            moment = None if at is None else moment_of(at)
            if moment is not None and (since is None or moment >= since):
                name = names[line.verifier.name, line.verifier.key_id]
                cosigned[name] = max(moment, cosigned.get(name, moment))
        missing = tuple(w.name for w in self.witnesses if w.name not in cosigned)
        return Verdict(cosigned, missing, self.reached(cosigned))


def parse_policy(data: bytes) -> Policy:
    """The policy in a file. Raises PolicyError."""
    if len(data) > _LONGEST:
        raise PolicyError(1, "the file is too long")
    if data and not data.endswith(b"\n"):
        raise PolicyError(data.count(b"\n") + 1, "the last line has no end")
    reader = _Reader()
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        reader.read(number, line)
    return reader.policy(max(1, data.count(b"\n")))


class _Reader:
    """Reads line after line; each refuses what the lines before it do not allow."""

    def __init__(self) -> None:
        self._number = 0
        self._logs: list[Log] = []
        self._witnesses: list[Witness] = []
        self._groups: list[Group] = []
        self._quorum: str | None = None
        self._members: set[str] = set()
        self._lines: dict[str, Callable[[list[str]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum_line,
        }

    def read(self, number: int, line: bytes) -> None:
        self._number = number
        if _FORBIDDEN.search(line):
            raise self._error("a control character")
        line = line.strip(b" \t")
        if not line or line.startswith(b"#"):
            return
        first, *rest = (each.decode("utf-8", "surrogateescape") for each in _GAP.split(line))
        if first not in self._lines:
            raise self._error("not a log, witness, group or quorum")
        self._lines[first](rest)

    def policy(self, number: int) -> Policy:
        if self._quorum is None:
            raise PolicyError(number, "no quorum")
        return Policy(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorum)

    def _log(self, words: list[str]) -> None:
        vkey, url = self._with_url(words, 1)
        verifier = self._key(vkey[0], parse_vkey)
        if any(_public(verifier) == _public(log.verifier) for log in self._logs):
            raise self._error("a key that stands on another line of a log")
        self._logs.append(Log(verifier, url))

    def _witness(self, words: list[str]) -> None:
        (name, vkey), url = self._with_url(words, 2)
        self._check_new(name)
        verifier = self._key(vkey, parse_cosigner)
        if any(_public(verifier) == _public(each.verifier) for each in self._witnesses):
            raise self._error("a key that stands on another line of a witness")
        self._witnesses.append(Witness(name, verifier, url))

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise self._error("a group without members")
        name, wanted, *members = words
        self._check_new(name)
        for member in members:
            if member not in self._names():
                raise self._error("a member that no line before names")
            if member in self._members:
                raise self._error("a member that is in a group already")
            self._members.add(member)
        self._groups.append(Group(name, self._threshold(wanted, len(members)), tuple(members)))

    def _quorum_line(self, words: list[str]) -> None:
        if self._quorum is not None:
            raise self._error("a second quorum")
        if len(words) != 1 or (words[0] != NONE and words[0] not in self._names()):
            raise self._error("a quorum that no line before names")
        self._quorum = words[0]

    def _with_url(self, words: list[str], count: int) -> tuple[list[str], str | None]:
        if len(words) not in {count, count + 1}:
            raise self._error("a line with too few words, or too many")
        return words[:count], words[count] if len(words) > count else None

    def _key(self, vkey: str, parse: Callable[[str], _Key]) -> _Key:
        try:
            return parse(vkey)
        except (NoteError, UnicodeEncodeError) as error:
            raise self._error("not a verification key for this line") from error

    def _check_new(self, name: str) -> None:
        if name == NONE or name in self._names():
            raise self._error("a name that is taken")

    def _names(self) -> set[str]:
        return {each.name for each in self._witnesses} | {each.name for each in self._groups}

    def _threshold(self, wanted: str, count: int) -> int:
        if wanted in {"any", "all"}:
            return 1 if wanted == "any" else count
        if not _THRESHOLD.fullmatch(wanted) or int(wanted) > count:
            raise self._error("a threshold that is none of all, any, or 1 to the number of members")
        return int(wanted)

    def _error(self, reason: str) -> PolicyError:
        return PolicyError(self._number, reason)


def _public(verifier: AnyVerifier) -> bytes:
    return verifier.key.public_bytes_raw()


def moment_of(at: int) -> datetime | None:
    """None for a time that no calendar has: the signature is right, and says nothing of use."""
    try:
        return datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        return None
