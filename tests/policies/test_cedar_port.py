"""Whatever goes wrong in a decision, nothing is permitted: each way is tried."""

from collections.abc import Callable, Iterator
from typing import Any

import cedarpy
import pytest

from policies.cedar_port import LONGEST_SECONDS, CedarPort, Engine
from policies.decision_inputs import DecisionInput, decision_input
from policies.decisions import SYSTEM_ERROR
from policies.policy_set import RULES, SCHEMA, PolicySet, load_policy_set
from policies.questions import Question
from tests.policies.asking import DATA, all_is_well, changed

POLICIES = load_policy_set()
ALLOWED = {"decision": "Allow", "diagnostics": {"reason": ["read.by-consent"], "errors": []}}
WELL = decision_input(all_is_well("consent"), DATA)


def answering(**changes: Any) -> Engine:
    """An engine that allows, with something else about its answer."""
    answer = {**ALLOWED, **changes}
    return lambda *_: cedarpy.AuthzResult(answer)


def failing(error: Exception) -> Engine:
    def fail(*_: object) -> cedarpy.AuthzResult:
        raise error

    return fail


def ticking(*seconds: float) -> Callable[[], float]:
    times: Iterator[float] = iter(seconds)
    return lambda: next(times)


def refused(port: CedarPort, asked: DecisionInput = WELL) -> bool:
    decision = port.decide(asked)
    assert (decision.reason, decision.policies) == (SYSTEM_ERROR, ())
    assert port.faults == 1
    return not decision.allowed


def test_the_engine_of_these_tests_would_allow() -> None:
    assert CedarPort(POLICIES, engine=answering()).decide(WELL).allowed
    assert CedarPort(POLICIES).decide(WELL).allowed


def test_no_decision_is_a_denial() -> None:
    assert refused(CedarPort(POLICIES, engine=answering(decision="NoDecision")))


def test_an_error_of_any_policy_is_a_denial_though_cedar_allows() -> None:
    wrong = {"reason": ["read.by-consent"], "errors": ["while evaluating policy deny.ended: …"]}
    assert refused(CedarPort(POLICIES, engine=answering(diagnostics=wrong)))


def test_allowed_by_no_policy_is_a_denial() -> None:
    nobody: dict[str, list[str]] = {"reason": [], "errors": []}
    assert refused(CedarPort(POLICIES, engine=answering(diagnostics=nobody)))


@pytest.mark.parametrize(
    "error", [ValueError(), TypeError(), RuntimeError(), KeyError(), OverflowError()]
)
def test_an_exception_of_the_engine_is_a_denial(error: Exception) -> None:
    assert refused(CedarPort(POLICIES, engine=failing(error)))


def test_a_decision_that_took_too_long_is_a_denial() -> None:
    late = ticking(0.0, LONGEST_SECONDS + 0.001, 1.0, 1.001 + LONGEST_SECONDS)
    assert refused(CedarPort(POLICIES, clock=late))
    assert CedarPort(POLICIES, clock=ticking(0.0, LONGEST_SECONDS)).decide(WELL).allowed


def test_a_decision_that_took_too_long_once_is_made_again() -> None:
    port = CedarPort(POLICIES, clock=ticking(0.0, 2 * LONGEST_SECONDS, 1.0, 1.0))
    assert port.decide(WELL).allowed
    assert port.faults == 0


def test_an_error_in_explaining_is_a_denial_that_says_so() -> None:
    nothing = {"decision": "Deny", "diagnostics": {"reason": [], "errors": []}}
    wrong = {"decision": "Deny", "diagnostics": {"reason": [], "errors": ["while …"]}}
    answers = iter([nothing, wrong])
    port = CedarPort(POLICIES, engine=lambda *_: cedarpy.AuthzResult(next(answers)))
    assert refused(port)


def test_cedar_itself_lets_a_forbid_that_errs_through_where_no_schema_is() -> None:
    """Why there is no way here to decide without one."""
    forbid = PolicySet.of_texts(
        '@id("deny.x") @reason("ended") @law("GDPR") @rank("001") forbid (principal is '
        "Vault::Client, action, resource is Vault::DataSet) when { resource.minLoa > 1 };",
        RULES.joinpath(SCHEMA).read_text(encoding="utf-8"),
        reasons=["ended"],
    )
    permit = cedarpy.PolicySet.from_str("permit (principal, action, resource);")
    both = permit.with_added_str(str(forbid.deciding))
    entities = [each for each in WELL.entities if each["uid"]["type"] != "Vault::DataSet"]
    open_ = cedarpy.is_authorized(dict(WELL.request), both, entities)
    assert open_.allowed
    assert open_.diagnostics.errors


@pytest.mark.parametrize(
    "changes",
    [
        {"standing": "gone"},
        {"kind": "unheard-of"},
        {"basis": "charity"},
        {"grant.state": "activ"},
        {"action": "steal"},
        {"grant.not_after": "tomorrow"},
        {"grant.granted": (1,)},
        {"token.revoked": None},
    ],
)
def test_a_fact_that_the_schema_does_not_know_is_a_denial(changes: dict[str, Any]) -> None:
    asked = changed(all_is_well("consent"), changes)
    assert refused(CedarPort(POLICIES), decision_input(asked, DATA))


def test_a_missing_fact_is_a_denial_and_never_a_default() -> None:
    for name in ("basis", "purpose", "requested", "now"):
        request = {**WELL.request}
        request["context"] = {k: v for k, v in WELL.request["context"].items() if k != name}
        asked = DecisionInput.of_document({"request": request, "entities": WELL.entities})
        assert refused(CedarPort(POLICIES), asked)


def _decision(asked: Question) -> tuple[str, ...]:
    return CedarPort(POLICIES).decide(decision_input(asked, DATA)).policies


def test_what_decided_is_named() -> None:
    well = all_is_well("consent")
    assert _decision(well) == ("read.by-consent",)
    assert _decision(changed(well, {"grant.state": "withdrawn"})) == ("deny.withdrawn",)
    both = {"grant.state": "withdrawn", "token": None}
    assert _decision(changed(well, both)) == ("deny.withdrawn", "deny.token-ended")


def test_conditions_that_failed_are_named_where_nothing_was_forbidden() -> None:
    well = all_is_well("consent")
    assert _decision(changed(well, {"grant": None})) == ("read.by-consent#4",)
    wrong = {"grant.purpose": "purpose-2", "grant.not_before": 1}
    assert _decision(changed(well, wrong)) == ("read.by-consent#7", "read.by-consent#11")
    assert _decision(changed(well, {"grant.not_before": None})) == ("read.by-consent#10",)


def test_the_same_input_is_decided_alike_and_marked_by_its_digests() -> None:
    again = decision_input(all_is_well("consent"), DATA)
    one, other = CedarPort(POLICIES).decide(WELL), CedarPort(load_policy_set()).decide(again)
    assert one == other
    assert one.marks == (f"cedar:{POLICIES.digest}", f"input:{WELL.digest}")


def test_sets_stand_sorted_in_an_input() -> None:
    well = all_is_well("consent")
    turned = changed(well, {"requested": well.requested[::-1]})
    assert decision_input(turned, DATA).digest == WELL.digest
