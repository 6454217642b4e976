"""Whatever is done to a consent in whatever order, some things always hold."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from consent.lifecycle import (
    TRANSITIONS,
    GuardError,
    IllegalTransitionError,
    Party,
    WrongPartyError,
    apply,
)
from consent.model import LIVE, OPEN, Command, Status
from tests.consent.consents import a_consent, ground_for
from tests.consent.flow import NOW

_REFUSALS = (IllegalTransitionError, WrongPartyError, GuardError)
_FINAL = frozenset(Status) - OPEN - LIVE


class ConsentLife(RuleBasedStateMachine):
    """One consent, any command by anybody at any time, time only going forward."""

    @initialize(uses=st.none() | st.integers(1, 3))
    def open(self, uses: int | None) -> None:
        self.now = NOW
        self.consent = a_consent(
            status=Status.REQUESTED, version=0, uses_allowed=uses, uses_left=uses
        )
        self.history = [self.consent]
        self.answered = False

    @rule(hours=st.integers(1, 30))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(command=st.sampled_from(Command), party=st.sampled_from(Party))
    def anything(self, command: Command, party: Party) -> None:
        self._apply(command, party)

    @rule(data=st.data())
    def something_legal(self, data: st.DataObject) -> None:
        legal = [c for s, c in TRANSITIONS if s is self.consent.status]
        if legal:
            command = data.draw(st.sampled_from(legal))
            cell = TRANSITIONS[self.consent.status, command]
            self._apply(command, data.draw(st.sampled_from(sorted(cell.parties))))

    def _apply(self, command: Command, party: Party) -> None:
        before = self.consent
        try:
            ground = ground_for(command, party)
            self.consent, _ = apply(before, command, party=party, now=self.now, ground=ground)
        except _REFUSALS:
            assert self.consent is before
            return
        self.history.append(self.consent)
        self.answered = self.answered or self.consent.version > 0

    @invariant()
    def versions_never_go_back_nor_leap(self) -> None:
        for before, after in zip(self.history, self.history[1:], strict=False):
            assert before.version <= after.version <= before.version + 1

    @invariant()
    def what_is_final_never_lives_again(self) -> None:
        ended = False
        for each in self.history:
            assert not (ended and each.status in OPEN | LIVE)
            ended = ended or each.status in _FINAL

    @invariant()
    def only_an_answer_makes_it_active(self) -> None:
        if self.consent.status in LIVE | {Status.PENDING_JOINT}:
            assert self.consent.version > 0

    @invariant()
    def uses_never_fall_below_zero_and_no_active_one_is_spent(self) -> None:
        left = self.consent.uses_left
        assert left is None or left >= 0
        assert not (left == 0 and self.consent.status is Status.ACTIVE)

    @invariant()
    def unanswered_requests_have_no_version(self) -> None:
        assert self.answered or self.consent.version == 0


TestConsentLife = ConsentLife.TestCase
