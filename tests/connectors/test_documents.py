"""What all connectors share about a document."""

import hashlib

import pytest

from connectors.documents import MalformedDocumentError, facts, whole
from policies.ids import SourceId
from tests.connectors.examples import RECEIVED

SOURCE = SourceId("test")


def test_what_a_document_does_not_say_is_no_fact() -> None:
    made = facts(SOURCE, {"a.b": 0, "a.c": None, "a.d": ""}, observed_at=RECEIVED)
    assert [fact.attribute for fact in made] == ["a.b", "a.d"]


def test_the_digest_is_of_the_bytes_as_they_came() -> None:
    made = facts(SOURCE, {"a.b": 1}, observed_at=RECEIVED)
    assert whole("a", SOURCE, made, b"{ }").digest == hashlib.sha256(b"{ }").digest()


def test_a_document_that_says_nothing_is_refused() -> None:
    with pytest.raises(MalformedDocumentError, match="says nothing about a"):
        whole("a", SOURCE, (), b"{}")


def test_a_value_is_not_shown() -> None:
    (fact,) = facts(SOURCE, {"a.b": "secret"}, observed_at=RECEIVED)
    assert "secret" not in repr(fact)
