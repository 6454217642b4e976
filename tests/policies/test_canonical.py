"""Canonical JSON against the published examples of RFC 8785 (`vectors/rfc8785`)."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.canonical import NotCanonicalError, canonical_json, sha256_hex

VECTORS = Path(__file__).parent / "vectors" / "rfc8785"

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="ascii")), inner),
    max_leaves=20,
)


def vector(kind: str, name: str) -> bytes:
    return (VECTORS / kind / f"{name}.json").read_bytes()


@pytest.mark.parametrize("name", ["arrays", "structures", "unicode"])
def test_published_example_comes_out_byte_for_byte(name: str) -> None:
    # To RFC 8785 a 56.0 is a 56; here a float cannot stand for an integer.
    value = json.loads(vector("input", name), parse_float=lambda digits: int(float(digits)))
    assert canonical_json(value) == vector("output", name)


@pytest.mark.parametrize("name", ["french", "values", "weird"])
def test_published_example_outside_the_restricted_set_is_refused(name: str) -> None:
    with pytest.raises(NotCanonicalError):
        canonical_json(json.loads(vector("input", name)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("\u20ac$\u000f\nA'B\"\\/", '"€$\\u000f\\nA\'B\\"\\\\/"'),
        ("\b\t\f\r\x1f\x7f", '"\\b\\t\\f\\r\\u001f\x7f"'),
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        (("a", 2**53 - 1), f'["a",{2**53 - 1}]'),
        (-(2**53) + 1, f"{-(2**53) + 1}"),
    ],
)
def test_strings_and_integers_are_written_as_the_standard_says(
    value: object, expected: str
) -> None:
    assert canonical_json(value) == expected.encode()


@pytest.mark.parametrize(
    "value",
    [1.0, [0.5], {"a": 1.5}, 2**53, -(2**53), {1: "a"}, {"å": 1}, b"a", {"a"}, {"a": object()}],
)
def test_value_without_a_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(NotCanonicalError):
        canonical_json(value)


def test_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(NotCanonicalError) as refusal:
        canonical_json({"name": ["Aino \ud800"]})
    assert "Aino" not in str(refusal.value)
    assert refusal.value.__context__ is None


@given(VALUES)
def test_canonical_form_reads_back_as_the_value(value: object) -> None:
    assert json.loads(canonical_json(value)) == value


@given(VALUES)
def test_canonical_form_does_not_depend_on_the_order_of_members(value: object) -> None:
    def turned(part: object) -> object:
        match part:
            case dict():
                return {key: turned(part[key]) for key in reversed(part)}
            case list():
                return [turned(item) for item in part]
            case _:
                return part

    assert canonical_json(turned(value)) == canonical_json(value)


def test_digest_is_sha256_of_the_canonical_form_in_hexadecimal() -> None:
    assert sha256_hex({}) == hashlib.sha256(b"{}").hexdigest()
    assert sha256_hex({"a": 1}) != sha256_hex({"a": "1"})
