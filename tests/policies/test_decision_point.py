"""The decision point: what is remembered, what is not, and which of several is told of first."""

from dataclasses import dataclass, field

import pytest

from policies.catalogue import load_catalogue
from policies.cedar_port import CedarPort
from policies.decision_inputs import DecisionInput
from policies.decision_point import UNKNOWN_KIND, DecisionPoint, packaged_decision_point
from policies.decisions import SYSTEM_ERROR, Decision
from policies.ids import OrganisationId
from policies.policy_set import load_policy_set
from policies.questions import Action, Question
from tests.policies.asking import all_is_well, changed

GLUCOSE = ("glucose.latest_value",)


@dataclass
class Port:
    """Decides by Cedar and counts how often; or fails."""

    broken: bool = False
    asked: list[DecisionInput] = field(default_factory=list)
    cedar: CedarPort = field(default_factory=lambda: CedarPort(load_policy_set()))

    @property
    def policy_set(self) -> str:
        return self.cedar.policy_set

    @property
    def faults(self) -> int:
        return self.cedar.faults

    def decide(self, asked: DecisionInput) -> Decision:
        self.asked.append(asked)
        return self.cedar._broken(asked) if self.broken else self.cedar.decide(asked)


def well() -> Question:
    gross = ("income.monthly_gross",)
    facts = {"requested": gross, "declaration.attributes": gross, "grant.granted": gross}
    return changed(all_is_well("consent"), {**facts, "token.attributes": gross})


def test_the_answer_to_the_same_question_is_remembered() -> None:
    port = Port()
    point = DecisionPoint(port, load_catalogue())
    first = point.decide(well())
    assert first.allowed
    assert point.decide(well()) is first
    assert len(port.asked) == 1


@pytest.mark.parametrize(
    "changes",
    [{"grant.state": "withdrawn"}, {"grant.not_after": 0}, {"grant.uses_left": 0}, {"token": None}],
)
def test_another_state_time_or_use_is_another_question(changes: dict[str, object]) -> None:
    point = DecisionPoint(Port(), load_catalogue())
    assert point.decide(well()).allowed
    assert not point.decide(changed(well(), changes)).allowed
    assert point.decide(well()).allowed


def test_a_failure_is_not_remembered() -> None:
    port = Port(broken=True)
    point = DecisionPoint(port, load_catalogue())
    assert point.decide(well()).reason == SYSTEM_ERROR
    assert point.faults == 1
    port.broken = False
    assert point.decide(well()).allowed


def test_what_is_remembered_is_bounded() -> None:
    port = Port()
    point = DecisionPoint(port, load_catalogue(), most=2)
    for name in ("a", "b", "c", "c", "a"):
        point.decide(well()._replace(client=name))
    assert len(port.asked) == 4


def test_the_denial_to_be_told_of_stands_before_all_others() -> None:
    point = packaged_decision_point()
    asked = [
        well(),
        well()._replace(dataset="glucose", requested=GLUCOSE),
        changed(well(), {"grant.state": "withdrawn"}),
    ]
    found = point.decide_all(asked)
    assert [each.reason for each in found] == ["withdrawn", "more-than-accepted", "consent-active"]


def test_data_of_special_categories_needs_the_high_level() -> None:
    held = {
        "requested": GLUCOSE,
        "dataset": "glucose",
        "declaration.attributes": GLUCOSE,
        "grant.granted": GLUCOSE,
        "token.attributes": GLUCOSE,
    }
    asked = changed(well(), held)
    assert packaged_decision_point().decide(asked).reason == "loa-high"
    high = changed(asked, {"declaration.required_loa": 3})
    assert packaged_decision_point().decide(high).allowed


def test_a_data_set_that_nobody_knows_is_refused() -> None:
    asked = changed(well(), {"dataset": "nothing"})
    assert packaged_decision_point().decide(asked).reason == "unknown-data"


def test_the_kind_of_an_organisation_is_the_catalogues() -> None:
    point = packaged_decision_point()
    assert point.kind(OrganisationId("kela")) == "authority"
    assert point.kind(OrganisationId("nobody")) == UNKNOWN_KIND


def test_what_comes_with_the_program_is_loaded_once() -> None:
    assert packaged_decision_point() is packaged_decision_point()
    assert packaged_decision_point().policy_set == load_policy_set().digest


def test_the_set_of_actions_is_the_schemas() -> None:
    assert set(Action) == {"fetch", "issueToken"}
