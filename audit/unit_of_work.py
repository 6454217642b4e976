"""The only way to write: `with begin(ledger, actor=…, now=…) as uow`.

Change and event are committed together or not at all. A unit of work that changed rows and
recorded nothing does not commit. It is a plain `with` and never a framework's dependency: no
answer leaves before the commit.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Connection, Engine

from audit.changes import changed, forget, watch
from audit.journal_line import JournalEntry
from audit.keys import KeyWrapper, RememberedKeys, keys_for, owner_of, period_of
from audit.model import Actor, ActorKind, Event
from audit.outside_journal import OutsideJournal
from audit.recording import Circumstances, write_events
from audit.scope import SERVICE, Scope, set_scope
from audit.telling import Outside, tell
from audit.transaction import Writer
from policies.ids import EventId, PersonId, new_uuid

if TYPE_CHECKING:
    from policies.decision_point import DecisionPoint


class UnaccountedChangeError(RuntimeError):
    """Rows were changed and no event says so: a programming error, nothing is committed."""


class Ledger:
    """The database and the wrapper of the log's keys: what a unit of work begins from."""

    def __init__(
        self,
        engine: Engine,
        log_keys: KeyWrapper,
        *,
        journal: OutsideJournal | None = None,
        rules: str | None = None,
        decisions: "DecisionPoint | None" = None,
        closing: "Sequence[Callable[[UnitOfWork], None]]" = (),
    ) -> None:
        self.engine = engine
        self.log_keys: KeyWrapper = RememberedKeys(log_keys)
        self.journal = journal
        """Hears of erasures and ended consents; None where a ledger only reads, and in tests."""
        self.rules = rules
        """SHA-256, in hexadecimal, of the catalogue by which decisions are made here."""
        self.decisions = decisions
        """What decides here; None for what comes with the program."""
        self.closing = tuple(closing)
        """What every unit of work does last, in its own transaction: what follows from its events
        by itself, so that no caller can forget it."""
        self.writer = Writer(engine)
        watch(engine)

    @contextmanager
    def read(self, about: PersonId | Scope = SERVICE) -> Iterator[Connection]:
        """A connection for reading; whatever is written through it is rolled back.

        About one person, it sees the rows of nobody else (audit.scope).
        """
        with self.engine.connect() as connection:
            set_scope(connection, about if isinstance(about, Scope) else Scope.of(about))
            yield connection


@dataclass(slots=True)
class UnitOfWork:
    """One transaction, who does it and when. Given only by `begin`."""

    connection: Connection
    ledger: Ledger
    actor: Actor
    now: datetime
    request: str | None = None
    """SHA-256, in lower-case hexadecimal, of the signed request that it answers."""
    _stated: list[tuple[EventId, Event]] = field(default_factory=list, init=False, repr=False)
    _outside: list[Outside] = field(default_factory=list, init=False, repr=False)
    _ended: bool = field(default=False, init=False, repr=False)
    _commitments: dict[EventId, bytes] = field(default_factory=dict, init=False, repr=False)

    @property
    def recorded(self) -> int:
        """How many events there are so far."""
        return len(self._stated)

    @property
    def stated(self) -> tuple[tuple[EventId, Event], ...]:
        """The events so far, with their ids."""
        return tuple(self._stated)

    def record(self, happened: Event) -> EventId:
        """State the event and give its id, for the rows that it explains.

        It is written at the end of the unit of work, with all others.
        """
        if self._ended:
            raise RuntimeError("this unit of work has ended")
        event_id = EventId(new_uuid())
        self._stated.append((event_id, happened))
        return event_id

    def tell_outside(self, entry: JournalEntry, *, may_be_late: bool) -> None:
        """Have the journal outside the database told, before the commit.

        Unless it may be late, the unit of work fails when the journal cannot be written.
        """
        self._outside.append(Outside(entry, may_be_late))

    def commitment_of(self, event_id: EventId) -> bytes:
        """The commitment of an event of this unit of work, to be promised (audit.promise).

        There is none before the block has ended: what is not committed must not be promised.
        """
        return self._commitments[event_id]

    def keyed_digest(self, person: PersonId, label: str, data: bytes) -> str:
        """HMAC-SHA-256 under the person's log key, hexadecimal.

        Proves later what was shown or stored, and says nothing once the key is destroyed, even
        where the data can be guessed.
        """
        owner = owner_of(person)
        period = period_of(self.now)
        _, key = keys_for(self.connection, self.ledger.log_keys, [owner], period=period)[owner]
        return hmac.new(key, label.encode() + b"\x00" + data, hashlib.sha256).hexdigest()

    def end(self) -> None:
        """Write what was stated, as the last thing in the transaction. Only `begin` calls it.

        Raises UnaccountedChangeError, EventNotWrittenError and JournalError: then nothing is
        committed.
        """
        self._ended = True
        if self._outside and self.ledger.journal is not None:
            # Before the events, since on PostgreSQL the COMMIT goes out with them.
            tell(self.connection, self.ledger.journal, self._outside, now=self.now)
        if self._stated:
            self._commitments = write_events(
                self.connection,
                self.ledger.log_keys,
                self._stated,
                Circumstances(actor=self.actor, now=self.now, request=self.request),
            )
        elif changed(self.connection):
            raise UnaccountedChangeError


@contextmanager
def begin(
    ledger: Ledger,
    *,
    actor: Actor,
    now: datetime,
    request: str | None = None,
    about: PersonId | Scope | None = None,
) -> Iterator[UnitOfWork]:
    """Open a unit of work: commits at the end of the block, rolls back on any exception.

    It sees the rows of the person that it is `about`, and of nobody else (audit.scope). Unless that
    is said, a person's own is about herself, and all others have the scope of the service.

    `now` is UTC and aware; `request` is the SHA-256, in hexadecimal, of the signed request that is
    answered, so that nobody can invent one.

    At the end of the block it raises UnaccountedChangeError when rows changed without an event,
    EventNotWrittenError when the database refused the events, and JournalError when the journal
    outside must know of an erasure and cannot be written: so nothing may leave before the block
    has ended. Units of work do not nest.
    """
    if now.tzinfo is None:
        raise RuntimeError("the time of a unit of work must say its zone")
    with ledger.writer.unaccounted_transaction(_scope(actor, about)) as connection:
        forget(connection)
        uow = UnitOfWork(connection, ledger, actor, now.astimezone(UTC), request)
        yield uow
        for act in ledger.closing:
            act(uow)
        uow.end()


def _scope(actor: Actor, about: PersonId | Scope | None) -> Scope:
    if isinstance(about, Scope):
        return about
    if about is not None:
        return Scope.of(about)
    if actor.kind is ActorKind.PERSON:
        return Scope.of(PersonId(UUID(actor.id)))
    return SERVICE
