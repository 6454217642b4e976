"""The decision port by Cedar (cedarpy), which fails closed.

Cedar by itself does not: a `forbid` that errors is skipped, and the request is allowed. So any
error of any policy, an answer that is no decision, an exception of the engine and a decision that
takes too long are denials, with a reason of their own; and the schema is always on.
"""

import time
from collections.abc import Callable
from typing import Any

import cedarpy

from policies.decision_inputs import DecisionInput
from policies.decisions import SYSTEM_ERROR, Decision
from policies.policy_set import PolicySet
from policies.why_not import explaining, nearest

LONGEST_SECONDS = 0.05
"""Of the processor's time, in this thread: what another process takes is nobody's fault here."""

Engine = Callable[..., cedarpy.AuthzResult]
"""`cedarpy.is_authorized`, or what a test puts in its place."""

_ENGINE_ERRORS = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)


class CedarPort:
    """Decides by one policy set; another set is another port."""

    def __init__(
        self,
        policies: PolicySet,
        *,
        engine: Engine = cedarpy.is_authorized,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._policies = policies
        self._conditions = list(explaining(policies.bodies))
        # Made now, so that no decision waits for them.
        self._deciding, self._explaining = policies.deciding, policies.explaining
        self._engine = engine
        self._clock = clock
        self.faults = 0
        """How many decisions could not be made: each is a denial, and all are an alarm."""

    @property
    def policy_set(self) -> str:
        """Digest of the policies and their schema."""
        return self._policies.digest

    def decide(self, asked: DecisionInput) -> Decision:
        """The decision; denied with `system-error` when there is none.

        One that took too long is made once more: the program's own collection of garbage may have
        fallen into it, and does not fall into two.
        """
        return self._in_time(asked) or self._in_time(asked) or self._broken(asked)

    def _in_time(self, asked: DecisionInput) -> Decision | None:
        """The decision, None when it took too long."""
        began = self._clock()
        try:
            found = self._found(asked)
        except _ENGINE_ERRORS:
            found = None
        if self._clock() - began > LONGEST_SECONDS:
            return None
        return found or self._broken(asked)

    def _found(self, asked: DecisionInput) -> Decision | None:
        """What the engine says, None unless it is a decision without any error."""
        answer = self._ask(self._deciding, asked)
        if answer is None or answer.decision is cedarpy.Decision.NoDecision:
            return None
        named = sorted(answer.diagnostics.reasons, key=self._policies.rank)
        if named:
            return self._by_policies(asked, named, allowed=answer.allowed)
        return None if answer.allowed else self._by_no_permit(asked)

    def _ask(self, policies: cedarpy.PolicySet, asked: DecisionInput) -> cedarpy.AuthzResult | None:
        request: dict[str, Any] = dict(asked.request)
        answer = self._engine(request, policies, asked.entities, self._policies.schema)
        return None if answer.diagnostics.errors else answer

    def _by_policies(self, asked: DecisionInput, named: list[str], *, allowed: bool) -> Decision:
        return Decision(
            allowed=allowed,
            reason=self._policies.reason(named[0]),
            rank=self._policies.rank(named[0]),
            policies=tuple(named),
            input=asked,
            policy_set=self.policy_set,
        )

    def _by_no_permit(self, asked: DecisionInput) -> Decision | None:
        """Nothing forbids it and nothing permits it: which conditions fail?"""
        answer = self._ask(self._explaining, asked)
        if answer is None:
            return None
        failed = nearest(self._conditions, answer.diagnostics.reasons)
        return Decision(
            allowed=False,
            reason=failed[0].reason,
            rank=self._policies.rank(failed[0].permit),
            policies=tuple(each.id for each in failed),
            input=asked,
            policy_set=self.policy_set,
        )

    def _broken(self, asked: DecisionInput) -> Decision:
        self.faults += 1
        return Decision(
            allowed=False,
            reason=SYSTEM_ERROR,
            rank=0,
            policies=(),
            input=asked,
            policy_set=self.policy_set,
        )
