"""Does anybody outside know more of our log than our own database? Then a backup was restored.

Whoever went on signing would fork the log: two trees of one size with different entries, each
signed by us, which is what this log promises never to happen. So before anything is signed the
tree in the database is held against the last checkpoint that is known outside it: the copy in a
file (`audit.outside_copy`) and what each witness has cosigned. Evidence counts only with our own
signature, so no witness can stop a log by inventing a size.

Two ways lead out. The lost entries come back, from a newer copy of the database. Or they do not:
then the log is begun anew under another origin (`2026h2b`), whose first leaf is the checkpoint
that is known outside: so everybody sees the gap, and nobody is shown a second history.
"""

import string
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection

from audit.checkpoint import Checkpoint
from audit.model import Actor, Event, Kind
from audit.note import NoteError, Verifier, open_note, split_note
from audit.outside_copy import OutsideCopy, OutsideCopyError
from audit.shards import log_of, shard_at
from audit.store import tree as store
from audit.store import witnessing
from audit.tree import StoredTree, TreeDamagedError
from audit.unit_of_work import Ledger, begin

_WAY_OUT = (
    "was a backup restored? Nothing is signed. Bring the lost entries back from a newer copy of"
    " the database, or begin the log anew with: consent-vault audit new-log (docs/operator.md)"
)

_RENAMED = "of the log {}, which is not the name of ours: set CONSENT_VAULT_LOG_NAME back to it"
_NOT_OURS = "not signed by the log's keys; bring the file, or the keys, back from the backup"
_NOT_WRITTEN = "cannot be written, so nothing further is signed"

Verifiers = Callable[[str], Collection[Verifier]]
"""Our own keys for one log."""


class RestoredBackupError(TreeDamagedError):
    """Somebody outside has a checkpoint of ours that the database does not lead up to."""


class NothingLostError(Exception):
    """Nobody knows more than the database, so there is no reason to begin a log anew."""


class ForkedError(Exception):
    """Two checkpoints of one size with different roots are known outside: no log goes on from both.

    This is not a lost backup but proof of two histories; it is for the auditor.
    """


@dataclass(frozen=True, slots=True)
class Seen:
    """A checkpoint of ours that is known outside the database, and where it was found."""

    where: str
    note: bytes
    log: str
    checkpoint: Checkpoint

    @classmethod
    def of(cls, where: str, note: bytes, verifiers: Verifiers) -> "Seen":
        """Raises NoteError or CheckpointError unless one of our own keys has signed it."""
        claimed = Checkpoint.parse(split_note(note)[0])
        log = log_of(claimed.origin)
        return cls(where, note, log, Checkpoint.parse(open_note(note, verifiers(log))))

    @property
    def place(self) -> tuple[str, int]:
        """Log and size, in order of time."""
        return self.log, self.checkpoint.size


def check_seen(connection: Connection, seen: Seen) -> None:
    """Raises RestoredBackupError unless the database's tree leads up to this checkpoint."""
    if _settled(connection, seen):
        return
    last = store.last_checkpoint(connection, seen.log)
    size = 0 if last is None else last.size
    known = seen.checkpoint
    what = f"{seen.where} has the checkpoint of size {known.size} of {known.origin}"
    if size < seen.checkpoint.size:
        raise RestoredBackupError(f"{what}, the database ends at {size}: {_WAY_OUT}")
    if StoredTree(connection, seen.log, seen.checkpoint.size).root() != seen.checkpoint.root:
        raise RestoredBackupError(f"{what}, with another root than the database: {_WAY_OUT}")


def _settled(connection: Connection, seen: Seen) -> bool:
    """Whether a log was begun anew from this checkpoint, or from a later one that continues it."""
    for start in witnessing.log_starts(connection):
        known = Checkpoint.parse(split_note(start.previous)[0])
        if known.origin != seen.checkpoint.origin:
            continue
        if known == seen.checkpoint:
            return True
        if known.size > seen.checkpoint.size and not _contradicts(connection, seen):
            return True
    return False


def _contradicts(connection: Connection, seen: Seen) -> bool:
    """Whether what is left of the log here has another root at that size.

    Where the entries are lost nothing here can tell: the log was begun anew since they are.
    """
    last = store.last_checkpoint(connection, seen.log)
    known = seen.checkpoint
    if last is None or last.size < known.size:
        return False
    return StoredTree(connection, seen.log, known.size).root() != known.root


class RollbackGuard:
    """Stands before the signature: `prepare` asks outside, `check` decides, `publish` moves on."""

    def __init__(
        self,
        copy: OutsideCopy,
        verifiers: Verifiers,
        ask: Callable[[Sequence[str]], Sequence[Seen]] = lambda _logs: (),
    ) -> None:
        self._copy = copy
        self._verifiers = verifiers
        self._ask = ask
        self._asked: set[str] = set()
        self._lock = threading.Lock()
        self._seen: tuple[Seen, ...] = ()
        self._fits: bytes | None = None
        self._unwritten: bytes | None = None

    def prepare(self, logs: Sequence[str]) -> None:
        """Once for each log, before its first signature: ask the witnesses what they know of it.

        For each: a backup from before the half-year does not know that its log was begun.

        Outside any transaction. A witness that does not answer holds nobody up: the copy in the
        file is there for that, and the witness itself refuses what does not continue its tree.
        """
        new = [log for log in logs if log not in self._asked]
        if new:
            self.found(self._ask(new))
            self._asked.update(new)

    def found(self, seen: Sequence[Seen]) -> None:
        """Take note of checkpoints that were found outside; from any thread."""
        with self._lock:
            self._seen = (*self._seen, *seen)

    def check(self, connection: Connection) -> None:
        """Raises RestoredBackupError or OutsideCopyError when nothing may be signed."""
        if self._unwritten is not None:
            self._move_to(self._unwritten)
        note = self._copy.read()
        if note is not None and note != self._fits:
            check_seen(connection, self._own(note))
            self._fits = note
        found = self._seen
        for seen in found:
            check_seen(connection, seen)
        with self._lock:  # not what was found meanwhile
            self._seen = tuple(each for each in self._seen if each not in found)

    def known_outside(self) -> list[Seen]:
        """Everything that is known outside now: the file and what was found."""
        note = self._copy.read()
        return [*([] if note is None else [self._own(note)]), *self._seen]

    def problem(self, connection: Connection) -> str | None:
        """Why nothing may be signed, in words for the operator; None when all is well."""
        if self._unwritten is not None:
            return str(OutsideCopyError(self._copy.path, _NOT_WRITTEN))
        try:
            for seen in self.known_outside():
                check_seen(connection, seen)
        except (TreeDamagedError, OutsideCopyError) as error:  # a restored backup is one of them
            return str(error)
        return None

    def publish(self, _checkpoint: Checkpoint, note: bytes) -> None:
        """Move the copy on to a checkpoint that is committed.

        Where it cannot be written no other checkpoint follows (`check` tries again first): the
        copy would tell less and less, and nobody would know.
        """
        self._unwritten = note
        self._move_to(note)

    def _move_to(self, note: bytes) -> None:
        try:
            moved = self._copy.advance(note)
        except OSError as error:
            raise OutsideCopyError(self._copy.path, _NOT_WRITTEN) from error
        self._unwritten = None
        if moved:
            self._fits = note

    def _own(self, note: bytes) -> Seen:
        origin = Checkpoint.parse(split_note(note)[0]).origin
        if origin not in {verifier.name for verifier in self._verifiers(log_of(origin))}:
            # An address has changed, and with it the name of the log: readers and witnesses would
            # see another log, and nobody that the old one ended.
            raise OutsideCopyError(self._copy.path, _RENAMED.format(origin))
        try:
            return Seen.of(f"the copy in {self._copy.path}", note, self._verifiers)
        except NoteError as error:
            raise OutsideCopyError(self._copy.path, _NOT_OURS) from error


def begin_anew(
    ledger: Ledger, known_outside: Sequence[Seen], *, actor: Actor, now: datetime
) -> str:
    """Begin a new log after a loss; gives its name.

    It goes on from the largest checkpoint that is known outside, which becomes its first leaf.
    Raises NothingLostError or ForkedError.
    """
    with ledger.read() as connection:
        lost = [seen for seen in known_outside if not _leads_up_to(connection, seen)]
        taken = [*store.logs(connection), *(row.log for row in witnessing.log_starts(connection))]
    if not lost:
        raise NothingLostError
    last = max(lost, key=lambda seen: seen.place)
    if any(s.place == last.place and s.checkpoint != last.checkpoint for s in lost):
        raise ForkedError
    log = _next_name([*taken, last.log, shard_at(now)])
    with begin(ledger, actor=actor, now=now) as uow:
        digest = sha256(str(last.checkpoint).encode()).hexdigest()
        event = uow.record(Event(kind=Kind.LOG_BEGUN_ANEW, reference=log, digest=digest))
        start = witnessing.LogStartRow(log, last.note, now)
        witnessing.insert_log_start(uow.connection, start, event)
    return log


def _leads_up_to(connection: Connection, seen: Seen) -> bool:
    try:
        check_seen(connection, seen)
    except RestoredBackupError:
        return False
    return True


def _next_name(taken: Sequence[str]) -> str:
    """The half-year of the newest log with the next free letter: `2026h2`, then `2026h2b`."""
    newest = max(taken)
    letters = string.ascii_lowercase
    used = newest[6:] or "a"
    return newest[:6] + letters[letters.index(used) + 1]
