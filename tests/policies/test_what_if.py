"""Other facts, and facts left open: what would be decided."""

import pytest

from policies.cedar_port import CedarPort
from policies.decision_inputs import decision_input
from policies.policy_set import load_policy_set
from policies.what_if import MOST, WhatIfError, closed_sets, outcomes
from tests.policies.asking import BY_STATE, DATA, SPECIAL, all_is_well

POLICIES = load_policy_set()
PORT = CedarPort(POLICIES)
WELL = decision_input(all_is_well("consent"), DATA)


def decided(**wishes: str) -> list[tuple[dict[str, str], bool, str]]:
    named = {path.replace("__", "."): value for path, value in wishes.items()}
    found = outcomes(PORT, WELL, named, POLICIES.schema_text)
    return [(dict(each.facts), each.decision.allowed, each.decision.reason) for each in found]


def fault(path: str, value: str) -> str:
    with pytest.raises(WhatIfError) as caught:
        list(outcomes(PORT, WELL, {path: value}, POLICIES.schema_text))
    assert caught.value.path == path
    return caught.value.reason


def test_without_a_wish_it_is_the_decision_itself() -> None:
    assert decided() == [({}, True, "consent-active")]


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("grant__state", "withdrawn", "withdrawn"),
        ("grant__granted", "income.gross", "more-than-accepted"),
        ("grant__notAfter", "-", "ended"),
        ("grant", "-", "no-ground"),
        ("token__expires", "-1", "token-ended"),
        ("token__revoked", "yes", "token-ended"),
        ("client__standing", "suspended", "client-suspended"),
        ("data__minLoa", "3", "loa-low"),
        ("requested", "income.yearly", "more-than-accepted"),
        ("basis", "statute", "no-ground"),
        ("basis", "unheard-of", "system-error"),
    ],
)
def test_another_fact_is_decided(path: str, value: str, reason: str) -> None:
    assert decided(**{path: value}) == [({}, False, reason)]


def test_a_fact_that_was_missing_can_be_given() -> None:
    without = {"grant__usesLeft": "-"}
    assert decided(**without)[0][1]
    named = {"grant.usesLeft": "-"}
    (first,) = outcomes(PORT, WELL, named, POLICIES.schema_text)
    again = outcomes(PORT, first.decision.input, {"grant.usesLeft": "0"}, POLICIES.schema_text)
    assert [each.decision.reason for each in again] == ["uses-spent"]


def test_an_open_fact_is_whatever_it_can_be() -> None:
    told = {facts["grant.state"]: reason for facts, _, reason in decided(grant__state="?")}
    assert told == {"active": "consent-active", **BY_STATE}
    times = decided(grant__notBefore="?", token__revoked="?")
    assert [(facts["token.revoked"], allowed) for facts, allowed, _ in times] == [
        ("yes", False), ("no", True), ("yes", False), ("no", True), ("yes", False), ("no", False),
    ]  # fmt: skip


def test_levels_of_assurance_can_be_left_open() -> None:
    special = decision_input(all_is_well("consent"), SPECIAL)
    found = outcomes(PORT, special, {"declaration.requiredLoa": "?"}, POLICIES.schema_text)
    assert [each.decision.reason for each in found] == ["loa-high", "loa-high", "consent-active"]


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("grant.nothing", "1", "no such fact"),
        ("nothing", "1", "no such fact"),
        ("mandate.theme", "x", "no such fact"),
        ("token.notBefore", "1", "no such fact"),
        ("token.revoked", "perhaps", "yes or no"),
        ("token.expires", "soon", "a number"),
        ("token", "x", "holds other facts"),
        ("grant.client", "?", "cannot be left open"),
        ("grant.granted", "?", "cannot be left open"),
        ("grant", "?", "cannot be left open"),
    ],
)
def test_what_cannot_be_asked_is_said(path: str, value: str, reason: str) -> None:
    assert reason in fault(path, value)


def test_too_much_left_open_is_refused() -> None:
    names = ("grant.state", "grant.basis", "declaration.basis", "client.kind", "grant.notAfter")
    with pytest.raises(WhatIfError, match=f"more than {MOST}"):
        list(outcomes(PORT, WELL, dict.fromkeys(names, "?"), POLICIES.schema_text))


def test_closed_sets_come_from_the_schema() -> None:
    found = closed_sets(POLICIES.schema_text)
    assert found["Standing"] == ("active", "suspended")
    assert len(found["State"]) == 13
