"""Rows of decisions, insert-only."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy.dialects import postgresql

from audit.prepared import PreparedInsert, PreparedSelect
from consent.store.decision_tables import decision
from policies.decisions import Decision, KeptDecision
from policies.ids import EventId

_INSERT = {
    "sqlite": PreparedInsert(insert(decision)),
    "postgresql": PreparedInsert(postgresql.insert(decision).on_conflict_do_nothing()),
}


_IS_KEPT = PreparedSelect(
    select(decision.c.decided_at).where(
        decision.c.policy_set == bindparam("policy_set"),
        decision.c.input_digest == bindparam("input_digest"),
    )
)


def is_kept(connection: Connection, made: Decision) -> bool:
    """Whether the decision is there already."""
    name = {"policy_set": made.policy_set, "input_digest": made.input.digest}
    return _IS_KEPT.one_or_none(connection, name) is not None


def add(connection: Connection, made: Decision, *, at: datetime, event_id: EventId) -> None:
    """Keep a decision that is not there; of two at once on PostgreSQL, one."""
    row = {
        "policy_set": made.policy_set,
        "input_digest": made.input.digest,
        "input": made.input.document,
        "allowed": made.allowed,
        "reason": made.reason,
        "policies": made.policies,
        "decided_at": at,
        "audit_event_id": event_id,
    }
    _INSERT[connection.dialect.name].run(connection, row)


def find(connection: Connection, *, policy_set: str, input_digest: str) -> KeptDecision | None:
    """One decision."""
    row = connection.execute(
        select(decision).where(
            decision.c.policy_set == policy_set, decision.c.input_digest == input_digest
        )
    ).one_or_none()
    return None if row is None else _kept(row)


def every(connection: Connection) -> Iterator[KeptDecision]:
    """All of them, in the order in which they were first made."""
    order = (decision.c.decided_at, decision.c.policy_set, decision.c.input_digest)
    for row in connection.execute(select(decision).order_by(*order)):
        yield _kept(row)


def _kept(row: Any) -> KeptDecision:
    return KeptDecision(
        policy_set=row.policy_set,
        input_digest=row.input_digest,
        document=row.input,
        allowed=row.allowed,
        reason=row.reason,
        policies=row.policies,
        decided_at=row.decided_at,
    )
