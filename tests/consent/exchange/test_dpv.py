"""The receipt in DPV: the shapes of its guide hold, and every term is one of the vocabulary."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyshacl
import pytest
from rdflib import Graph, URIRef
from rdflib.namespace import RDF

from consent.exchange.dpv import CONTEXT, dpv
from tests.consent.exchange.examples import EVERY, sources

# The library's own reader of JSON-LD still makes one.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")

VECTORS = Path(__file__).parents[2] / "vectors"
SHAPES = Graph().parse(VECTORS / "dpv-27560-shapes.ttl")
TERMS = frozenset((VECTORS / "dpv-2.3-terms.txt").read_text().split())
OF_DPV = tuple(iri for iri in CONTEXT.values() if iri.startswith("https://w3id.org/dpv"))
DPV = "https://w3id.org/dpv#"


def graph(document: dict[str, Any]) -> Graph:
    return Graph().parse(data=json.dumps(document), format="json-ld")


def faults(document: dict[str, Any]) -> str:
    conforms, _, text = pyshacl.validate(graph(document), shacl_graph=SHAPES)
    return "" if conforms else str(text)


@pytest.mark.parametrize("name", EVERY)
def test_it_has_the_shape_of_the_guide(name: str) -> None:
    assert faults(dpv(sources()[name])) == ""


@pytest.mark.parametrize("name", EVERY)
def test_every_term_is_one_of_the_vocabulary(name: str) -> None:
    used = {
        str(term)
        for triple in graph(dpv(sources()[name]))
        for term in triple
        if isinstance(term, URIRef) and str(term).startswith(OF_DPV) and "/schema/" not in term
    }
    assert used <= TERMS


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ("dct:conformsTo", "schema version missing"),
        ("dct:identifier", "record id missing"),
        ("dpv:hasDataSubject", "pii principal missing"),
        ("dpv:hasNotice", "notice missing"),
        ("dpv:hasProcess", "process missing"),
        ("dpv:hasDataController", "controller missing"),
        ("dpv:hasJurisdiction", "jurisdiction missing"),
        ("dpv:hasRecipient", "recipient missing"),
        ("dpv:hasConsentControl", "withdrawal method missing"),
        ("dpv:hasConsentStatus", "consent status missing"),
    ],
)
def test_what_is_left_out_of_the_record_is_missed(member: str, told: str) -> None:
    document = dpv(sources()["consent"])
    del document["dpv:hasRecordOfActivity"][member]
    assert told in faults(document)


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ("dct:conformsTo", "schema version missing"),
        ("dct:identifier", "receipt id missing"),
        ("dct:created", "created missing"),
        ("dpv:hasRecordOfActivity", "record missing"),
    ],
)
def test_what_is_left_out_of_the_receipt_is_missed(member: str, told: str) -> None:
    document = dpv(sources()["consent"])
    del document[member]
    assert told in faults(document)


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ("dpv:hasPurpose", "purpose missing"),
        ("dpv:hasPersonalData", "personal data missing"),
        ("dpv:hasStorageCondition", "storage condition missing"),
    ],
)
def test_what_is_left_out_of_the_process_is_missed(member: str, told: str) -> None:
    document = dpv(sources()["consent"])
    del document["dpv:hasRecordOfActivity"]["dpv:hasProcess"][member]
    assert told in faults(document)


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("refused", {"dpv:ConsentRefused"}),
        ("withdrawn", {"dpv:ConsentGiven", "dpv:ConsentWithdrawn"}),
        ("expired", {"dpv:ConsentGiven", "dpv:ConsentExpired"}),
    ],
)
def test_each_event_is_a_status(name: str, terms: set[str]) -> None:
    record = dpv(sources()[name])["dpv:hasRecordOfActivity"]
    assert {each["@type"] for each in record["dpv:hasConsentStatus"]} == terms


def test_each_attribute_has_its_choice() -> None:
    found = graph(dpv(sources()["withdrawn"]))
    choice = URIRef(f"{DPV}hasConsentStatus")
    choices = {
        str(data): str(found.value(data, choice))
        for data in found.objects(None, URIRef(f"{DPV}hasPersonalData"))
    }
    assert choices["urn:consent-vault:attribute:income.yearly_total"] == f"{DPV}ConsentRefused"
    assert choices["urn:consent-vault:attribute:income.monthly_gross"] == f"{DPV}ConsentGiven"


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("special", ["eu-gdpr:A6-1-a", "eu-gdpr:A9-2-a"]),
        ("permission", ["eu-dga:A2-6-Permission"]),
    ],
)
def test_the_ground_is_named_by_its_article(name: str, terms: list[str]) -> None:
    found = dpv(sources()[name])["dpv:hasRecordOfActivity"]["dpv:hasLegalBasis"]
    assert [each.get("@id", each.get("@type")) for each in found] == terms


def test_nothing_has_to_be_fetched_to_read_it() -> None:
    found = graph(dpv(sources()["consent"]))
    receipts = list(found.subjects(RDF.type, URIRef(f"{DPV}ConsentReceipt")))
    assert [str(each) for each in receipts] == [f"urn:uuid:{sources()['consent'].content.id}"]


def test_a_renewal_and_a_ground_without_a_law_have_their_terms() -> None:
    source = sources()["consent"]
    renewed = replace(source.content.happened, reason="renew")
    content = replace(source.content, events=(*source.content.events, renewed), law=None)
    record = dpv(replace(source, content=content))["dpv:hasRecordOfActivity"]
    assert record["dpv:hasConsentStatus"][-1]["@type"] == "dpv:RenewedConsentGiven"
    assert record["dpv:hasLegalBasis"] == [{"@id": "eu-gdpr:A6-1-a"}]
