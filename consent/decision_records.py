"""Decisions kept for a replay: each question once for each set of policies, and about nobody.

An event names the digests of the policies and of the question by which it was decided; here stands
what they are digests of. So every logged decision can be made again, by the same policies or by
others, without opening what the log says of anybody.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from audit.unit_of_work import Ledger, UnitOfWork
from consent.store import decided as store
from policies.decision_inputs import DecisionInput
from policies.decisions import Decision, DecisionPort, KeptDecision
from policies.ids import EventId

_KEPT: WeakKeyDictionary[Ledger, set[tuple[str, str]]] = WeakKeyDictionary()
"""What is known to be in the database of a ledger; more than once is harmless."""


class DecisionDamagedError(ValueError):
    """A kept question is not what its digest says."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A kept decision, and what is decided now."""

    kept: KeptDecision
    now: Decision

    @property
    def same(self) -> bool:
        """Whether the person would be given the same answer."""
        return (self.kept.allowed, self.kept.reason) == (self.now.allowed, self.now.reason)

    @property
    def by_same_policies(self) -> bool:
        """Then it has to be the same, down to the policies that decided."""
        return self.kept.policy_set == self.now.policy_set


def keep(uow: UnitOfWork, made: Iterable[Decision], event_id: EventId) -> None:
    """Keep the decisions behind an event. What could not be decided has nothing to keep."""
    known = _KEPT.setdefault(uow.ledger, set())
    for each in made:
        name = (each.policy_set, each.input.digest)
        if name in known or not each.policies:
            continue
        # Known once it was found there: the transaction that writes it may still roll back.
        if store.is_kept(uow.connection, each):
            known.add(name)
        else:
            store.add(uow.connection, each, at=uow.now, event_id=event_id)


def kept(connection: Connection, *, policy_set: str, input_digest: str) -> KeptDecision | None:
    """The decision that an event names."""
    return store.find(connection, policy_set=policy_set, input_digest=input_digest)


def replay(connection: Connection, port: DecisionPort) -> Iterator[Replayed]:
    """Make every kept decision anew. Raises DecisionDamagedError."""
    for each in every(connection):
        yield Replayed(each, port.decide(input_of(each)))


def every(connection: Connection) -> Iterator[KeptDecision]:
    """All kept decisions, in the order in which they were first made."""
    return store.every(connection)


def input_of(each: KeptDecision) -> DecisionInput:
    """What a kept decision was made from. Raises DecisionDamagedError."""
    asked = DecisionInput.of_document(json.loads(each.document))
    if asked.digest != each.input_digest:
        raise DecisionDamagedError(each.input_digest)
    return asked
