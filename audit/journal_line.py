"""Lines of the journal outside the database: what an older backup must not undo. Pure.

A line says what happened by random ids and digests: its form has no place for anything else, so no
personal data can stand in it. A digest of what could be guessed and says something of a person is
keyed; those of clients, of public keys and of roles are not.
Each line has a MAC of its own and holds the MAC of the line before, so that one that is torn,
changed or missing is found, and all others still count.
"""

import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Self
from uuid import UUID

from audit.model import written_time
from policies.ids import ClientId, ConsentId, DisputeId, PersonId, RecordId

FIRST = bytes(32)
"""What the first line holds in the place of a MAC before it."""
LONGEST = 512
"""No line has more bytes, its newline included."""

_FORMAT = "consent-vault-journal/1"
_LABEL = b"consent-vault/journal-line/v1\x00"
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DIGEST = r"[0-9a-f]{64}"
_NUMBER = r"[1-9][0-9]{0,17}"
_LINE = re.compile(
    rf"{_FORMAT} ({_NUMBER}) (\S{{1,40}}) ([a-z-]{{1,40}}) ([0-9a-f -]{{1,200}})"
    rf" ({_DIGEST}) ({_DIGEST})\n"
)


class Told(StrEnum):
    """What a line tells."""

    PERSON_ERASED = "person-erased"
    DATASET_ERASED = "dataset-erased"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    """By the person."""
    CONSENT_ENDED = "consent-ended"
    """By its last use, by a newer one, or by somebody else who may."""
    CONSENT_PAUSED = "consent-paused"
    """Stopped for a while."""
    CONSENT_NARROWED = "consent-narrowed"
    """It gives less than before."""
    LOG_FORGOTTEN = "log-forgotten"
    """All log keys of a person were destroyed (audit.erasure)."""
    PEOPLE_MERGED = "people-merged"
    """Two records of one person became one."""
    VALUE_DISPUTED = "value-disputed"
    """The person said that a value is not so, and perhaps restricted it (GDPR article 18)."""
    DISPUTE_SETTLED = "dispute-settled"
    CLIENT_SUSPENDED = "client-suspended"
    CLIENT_KEYS_REPLACED = "client-keys-replaced"
    ROLE_REVOKED = "role-revoked"
    DECLARATION_SUSPENDED = "declaration-suspended"
    DECLARATION_RESUMED = "declaration-resumed"
    DECLARATION_RETIRED = "declaration-retired"


_FORMS = {
    Told.PERSON_ERASED: re.compile(f"{_ID} {_ID}"),
    Told.DATASET_ERASED: re.compile(f"{_ID} {_ID} {_DIGEST}"),
    Told.CONSENT_WITHDRAWN: re.compile(_ID),
    Told.CONSENT_ENDED: re.compile(_ID),
    Told.CONSENT_PAUSED: re.compile(f"{_ID} [0-9a-f]{{2}}"),
    Told.CONSENT_NARROWED: re.compile(f"{_ID} [0-9a-f]{{1,64}}"),
    Told.LOG_FORGOTTEN: re.compile(_ID),
    Told.PEOPLE_MERGED: re.compile(f"{_ID} {_ID}"),
    Told.VALUE_DISPUTED: re.compile(f"{_ID} {_ID} {_ID} {_DIGEST}"),
    Told.DISPUTE_SETTLED: re.compile(f"{_ID} {_ID} {_DIGEST}"),
    Told.CLIENT_SUSPENDED: re.compile(_DIGEST),
    Told.CLIENT_KEYS_REPLACED: re.compile(f"{_DIGEST} {_DIGEST}"),
    Told.ROLE_REVOKED: re.compile(f"{_ID} {_DIGEST}"),
    Told.DECLARATION_SUSPENDED: re.compile(_DIGEST),
    Told.DECLARATION_RESUMED: re.compile(_DIGEST),
    Told.DECLARATION_RETIRED: re.compile(_DIGEST),
}


class JournalLineError(ValueError):
    """Not a line of this journal: its form or its MAC is wrong."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """What is told. Made by the functions below only, each for one form."""

    what: Told
    at: datetime
    about: tuple[str, ...]

    def __post_init__(self) -> None:
        if _FORMS[self.what].fullmatch(" ".join(self.about)) is None:
            raise JournalLineError

    def id_at(self, place: int) -> UUID:
        """One of the ids that it is about."""
        return UUID(self.about[place])

    def __str__(self) -> str:
        return f"{written_time(self.at)} {self.what} {' '.join(self.about)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The entry that is written so, in this one way only. Raises JournalLineError."""
        try:
            at, what, *about = text.split(" ")
            entry = cls(Told(what), datetime.fromisoformat(at), tuple(about))
        except ValueError as error:
            raise JournalLineError from error
        if str(entry) != text:
            raise JournalLineError
        return entry


def person_erased(erasure: UUID, person: PersonId, *, at: datetime) -> JournalEntry:
    return JournalEntry(Told.PERSON_ERASED, at, (str(erasure), str(person)))


def dataset_erased(
    erasure: UUID, person: PersonId, blinded: bytes, *, at: datetime
) -> JournalEntry:
    """`blinded` is the keyed digest of person and data set: which one it is stays unsaid."""
    about = (str(erasure), str(person), blinded.hex())
    return JournalEntry(Told.DATASET_ERASED, at, about)


def consent_over(consent: ConsentId, *, withdrawn: bool, at: datetime) -> JournalEntry:
    what = Told.CONSENT_WITHDRAWN if withdrawn else Told.CONSENT_ENDED
    return JournalEntry(what, at, (str(consent),))


def consent_paused(consent: ConsentId, why: int, *, at: datetime) -> JournalEntry:
    """`why` stands for who stopped it and on which ground (`consent.journaling`)."""
    return JournalEntry(Told.CONSENT_PAUSED, at, (str(consent), f"{why:02x}"))


def consent_narrowed(consent: ConsentId, kept: int, *, at: datetime) -> JournalEntry:
    """`kept` has a bit for each attribute that was asked for, set where it is given still."""
    return JournalEntry(Told.CONSENT_NARROWED, at, (str(consent), f"{kept:x}"))


def log_forgotten(person: PersonId, *, at: datetime) -> JournalEntry:
    return JournalEntry(Told.LOG_FORGOTTEN, at, (str(person),))


def people_merged(first: PersonId, other: PersonId, *, at: datetime) -> JournalEntry:
    """All of the other is the first one's now."""
    return JournalEntry(Told.PEOPLE_MERGED, at, (str(first), str(other)))


def value_disputed(
    dispute: DisputeId, person: PersonId, record: RecordId, blinded: bytes, *, at: datetime
) -> JournalEntry:
    """`blinded` is the keyed digest of what the person says of the value."""
    about = (str(dispute), str(person), str(record), blinded.hex())
    return JournalEntry(Told.VALUE_DISPUTED, at, about)


def dispute_settled(
    dispute: DisputeId, person: PersonId, blinded: bytes, *, at: datetime
) -> JournalEntry:
    """`blinded` is the keyed digest of how it ended."""
    return JournalEntry(Told.DISPUTE_SETTLED, at, (str(dispute), str(person), blinded.hex()))


def client_suspended(client: ClientId, *, at: datetime) -> JournalEntry:
    return JournalEntry(Told.CLIENT_SUSPENDED, at, (digest_of(client),))


def client_keys_replaced(client: ClientId, keys: str, *, at: datetime) -> JournalEntry:
    """`keys` is the digest of the new ones, in hexadecimal."""
    return JournalEntry(Told.CLIENT_KEYS_REPLACED, at, (digest_of(client), keys))


def role_revoked(person: PersonId, role: str, *, at: datetime) -> JournalEntry:
    return JournalEntry(Told.ROLE_REVOKED, at, (str(person), digest_of(role)))


def declaration_stepped(what: Told, name: str, *, at: datetime) -> JournalEntry:
    """`name` is of one version of a declaration; it was suspended, resumed or retired."""
    return JournalEntry(what, at, (digest_of(name),))


def digest_of(name: str) -> str:
    """What stands for a name of ours, so that the form of a line needs no place for words."""
    return sha256(name.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class JournalLine:
    """An entry in its place."""

    number: int
    entry: JournalEntry
    previous: bytes
    mac: bytes

    @classmethod
    def after(cls, last: "JournalLine | None", entry: JournalEntry, key: bytes) -> Self:
        """The line that follows."""
        number = 1 if last is None else last.number + 1
        previous = FIRST if last is None else last.mac
        return cls(number, entry, previous, _mac(key, number, entry, previous))

    @classmethod
    def parse(cls, line: bytes, key: bytes) -> Self:
        """Raises JournalLineError unless it is a whole line that was written under the key."""
        found = _LINE.fullmatch(line.decode("ascii", errors="replace"))
        if found is None:
            raise JournalLineError
        number, at, what, about, previous, mac = found.groups()
        entry = JournalEntry.parse(f"{at} {what} {about}")
        parsed = cls(int(number), entry, bytes.fromhex(previous), bytes.fromhex(mac))
        if not hmac.compare_digest(parsed.mac, _mac(key, parsed.number, entry, parsed.previous)):
            raise JournalLineError
        return parsed

    def follows(self, last: "JournalLine | None") -> bool:
        """True when no line is missing between the two."""
        if last is None:
            return (self.number, self.previous) == (1, FIRST)
        return (self.number, self.previous) == (last.number + 1, last.mac)

    def __bytes__(self) -> bytes:
        return f"{_body(self.number, self.entry, self.previous)} {self.mac.hex()}\n".encode()


def _body(number: int, entry: JournalEntry, previous: bytes) -> str:
    return f"{_FORMAT} {number} {entry} {previous.hex()}"


def _mac(key: bytes, number: int, entry: JournalEntry, previous: bytes) -> bytes:
    return hmac.digest(key, _LABEL + _body(number, entry, previous).encode(), "sha256")
