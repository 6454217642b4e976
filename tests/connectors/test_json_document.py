"""Strict JSON: places as pointers, and the ways in which a reader can be attacked."""

import time
from decimal import Decimal

import pytest

from connectors.documents import DEEPEST, LARGEST, MalformedDocumentError
from connectors.json_document import read_json
from policies.ids import SourceId

SOURCE = SourceId("test")


def test_a_place_is_a_json_pointer() -> None:
    node = read_json(b'{"a": [{"b": null}]}', SOURCE).member("a").items()[0]
    assert node.place == "/a/0"
    assert node.optional("b") is None
    with pytest.raises(MalformedDocumentError) as refusal:
        node.member("b")
    assert refusal.value.place == "/a/0/b"


def test_a_node_does_not_show_its_value() -> None:
    assert "secret" not in repr(read_json(b'"secret"', SOURCE))


def test_numbers_are_as_written() -> None:
    items = read_json(b"[1.10, 7, 1E2, -0.0]", SOURCE).items()
    assert [str(item.decimal()) for item in items] == ["1.10", "7", "1E+2", "-0.0"]
    assert items[1].integer() == 7


@pytest.mark.parametrize("text", ["true", '"1"', "null"])
def test_what_is_no_number_is_not_made_one(text: str) -> None:
    (item,) = read_json(f"[{text}]".encode(), SOURCE).items()
    for read in (item.decimal, item.integer):
        with pytest.raises(MalformedDocumentError):
            read()


@pytest.mark.parametrize(
    "document",
    [b"1" * 14, b"1e13", b"1e-13", b"0." + b"1" * 50, b"-Infinity", b"1e1000000000", b"9" * 5000],
)
def test_a_number_out_of_range_is_refused(document: bytes) -> None:
    with pytest.raises(MalformedDocumentError):
        read_json(document, SOURCE)


def test_the_deepest_document_is_read_and_a_deeper_one_is_not() -> None:
    assert read_json(b"[" * DEEPEST + b"]" * DEEPEST, SOURCE).items()
    with pytest.raises(MalformedDocumentError, match="deeper"):
        read_json(b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), SOURCE)


def test_brackets_in_a_text_are_no_depth() -> None:
    assert read_json(b'"' + b'[\\"' * 1000 + b'"', SOURCE).value


@pytest.mark.parametrize(
    "document", [b'"' + b'\\"' * (LARGEST // 3), b'"\\' * (LARGEST // 3), b"[" * LARGEST]
)
def test_the_largest_malformed_document_is_refused_in_linear_time(document: bytes) -> None:
    started = time.process_time()
    with pytest.raises(MalformedDocumentError):
        read_json(document, SOURCE)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("value", ["0.0", "1"])
def test_zero_has_no_exponent_trouble(value: str) -> None:
    assert read_json(value.encode(), SOURCE).decimal() == Decimal(value)
