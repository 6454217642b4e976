"""The policies themselves: the table of decisions, the oracle beside them, and their form."""

from itertools import product

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.cedar_port import CedarPort
from policies.decision_inputs import DataFacts, decision_input
from policies.policy_set import RULES, load_policy_set
from policies.questions import Action, DeclarationFacts, GrantFacts, Question, TokenFacts
from policies.reasons import load_reasons
from tests.policies.asking import (
    BY_STATE,
    DATA,
    EMPLOYER,
    GROSS,
    GROUNDS,
    SPECIAL,
    YEARLY,
    Case,
    all_is_well,
    cases,
    changed,
)
from tests.policies.oracle import oracle

PORT = CedarPort(load_policy_set())
CASES = list(cases())


def _decided(asked: Question, data: DataFacts) -> tuple[bool, str]:
    decision = PORT.decide(decision_input(asked, data))
    return decision.allowed, decision.reason


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_table_of_decisions(case: Case) -> None:
    assert _decided(case.asked, case.data) == (case.allowed, case.reason)
    assert oracle(case.asked, case.data) == (case.allowed, case.reason)


def test_the_table_is_long_enough_and_names_each_case_once() -> None:
    assert len(CASES) >= 120
    assert len({case.name for case in CASES}) == len(CASES)


def test_every_policy_decides_a_case_of_the_table() -> None:
    decided = {
        policy
        for case in CASES
        for policy in PORT.decide(decision_input(case.asked, case.data)).policies
    }
    assert decided >= load_policy_set().bodies.keys()


def test_policies_and_plain_python_agree_over_a_bounded_product() -> None:
    """States, times, uses and tokens of a consent, with each other."""
    facts = product(
        ("active", "requested", "withdrawn", "expired"),
        (None, -1, 0, 1),
        (None, 0, 1),
        (None, 0, 1),
        (_TOKENS[0], None, _TOKENS[1]),
    )
    for state, not_before, not_after, uses, token in facts:
        asked = changed(
            all_is_well("consent"),
            {
                "grant.state": state,
                "grant.not_before": not_before,
                "grant.not_after": not_after,
                "grant.uses_left": uses,
                "token": token,
            },
        )
        assert _decided(asked, DATA) == oracle(asked, DATA), asked


_TOKENS = (
    TokenFacts(attributes=(GROSS, EMPLOYER), issued=-1, expires=1, revoked=False),
    TokenFacts(attributes=(GROSS,), issued=0, expires=0, revoked=True),
)
_orders = st.sampled_from([-1, 0, 1])
_attributes = st.lists(st.sampled_from([GROSS, EMPLOYER, YEARLY]), unique=True).map(tuple)
_grounds = st.sampled_from(sorted(GROUNDS))
_statuses = st.sampled_from(["approved", "approved", "suspended", "retired"])
_declarations = st.builds(
    DeclarationFacts, _statuses, _grounds, _attributes, st.integers(1, 3), st.booleans()
)
_grants = st.builds(
    GrantFacts,
    own=st.booleans(),
    client=st.sampled_from(["client-1", "client-2"]),
    purpose=st.sampled_from(["purpose-1", "purpose-2"]),
    basis=_grounds,
    state=st.sampled_from(["active", "active", *BY_STATE]),
    granted=_attributes,
    not_before=st.none() | _orders,
    not_after=st.none() | _orders,
    uses_left=st.none() | st.integers(0, 1),
)
_questions = st.builds(
    Question,
    action=st.sampled_from(list(Action)),
    client=st.just("client-1"),
    kind=st.sampled_from(["authority", "private", "unknown"]),
    standing=st.sampled_from(["active", "suspended"]),
    dataset=st.just("income"),
    requested=_attributes,
    purpose=st.just("purpose-1"),
    basis=_grounds,
    declaration=st.none() | _declarations,
    grant=st.none() | _grants,
    token=st.none() | st.builds(TokenFacts, _attributes, _orders, _orders, st.booleans()),
)


@given(asked=_questions, data=st.sampled_from([DATA, SPECIAL, DataFacts(DATA.attributes, 3)]))
@settings(max_examples=150, deadline=None)
def test_policies_and_plain_python_agree_whatever_is_asked(
    asked: Question, data: DataFacts
) -> None:
    assert _decided(asked, data) == oracle(asked, data)


@pytest.mark.parametrize("name", ["bounds.cedar", "ends.cedar", "grounds.cedar"])
def test_policies_are_formatted_as_cedar_formats_them(name: str) -> None:
    text = RULES.joinpath(name).read_text(encoding="utf-8")
    assert cedarpy.format_policies(text, 100, 2) == text


def test_every_file_of_policies_is_looked_at() -> None:
    found = {each.name for each in RULES.iterdir() if each.name.endswith(".cedar")}
    assert found == {"bounds.cedar", "ends.cedar", "grounds.cedar"}


def test_every_reason_of_a_policy_can_be_explained() -> None:
    policies = load_policy_set()
    assert {policies.reason(each) for each in policies.bodies} <= load_reasons().keys()
