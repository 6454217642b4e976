"""Whether a person's sealed records are those that the log tells of.

The event of a deposit has the digest of what was sealed then, and the event of sealing anew one
over the digests that are kept beside the deposits (vault.resealing). So a row that was put back to
what it was once, or that somebody changed past us, is found, although it may open.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection

from audit.check_cursor import Key
from audit.reader import entries_of
from audit.scope import turn_to
from audit.unit_of_work import Ledger
from policies.ids import EventId, PersonId
from vault.digests import joint_digest
from vault.resealing import digests
from vault.store import keys as store

_CHANGED = "changed"


def differing_deposits(connection: Connection, ledger: Ledger, person: PersonId) -> list[UUID]:
    """The deposits whose records are not what the log says they were sealed as, or are gone.

    Of what the log says no more, since its keys are destroyed or the event is archived, nothing is
    said here either. Raises SealedEventError.
    """
    turn_to(connection, person)
    found = digests([each.row for each in store.versions_of(connection, [person]).get(person, [])])
    deposited = store.deposit_events(connection, person)
    told = _told(connection, ledger, person, deposited)
    return sorted(
        deposit
        for deposit in {*found, *deposited}
        if deposit in told and found.get(deposit, b"").hex() != told[deposit]
    )


def people_after(
    connection: Connection, after: Key | None, limit: int
) -> Sequence[tuple[Key, PersonId]]:
    """A page of all people, for the completeness check. The connection sees everyone."""
    last = None if after is None else PersonId(UUID(str(after[0])))
    return [((each,), each) for each in store.people_after(connection, last, limit)]


def _told(
    connection: Connection, ledger: Ledger, person: PersonId, deposited: Mapping[UUID, EventId]
) -> dict[UUID, str]:
    """What the log says of each deposit: the newest digest, or a word that is none where what is
    kept beside the deposits is not what the event of sealing anew says."""
    resealed: dict[EventId, dict[UUID, bytes]] = defaultdict(dict)
    for each in store.resealed_of(connection, person):
        resealed[each.event_id][each.deposit] = each.digest
    said = _digests(connection, ledger, {*deposited.values(), *resealed})
    told = {deposit: said[event] for deposit, event in deposited.items() if event in said}
    for event, parts in resealed.items():
        good = event not in said or joint_digest(parts.items()).hex() == said[event]
        told |= {deposit: digest.hex() if good else _CHANGED for deposit, digest in parts.items()}
    return told


def _digests(
    connection: Connection, ledger: Ledger, events: Collection[EventId]
) -> dict[EventId, str]:
    """What the events say, as far as they can still be read."""
    entries = entries_of(connection, ledger, events)
    found = {event: each.get("digest") for event, each in entries.items()}
    return {event: digest for event, digest in found.items() if digest is not None}
