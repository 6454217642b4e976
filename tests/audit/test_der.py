"""DER as far as time stamps need it: examples of X.690, and what is refused."""

from itertools import permutations

import pytest

from audit.der import (
    INTEGER,
    NULL,
    OCTET_STRING,
    SEQUENCE,
    SET,
    DerError,
    element,
    elements,
    encode,
    inside,
    integer,
    object_identifier,
    set_of,
    whole,
)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "020100"),
        (127, "02017f"),
        (128, "02020080"),
        (256, "02020100"),
        (2**63, "0209008000000000000000"),
    ],
)
def test_a_number_has_its_shortest_form_and_stays_positive(number: int, written: str) -> None:
    assert integer(number).hex() == written


@pytest.mark.parametrize(
    ("dotted", "written"),
    [
        ("2.999.3", "0603883703"),  # X.690 section 8.19.5
        ("1.2.840.113549", "06062a864886f70d"),
        ("2.16.840.1.101.3.4.2.1", "0609608648016503040201"),
        ("0.39", "060127"),
        ("1.0.0", "06022800"),
    ],
)
def test_object_identifiers_are_written_as_the_standard_does(dotted: str, written: str) -> None:
    assert object_identifier(dotted).hex() == written


@pytest.mark.parametrize(
    "dotted", ["", "1", "3.1", "1.40", "0.40", "1.2.-3", "1.02", "1.2.x", "1.2.", " 1.2", "-1.2"]
)
def test_what_is_no_object_identifier_is_refused(dotted: str) -> None:
    with pytest.raises(DerError):
        object_identifier(dotted)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65_535, 65_536])
def test_an_element_of_any_length_is_read_as_it_was_written(size: int) -> None:
    content = b"x" * size
    data = encode(OCTET_STRING, content)
    found = whole(data, OCTET_STRING)
    assert data[found.content : found.end] == content


def test_lengths_have_their_shortest_form() -> None:
    assert encode(OCTET_STRING, b"x" * 127)[:2].hex() == "047f"
    assert encode(OCTET_STRING, b"x" * 128)[:3].hex() == "048180"
    assert encode(OCTET_STRING, b"x" * 256)[:4].hex() == "04820100"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x01",
        b"\x30\x80\x00\x00",
        b"\x30\x84\x00\x00\x00\x00",
        b"\x30\x81",
        b"\x30\x82\x01",
    ],
    ids=["nothing", "no-length", "cut", "indefinite", "very-long", "no-octet", "one-octet-of-two"],
)
def test_an_element_that_is_cut_or_has_no_proper_length_is_refused(data: bytes) -> None:
    with pytest.raises(DerError):
        element(data, 0, len(data))


def test_an_element_does_not_reach_out_of_what_holds_it() -> None:
    data = encode(SEQUENCE, b"\x04\x05abc") + b"de"
    (outer,) = elements(data, 0, len(data) - 2)
    with pytest.raises(DerError):
        inside(data, outer, OCTET_STRING)


@pytest.mark.parametrize("data", [integer(1) + integer(2), integer(1)], ids=["more", "other"])
def test_whole_is_one_element_of_that_tag(data: bytes) -> None:
    with pytest.raises(DerError):
        whole(data, NULL if data == integer(1) else INTEGER)


def test_other_elements_than_expected_are_refused() -> None:
    data = encode(SEQUENCE, integer(1))
    outer = whole(data, SEQUENCE)
    assert len(inside(data, outer, INTEGER)) == 1
    for tags in ((OCTET_STRING,), (INTEGER, INTEGER)):
        with pytest.raises(DerError):
            inside(data, outer, *tags)


def test_a_set_has_one_encoding_whatever_the_order_of_its_members() -> None:
    members = [integer(300), integer(7), encode(OCTET_STRING, b"a"), encode(NULL)]
    made = {set_of(*order) for order in permutations(members)}
    assert len(made) == 1
    assert made.pop()[0] == SET
