"""Events as a unit of work states them, sealed and written at its end: all of them at once.

At the end, because by then every row is locked that the unit of work will lock. So whoever waits
for a person's chain here holds up nobody who waits for anything else, the keys and chains of all
people concerned are asked for in one question, and the events go out together with the COMMIT.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from audit.disclosure import FieldValue, commitment, digests, disclose
from audit.keys import INSTALLATION, KeyWrapper, event_key, keys_for, owner_of, period_of
from audit.model import Actor, ActorKind, Event, Kind, written_time
from audit.person_chain import Part, Position
from audit.seal import seal_parts
from audit.store.events import EventRow, insert_events
from audit.store.heads import lock_heads, moves
from policies.ids import EventId, PersonId

Keys = Mapping[str, tuple[UUID, bytes]]
Fields = dict[str, FieldValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a unit of work knows of each of its events."""

    actor: Actor
    now: datetime
    request: str | None = None
    """SHA-256, in lower-case hexadecimal, of the signed request that it answers."""

    @property
    def person(self) -> PersonId | None:
        """The person who acts, if it is one."""
        return PersonId(UUID(self.actor.id)) if self.actor.kind is ActorKind.PERSON else None

    def acting(self, happened: Event) -> PersonId | None:
        """A person who acts, but on somebody else or on nobody."""
        return None if self.person == happened.subject else self.person


def write_events(
    connection: Connection,
    wrapper: KeyWrapper,
    stated: Sequence[tuple[EventId, Event]],
    around: Circumstances,
) -> dict[EventId, bytes]:
    """Write the events as the last thing in the transaction; gives their commitments.

    Raises EventNotWrittenError.
    """
    owners = _owners(stated, around)
    period = period_of(around.now)
    found, places = lock_heads(connection, owners, period=period)
    keys = keys_for(connection, wrapper, list(owners), period=period, found=found)
    rows = [_row(event_id, happened, around, keys, places) for event_id, happened in stated]
    insert_events(connection, rows, moves(connection, places))
    return {EventId(row.event_id): row.commitment for row in rows}


def _owners(
    stated: Sequence[tuple[EventId, Event]], around: Circumstances
) -> dict[str, PersonId | None]:
    """Under whose keys the events are sealed, and whose chains they stand in."""
    owners: dict[str, PersonId | None] = {}
    for _, happened in stated:
        owners[_owner(happened)] = happened.subject
        acting = around.acting(happened)
        if acting is not None:
            owners[owner_of(acting)] = acting
    return owners


def _row(
    event_id: EventId,
    happened: Event,
    around: Circumstances,
    keys: Keys,
    places: dict[PersonId, Position],
) -> EventRow:
    """The event in its row; the places that it takes are moved on."""
    acting = around.acting(happened)
    parts = _parts(happened, around, places)
    disclosed = {owner: disclose(fields) for owner, fields in parts.items()}
    all_digests = digests({n: d for each in disclosed.values() for n, d in each.items()})
    committed = commitment(event_id, all_digests)
    for person in (happened.subject, acting):
        if person is not None:
            places[person] = places[person].next(committed)
    return EventRow(
        event_id=event_id,
        at=around.now,
        commitment=committed,
        digests=b"".join(all_digests),
        sealed=seal_parts(event_id, _sealable(event_id, disclosed, keys)),
        kind=happened.kind,
        organisation=happened.organisation,
        purpose=happened.purpose,
        basis=happened.basis,
        subject=happened.subject,
        acting=acting,
        visible_from=happened.visible_from,
    )


def _sealable(
    event_id: EventId, disclosed: Mapping[str, Mapping[str, str]], keys: Keys
) -> Iterator[tuple[UUID, bytes, list[str]]]:
    for owner, disclosures in disclosed.items():
        key_id, key = keys[owner]
        yield key_id, event_key(key, event_id), [*disclosures.values()]


def _owner(happened: Event) -> str:
    return INSTALLATION if happened.subject is None else owner_of(happened.subject)


def _parts(
    happened: Event, around: Circumstances, places: Mapping[PersonId, Position]
) -> dict[str, Fields]:
    """The subject's fields under her key, another acting person's name and place under that
    person's own."""
    acting, actor = around.acting(happened), str(around.actor)
    fields = _fields(happened, around)
    if happened.subject is not None:
        fields |= places[happened.subject].fields(Part.SUBJECT)
    if acting is None:
        return {_owner(happened): fields | {"actor": actor}}
    place = places[acting].fields(Part.ACTOR)
    return {_owner(happened): fields, owner_of(acting): {"actor": actor, **place}}


def _fields(happened: Event, around: Circumstances) -> Fields:
    named = {
        "kind": Kind(happened.kind),
        "at": written_time(around.now),
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
        "token": happened.token,
        "request": around.request,
        "on_behalf_of": happened.on_behalf_of,
        "mandate": happened.mandate,
        "visible_from": happened.visible_from and written_time(happened.visible_from),
    }
    fields: Fields = {k: str(v) for k, v in named.items() if v is not None}
    for name in ("attributes", "policy"):
        if listed := getattr(happened, name):
            fields[name] = list(listed)
    return fields
