"""Whether a person's sealed records are those that the log tells of.

The event of a deposit has the digest of what was sealed then, and the event of sealing anew one
over the digests that are kept beside the deposits (vault.resealing). So a row that was put back to
what it was once, or that somebody changed past us, is found, although it may open.
"""

from collections import defaultdict
from uuid import UUID

from sqlalchemy import Connection

from audit.reader import entry
from audit.scope import turn_to
from audit.unit_of_work import Ledger
from policies.ids import EventId, PersonId
from vault.digests import joint_digest
from vault.resealing import digests
from vault.store import keys as store


def differing_deposits(connection: Connection, ledger: Ledger, person: PersonId) -> list[UUID]:
    """The deposits whose records are not what the log says they were sealed as.

    Of what the log says no more, since its keys are destroyed or the event is archived, nothing is
    said here either. Raises SealedEventError.
    """
    turn_to(connection, person)
    found = digests([each.row for each in store.versions_of(connection, [person]).get(person, [])])
    told = _as_deposited(connection, ledger, person) | _as_resealed(connection, ledger, person)
    return sorted(
        deposit
        for deposit, digest in found.items()
        if (expected := told.get(deposit)) is not None and digest.hex() != expected
    )


def _as_deposited(connection: Connection, ledger: Ledger, person: PersonId) -> dict[UUID, str]:
    events = store.deposit_events(connection, person)
    told = {deposit: _digest(connection, ledger, event) for deposit, event in events.items()}
    return {deposit: digest for deposit, digest in told.items() if digest is not None}


def _as_resealed(connection: Connection, ledger: Ledger, person: PersonId) -> dict[UUID, str]:
    """The newest digest that is kept beside each deposit; none when the event says otherwise."""
    kept: dict[EventId, dict[UUID, bytes]] = defaultdict(dict)
    for each in store.resealed_of(connection, person):
        kept[each.event_id][each.deposit] = each.digest
    told: dict[UUID, str] = {}
    for event, parts in kept.items():
        expected = _digest(connection, ledger, event)
        good = expected is None or joint_digest(parts.items()).hex() == expected
        told |= {deposit: digest.hex() if good else "" for deposit, digest in parts.items()}
    return told


def _digest(connection: Connection, ledger: Ledger, event: EventId) -> str | None:
    found = entry(connection, ledger, event)
    return None if found is None else found.get("digest")
