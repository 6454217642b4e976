"""Event promises: what a client holds in its hands before the log has given the event its place.

Pure. An answer leaves when its event is committed, and the tree grows a moment later. Were the
event dropped in between, nothing in the tree would tell. So each answer carries the event's
commitment signed by the log's keys: a promise that this very commitment will be a leaf within the
merge delay. Whoever holds a promise and a later log without that leaf has caught the operator.

A promise is a signed note (C2SP signed-note) under the bare name of the log, with five lines:
`consent-vault/event-promise/v1`, the name of the log, the event's id, its commitment in base64 and
the event's time (RFC 3339, UTC). In an HTTP header it stands in base64url without padding.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from audit.disclosure import leaf
from audit.merkle import HASH_SIZE
from audit.note import NoteSigner, NoteVerifier, Verifier, open_note, sign_note, split_note
from audit.shards import log_of, origin_of

MERGE_DELAY = timedelta(seconds=60)
"""Within this time after the event its leaf is in the signed tree."""

_TITLE = "consent-vault/event-promise/v1"
_LONGEST = 8192
_LINES = 5


class PromiseError(ValueError):
    """A text that is not a promise in its one form."""


@dataclass(frozen=True, slots=True)
class Promise:
    """That the log will hold this event."""

    origin: str
    """The bare name of the log: in which half-year the event comes is not known yet."""
    event_id: UUID
    commitment: bytes
    at: datetime

    def __str__(self) -> str:
        commitment = base64.b64encode(self.commitment).decode("ascii")
        at = self.at.isoformat(timespec="microseconds")
        return f"{_TITLE}\n{self.origin}\n{self.event_id}\n{commitment}\n{at}\n"

    @classmethod
    def parse(cls, text: str) -> "Promise":
        """Only the canonical form. Raises PromiseError."""
        lines = text.split("\n")
        if len(lines) != _LINES + 1 or lines[0] != _TITLE:
            raise PromiseError("not a promise")
        try:
            commitment = base64.b64decode(lines[3], validate=True)
            found = cls(lines[1], UUID(lines[2]), commitment, datetime.fromisoformat(lines[4]))
        except ValueError as error:
            raise PromiseError("malformed line") from error
        if len(commitment) != HASH_SIZE or not found.origin or str(found) != text:
            raise PromiseError("not in canonical form")
        if found.at.utcoffset() != timedelta(0):
            raise PromiseError("the time is not UTC")
        return found

    @property
    def entry(self) -> bytes:
        """What the log must hold."""
        return leaf(self.commitment)

    @property
    def due(self) -> datetime:
        """From when on the log must hold it."""
        return self.at + MERGE_DELAY


class PromiseSigner:
    """Makes promises with the log's keys, all of them while they are being changed."""

    def __init__(self, signers: Sequence[NoteSigner]) -> None:
        self._origin = signers[0].name
        self._signers = tuple(signers)

    def sign(self, event_id: UUID, commitment: bytes, at: datetime) -> bytes:
        """The note of the promise."""
        return sign_note(str(Promise(self._origin, event_id, commitment, at)), self._signers)


def open_promise(note: bytes, keys: Iterable[Verifier]) -> Promise:
    """The promise, signed by one of these keys of the log.

    It is the same key that signs the log of every half-year (`<origin>/2026h2`), so each of its
    names will do. Raises PromiseError and NoteError.
    """
    promise = Promise.parse(split_note(note)[0])
    known = [
        each
        for each in keys
        if isinstance(each, NoteVerifier)
        and each.name == origin_of(promise.origin, log_of(each.name))
    ]
    open_note(note, [NoteVerifier.of(promise.origin, each.key) for each in known])
    return promise


def to_header(note: bytes) -> str:
    """The note as the value of an HTTP header or of a JSON member."""
    return base64.urlsafe_b64encode(note).rstrip(b"=").decode("ascii")


def from_header(value: str) -> bytes:
    """The note again. Raises PromiseError."""
    if len(value) > _LONGEST:
        raise PromiseError("too long")
    try:
        note = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise PromiseError("not base64url") from error
    if to_header(note) != value:
        raise PromiseError("base64url not in canonical form")
    return note
