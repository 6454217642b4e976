"""The consent as an ODRL Agreement: the model's demands hold, and every term is ODRL's own."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyshacl
import pytest
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import ODRL2, XSD

from consent.exchange.odrl import CONTEXT, odrl
from consent.exchange.source import Document
from tests.consent.exchange.examples import GIVEN, sources

# The library's own reader of JSON-LD still makes one.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")

SHAPES = Graph().parse(Path(__file__).parents[2] / "vectors/odrl-agreement-shapes.ttl")
ODRL = "http://www.w3.org/ns/odrl/2/"
_TERM: dict[str, Any] = {"@type": "@vocab"}
_IRI: dict[str, Any] = {"@type": "@id"}
# Own work: what the published context says of the members that we write (ODRL Vocabulary 2.2,
# appendix on JSON-LD). The address itself is not fetched in tests.
PUBLISHED: dict[str, Any] = {
    "@vocab": ODRL,
    "odrl": ODRL,
    "xsd": str(XSD),
    "uid": "@id",
    **{name: {"@id": f"odrl:{name}", **_TERM} for name in ("action", "leftOperand", "operator")},
    **{
        name: {"@id": f"odrl:{name}", **_IRI}
        for name in ("target", "assigner", "assignee", "informedParty", "constraint", "duty")
    },
}


def graph(document: Document) -> Graph:
    assert document["@context"][0] == CONTEXT
    resolved = {**document, "@context": [PUBLISHED, *document["@context"][1:]]}
    return Graph().parse(data=json.dumps(resolved), format="json-ld")


def conforms(document: Document) -> bool:
    return bool(pyshacl.validate(graph(document), shacl_graph=SHAPES)[0])


@pytest.mark.parametrize("name", GIVEN)
def test_it_is_an_agreement_of_the_model(name: str) -> None:
    assert conforms(odrl(sources()[name]))


@pytest.mark.parametrize("name", GIVEN)
def test_every_term_is_one_of_the_vocabulary(name: str) -> None:
    used = {
        str(term).removeprefix(ODRL)
        for triple in graph(odrl(sources()[name]))
        for term in triple
        if isinstance(term, URIRef) and str(term).startswith(ODRL)
    }
    assert len(used) > 15
    for term in used:
        assert ODRL2[term]  # a closed namespace, made of the published ontology


@pytest.mark.parametrize("member", ["assigner", "assignee", "permission"])
def test_what_is_left_out_of_the_agreement_is_missed(member: str) -> None:
    document = odrl(sources()["consent"])
    del document[member]
    assert not conforms(document)


@pytest.mark.parametrize("member", ["target", "action"])
def test_what_is_left_out_of_the_permission_is_missed(member: str) -> None:
    document = odrl(sources()["consent"])
    del document["permission"][0][member]
    assert not conforms(document)


@pytest.mark.parametrize("member", ["leftOperand", "operator", "rightOperand"])
def test_what_is_left_out_of_a_constraint_is_missed(member: str) -> None:
    document = odrl(sources()["consent"])
    del document["permission"][0]["constraint"][1][member]
    assert not conforms(document)


def _bounds(document: Document) -> dict[str, str]:
    return {
        each["operator"]: each["rightOperand"]["@value"]
        for each in document["permission"][0]["constraint"]
        if each["leftOperand"] == "dateTime"
    }


def test_it_is_bounded_by_purpose_time_and_number_of_uses() -> None:
    source = sources()["consent"]
    constraints = odrl(source)["permission"][0]["constraint"]
    assert [each["leftOperand"] for each in constraints] == [
        "purpose",
        "dateTime",
        "dateTime",
        "count",
    ]
    assert constraints[-1]["rightOperand"]["@value"] == "1"
    assert Literal("1", datatype=XSD.integer) in set(graph(odrl(source)).objects())


def test_a_consent_that_has_ended_is_bounded_by_its_end() -> None:
    source = sources()["withdrawn"]
    assert _bounds(odrl(source)) == {"gteq": "2026-11-24T09:00:00Z", "lt": "2026-11-24T10:00:00Z"}


def test_one_without_an_end_has_none() -> None:
    source = sources()["consent"]
    endless = replace(source.content, not_after=None, uses_allowed=None)
    document = odrl(replace(source, content=endless))
    assert set(_bounds(document)) == {"gteq"}
    assert conforms(document)


def test_only_what_was_given_is_permitted() -> None:
    source = sources()["withdrawn"]
    targets = odrl(source)["permission"][0]["target"]
    assert "urn:consent-vault:attribute:income.yearly_total" not in targets
    assert len(targets) == len(source.content.granted)
