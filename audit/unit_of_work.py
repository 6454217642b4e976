"""The only way to write: `with begin(ledger, actor=…, now=…) as uow`.

Change and event are committed together or not at all. A unit of work that changed rows and
recorded nothing does not commit. It is a plain `with` and never a framework's dependency: no
answer leaves before the commit.
"""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection, Engine

from audit.changes import changed, forget, watch
from audit.disclosure import FieldValue, commitment, digests, disclose
from audit.keys import (
    INSTALLATION,
    KeyWrapper,
    RememberedKeys,
    event_key,
    key_for,
    owner_of,
    period_of,
)
from audit.model import Actor, ActorKind, Event, Kind, written_time
from audit.seal import seal_parts
from audit.store.events import EventRow, insert_event
from audit.transaction import Writer
from policies.ids import EventId, PersonId, new_uuid


class UnaccountedChangeError(RuntimeError):
    """Rows were changed and no event says so, or somebody went on after an event could not be
    written: a programming error, nothing is committed."""


class Ledger:
    """The database and the wrapper of the log's keys: what a unit of work begins from."""

    def __init__(self, engine: Engine, log_keys: KeyWrapper) -> None:
        self.engine = engine
        self.log_keys: KeyWrapper = RememberedKeys(log_keys)
        self.writer = Writer(engine)
        watch(engine)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading; whatever is written through it is rolled back."""
        with self.engine.connect() as connection:
            yield connection


@dataclass(slots=True)
class UnitOfWork:
    """One transaction, who does it and when. Given only by `begin`."""

    connection: Connection
    ledger: Ledger
    actor: Actor
    now: datetime
    stated: int = field(default=0, init=False)
    recorded: int = field(default=0, init=False)
    _commitments: dict[EventId, bytes] = field(default_factory=dict, init=False, repr=False)

    def record(self, happened: Event) -> EventId:
        """Write the event into this transaction and give its id, for the rows that it explains."""
        self.stated += 1
        event_id = EventId(new_uuid())
        parts = [
            (key_id, key, disclose(fields))
            for key_id, key, fields in self._keyed_fields(event_id, happened)
        ]
        all_digests = digests({name: d for _, _, each in parts for name, d in each.items()})
        row = EventRow(
            event_id=event_id,
            at=self.now,
            commitment=commitment(event_id, all_digests),
            digests=b"".join(all_digests),
            sealed=seal_parts(event_id, [(i, key, [*each.values()]) for i, key, each in parts]),
            kind=happened.kind,
            organisation=happened.organisation,
            purpose=happened.purpose,
            basis=happened.basis,
            subject=happened.subject,
        )
        insert_event(self.connection, row)
        self._commitments[event_id] = row.commitment
        self.recorded += 1
        return event_id

    def commitment_of(self, event_id: EventId) -> bytes:
        """The commitment of an event of this unit of work, to be promised (audit.promise).

        Asked for after the block has ended: what is not committed must not be promised.
        """
        return self._commitments[event_id]

    def keyed_digest(self, person: PersonId, label: str, data: bytes) -> str:
        """HMAC-SHA-256 under the person's log key, hexadecimal.

        Proves later what was shown or stored, and says nothing once the key is destroyed, even
        where the data can be guessed.
        """
        _, key = self._key(owner_of(person))
        return hmac.new(key, label.encode() + b"\x00" + data, hashlib.sha256).hexdigest()

    def _keyed_fields(
        self, event_id: EventId, happened: Event
    ) -> list[tuple[UUID, bytes, dict[str, FieldValue]]]:
        """The fields by the key that seals them: the subject's, and an acting person's own."""
        owner = INSTALLATION if happened.subject is None else owner_of(happened.subject)
        fields = _fields(happened, self.now)
        actor_owner = str(self.actor) if self.actor.kind is ActorKind.PERSON else owner
        if actor_owner == owner:
            fields["actor"] = str(self.actor)
        keyed = [(*self._key(owner), fields)]
        if actor_owner != owner:
            keyed.append((*self._key(actor_owner), {"actor": str(self.actor)}))
        return [(key_id, event_key(key, event_id), part) for key_id, key, part in keyed]

    def _key(self, owner: str) -> tuple[UUID, bytes]:
        wrapper, period = self.ledger.log_keys, period_of(self.now)
        return key_for(self.connection, wrapper, owner=owner, period=period)


@contextmanager
def begin(ledger: Ledger, *, actor: Actor, now: datetime) -> Iterator[UnitOfWork]:
    """Open a unit of work: commits at the end of the block, rolls back on any exception.

    `now` is UTC and aware. Raises UnaccountedChangeError when rows changed without an event.
    Units of work do not nest.
    """
    if now.tzinfo is None:
        raise RuntimeError("the time of a unit of work must say its zone")
    with ledger.writer.unaccounted_transaction() as connection:
        forget(connection)
        uow = UnitOfWork(connection, ledger, actor, now.astimezone(UTC))
        yield uow
        # An event that failed may be half written on SQLite: in the log, and not in the queue.
        if uow.recorded != uow.stated or (not uow.recorded and changed(connection)):
            raise UnaccountedChangeError


def _fields(happened: Event, now: datetime) -> dict[str, FieldValue]:
    named = {
        "kind": Kind(happened.kind),
        "at": written_time(now),
        "subject": happened.subject,
        "organisation": happened.organisation,
        "client": happened.client,
        "consent": happened.consent,
        "purpose": happened.purpose,
        "basis": happened.basis,
        "reason": happened.reason,
        "reference": happened.reference,
        "case": happened.case,
        "digest": happened.digest,
    }
    fields: dict[str, FieldValue] = {k: str(v) for k, v in named.items() if v is not None}
    if happened.attributes:
        fields["attributes"] = list(happened.attributes)
    return fields
