from hypothesis import given
from hypothesis import strategies as st

from policies.ids import AttributeId
from policies.minimisation import missing_required, split
from tests.policies.declarations import AMOUNT, PLACE, a_declaration

OTHER = AttributeId("pay.other")


def test_request_is_split_in_its_own_order() -> None:
    parts = split([PLACE, OTHER, AMOUNT], a_declaration())
    assert parts.allowed == (PLACE, AMOUNT)
    assert parts.outside == (OTHER,)


def test_empty_request_is_neither_allowed_nor_outside() -> None:
    parts = split([], a_declaration())
    assert parts.allowed == parts.outside == ()


@given(st.lists(st.sampled_from([AMOUNT, PLACE, OTHER])))
def test_nothing_of_a_request_is_lost_or_added(requested: list[AttributeId]) -> None:
    parts = split(requested, a_declaration())
    assert sorted(parts.allowed + parts.outside) == sorted(requested)
    assert OTHER not in parts.allowed


def test_what_is_needed_and_not_given_is_missing() -> None:
    assert missing_required([PLACE], a_declaration()) == (AMOUNT,)
    assert missing_required([AMOUNT], a_declaration()) == ()
