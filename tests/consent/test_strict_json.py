"""JSON read strictly; most wrong inputs stand as files under `defects`."""

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.strict_json import StrictJsonError, parse_strict

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)
_INEXACT = ["1.0", "1e3", "NaN", "-Infinity", str(2**53), str(-(2**53)), "1" * 18, "-" + "1" * 17]


def _parse(text: str | bytes, *, max_bytes: int = 10_000, max_depth: int = 20) -> object:
    return parse_strict(text, max_bytes=max_bytes, max_depth=max_depth)


@given(_VALUES)
def test_what_json_writes_is_read(value: object) -> None:
    assert _parse(json.dumps(value)) == value


def test_size_is_counted_in_bytes() -> None:
    assert _parse('"ää"', max_bytes=6) == "ää"
    with pytest.raises(StrictJsonError, match="too-long"):
        _parse('"ää"', max_bytes=5)


def test_depth_is_exact_and_brackets_inside_strings_do_not_count() -> None:
    assert _parse('[{"a": "[[[[{{\\"[["}]', max_depth=2) == [{"a": '[[[[{{"[['}]
    with pytest.raises(StrictJsonError, match="too-deep"):
        _parse('[{"a": []}]', max_depth=2)


def test_siblings_do_not_add_up_to_depth() -> None:
    assert _parse("[[], [], {}]", max_depth=2) == [[], [], {}]


@pytest.mark.parametrize("text", ['"', "[1,]", "{'a': 1}", "[1] 2", "01", "+1", "\ufeff[]", "'"])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(StrictJsonError, match="not-json"):
        _parse(text)


@pytest.mark.parametrize("text", [*_INEXACT, "1" * 5000])
def test_a_number_that_is_no_exact_integer_is_refused(text: str) -> None:
    with pytest.raises(StrictJsonError, match="not-an-integer"):
        _parse(text)


def test_a_lone_surrogate_cannot_be_utf_8() -> None:
    with pytest.raises(StrictJsonError, match="not-utf-8"):
        _parse('"\ud800"')


def test_a_doubled_key_is_refused_at_any_depth() -> None:
    with pytest.raises(StrictJsonError, match="doubled-key"):
        _parse('[{"a": {"b": 1, "b": 1}}]')


@pytest.mark.parametrize("escaped", ['"\\ud800"', '["\\uDC00\\ud800"]', '{"\\udfff": 1}'])
def test_half_of_a_surrogate_pair_is_refused_also_when_escaped(escaped: str) -> None:
    with pytest.raises(StrictJsonError, match="half-character") as refused:
        _parse(escaped)
    assert refused.value.__cause__ is None


def test_a_whole_pair_is_one_character() -> None:
    assert _parse('"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


@pytest.mark.parametrize("end", ["", '"', "\\"])
def test_quotation_marks_without_end_cost_no_time(end: str) -> None:
    """A text that costs time by the square of its length would stop the server for minutes."""
    text = '"' + '\\"' * 500_000 + end
    begun = time.process_time()
    with suppress(StrictJsonError):
        _parse(text, max_bytes=2_000_000)
    assert time.process_time() - begun < 5
