"""Strict XML: places as paths, and no document type whatever."""

import pytest

from connectors.documents import DEEPEST, MalformedDocumentError
from connectors.xml_document import Place, read_xml
from policies.ids import SourceId

SOURCE = SourceId("test")


def read(document: bytes) -> Place:
    return read_xml(document, SOURCE, roots={"a", "x"})


def test_a_place_is_a_path_with_numbers() -> None:
    place = read(b"<a><b/><b><c>7</c></b></a>").children("b")[1].child("c")
    assert place.path == "/a/b[2]/c[1]"
    assert place.integer() == 7


def test_a_place_does_not_show_its_value() -> None:
    assert "secret" not in repr(read(b"<a>secret</a>"))


@pytest.mark.parametrize(
    "document",
    [
        b"<!DOCTYPE a><a/>",
        b"<!DOCTYPE a [<!ELEMENT a ANY>]><a/>",
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>',
        b'<?xml version="1.0"?><!-- x --><!DOCTYPE a PUBLIC "x" "y"><a/>',
    ],
)
def test_any_document_type_is_refused(document: bytes) -> None:
    with pytest.raises(MalformedDocumentError, match="document type"):
        read(document)


def test_the_deepest_document_is_read_and_a_deeper_one_is_not() -> None:
    assert read(b"<x>" * DEEPEST + b"</x>" * DEEPEST).name == "x"
    with pytest.raises(MalformedDocumentError, match="deeper"):
        read(b"<x>" * 100_000)


def test_too_many_elements_are_refused() -> None:
    with pytest.raises(MalformedDocumentError, match="more than 200000 elements"):
        read(b"<a>" + b"<b/>" * 200_001 + b"</a>")


@pytest.mark.parametrize("text", ["", "-1", "007", "1.0", "1234567890", "\u0661"])
def test_a_whole_number_has_one_form(text: str) -> None:
    with pytest.raises(MalformedDocumentError, match="is not a whole number"):
        read(f"<a>{text}</a>".encode()).integer()


def test_a_declared_encoding_does_not_change_how_the_bytes_are_read() -> None:
    document = '<?xml version="1.0" encoding="ISO-8859-1"?><a>ä</a>'.encode()
    assert read(document).text() == "ä"


def test_the_name_of_a_root_that_is_not_known_is_not_repeated() -> None:
    with pytest.raises(MalformedDocumentError) as refusal:
        read(b'<Meikalainen xmlns="urn:x"/>')
    assert str(refusal.value) == "test: the document: has a root that is not known"
