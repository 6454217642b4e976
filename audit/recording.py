"""Events as a unit of work states them, sealed and written at its end: all of them at once.

At the end, because by then every row is locked that the unit of work will lock. So the keys of
all people concerned are asked for in one question, and the events go out together with the COMMIT.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from audit.disclosure import FieldValue, commitment, digests, disclose
from audit.keys import INSTALLATION, KeyWrapper, event_key, keys_for, owner_of, period_of
from audit.model import Actor, ActorKind, Event, Kind, written_time
from audit.seal import seal_parts
from audit.store.events import EventRow, insert_events
from policies.ids import EventId

Keys = Mapping[str, tuple[UUID, bytes]]
Parts = dict[str, dict[str, FieldValue]]
"""The fields of an event by the owner of the key that seals them."""


def write_events(
    connection: Connection,
    wrapper: KeyWrapper,
    stated: Sequence[tuple[EventId, Event]],
    *,
    actor: Actor,
    now: datetime,
) -> dict[EventId, bytes]:
    """Write the events as the last thing in the transaction; gives their commitments.

    Raises EventNotWrittenError.
    """
    parts = {event_id: _parts(happened, actor, now) for event_id, happened in stated}
    owners = sorted({owner for each in parts.values() for owner in each})
    keys = keys_for(connection, wrapper, owners, period=period_of(now))
    rows = [
        _row(event_id, happened, parts[event_id], keys, now=now) for event_id, happened in stated
    ]
    insert_events(connection, rows)
    return {EventId(row.event_id): row.commitment for row in rows}


def _row(
    event_id: EventId, happened: Event, parts: Parts, keys: Keys, *, now: datetime
) -> EventRow:
    disclosed = {owner: disclose(fields) for owner, fields in parts.items()}
    all_digests = digests({n: d for each in disclosed.values() for n, d in each.items()})
    return EventRow(
        event_id=event_id,
        at=now,
        commitment=commitment(event_id, all_digests),
        digests=b"".join(all_digests),
        sealed=seal_parts(event_id, _sealable(event_id, disclosed, keys)),
        kind=happened.kind,
        organisation=happened.organisation,
        purpose=happened.purpose,
        basis=happened.basis,
        subject=happened.subject,
    )


def _sealable(
    event_id: EventId, disclosed: Mapping[str, Mapping[str, str]], keys: Keys
) -> Iterator[tuple[UUID, bytes, list[str]]]:
    for owner, disclosures in disclosed.items():
        key_id, key = keys[owner]
        yield key_id, event_key(key, event_id), [*disclosures.values()]


def _parts(happened: Event, actor: Actor, now: datetime) -> Parts:
    """The subject's fields under her key, an acting person's name under that person's own."""
    owner = INSTALLATION if happened.subject is None else owner_of(happened.subject)
    actor_owner = str(actor) if actor.kind is ActorKind.PERSON else owner
    parts = {owner: _fields(happened, now)}
    parts.setdefault(actor_owner, {})["actor"] = str(actor)
    return parts


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
