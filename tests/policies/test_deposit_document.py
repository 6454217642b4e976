"""The one form of what sources hand in: what it says, and each way in which it can be wrong."""

import json
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any

import jsonschema_rs
import pytest

from policies.catalogue import load_catalogue
from policies.deposit_document import (
    SCHEMA,
    DepositDocumentError,
    Stated,
    Subject,
    place_of_other,
    pointer_to,
    read_stated,
)
from policies.facts import Fact
from policies.ids import AttributeId, DatasetId, SourceId
from policies.schemas import embedded
from policies.vocabulary import AuthorityRank, Label

CATALOGUE = load_catalogue()
DIGEST = b"d" * 32
PERSON = "010199-9012"
CITY = "residence.city"
SPOUSE = "020202A902H"
OTHER = {"format": "national_id", "scheme": "urn:oid:1.2.246.21", "id": SPOUSE}
SIGNATURE = "e30..c2lnbmVk"


def document(**changed: Any) -> dict[str, Any]:
    """A good document; a member set to None is left out."""
    members = {
        "subject": {"format": "national_id", "scheme": "urn:oid:1.2.246.21", "id": PERSON},
        "dataset": "residence",
        "observed_at": "2026-11-20T07:30:00Z",
        "facts": {CITY: {"value": "Esimerkkilä"}},
    }
    return {name: value for name, value in (members | changed).items() if value is not None}


def stated(**changed: Any) -> Stated:
    return read_stated(document(**changed), digest=DIGEST, catalogue=CATALOGUE)


def fault(**changed: Any) -> tuple[str, str]:
    with pytest.raises(DepositDocumentError) as refused:
        stated(**changed)
    assert str(refused.value) == f"{refused.value.pointer}: {refused.value.reason}"
    return refused.value.pointer, refused.value.reason


def test_a_document_says_who_it_is_about_and_what() -> None:
    found = stated()
    assert (found.scheme, found.identifier) == ("urn:oid:1.2.246.21", PERSON)
    assert PERSON not in repr(found)
    assert (found.document.dataset, found.document.source) == ("residence", "vtj")
    assert found.document.digest == DIGEST
    assert found.document.facts == (
        Fact(
            attribute=AttributeId(CITY),
            value="Esimerkkilä",
            source=SourceId("vtj"),
            authority=AuthorityRank.AUTHORITATIVE_REGISTER,
            observed_at=datetime(2026, 11, 20, 7, 30, tzinfo=UTC),
        ),
    )


def test_a_fact_may_have_a_time_an_end_and_labels_of_its_own() -> None:
    own = {
        "value": "Esimerkkilä",
        "observed_at": "2026-11-01T00:00:00Z",
        "valid_to": "2026-12-31",
        "labels": ["protected"],
    }
    (fact,) = stated(facts={CITY: own}).document.facts
    assert fact.observed_at == datetime(2026, 11, 1, tzinfo=UTC)
    assert fact.valid_to == date(2026, 12, 31)
    assert fact.labels == {Label.PROTECTED}


def test_a_fact_may_be_about_others_who_are_not_people_of_the_vault_yet() -> None:
    found = stated(facts={CITY: {"value": "Esimerkkilä", "also_about": [OTHER]}})
    assert found.also_about == {CITY: (Subject("urn:oid:1.2.246.21", SPOUSE),)}
    assert found.document.facts[0].also_about == frozenset()
    assert SPOUSE not in repr(found)
    assert stated().also_about == {}
    assert found.subject == Subject("urn:oid:1.2.246.21", PERSON)


def test_a_document_may_bring_its_signature() -> None:
    document = stated(signature=SIGNATURE).document
    assert document.signature == document.evidence.signature == SIGNATURE
    assert SIGNATURE not in repr(document)


def test_another_source_may_state_it_and_is_believed_as_far_as_itself() -> None:
    document = stated(source="koski").document
    assert document.source == "koski"
    assert {fact.source for fact in document.facts} == {"koski"}
    assert document.dataset == DatasetId("residence")


def test_a_list_becomes_a_value_that_cannot_change() -> None:
    (fact,) = stated(facts={CITY: {"value": ["a", "b"]}}).document.facts
    assert fact.value == ("a", "b")


@pytest.mark.parametrize(
    ("changed", "pointer", "reason"),
    [
        ({"subject": None}, "#/subject", "missing"),
        ({"subject": {"format": "national_id", "id": PERSON}}, "#/subject/scheme", "missing"),
        (
            {"subject": {"format": "x", "scheme": "urn:oid:1.2.246.21", "id": PERSON}},
            "#/subject/format",
            "not-supported",
        ),
        (
            {"subject": {"format": "national_id", "scheme": "urn:x", "id": PERSON}},
            "#/subject/scheme",
            "not-supported",
        ),
        (
            {"subject": {"format": "national_id", "scheme": "urn:oid:1.2.246.21", "id": ""}},
            "#/subject/id",
            "wrong-size",
        ),
        ({"dataset": None}, "#/dataset", "missing"),
        ({"dataset": "Residence"}, "#/dataset", "wrong-form"),
        ({"dataset": "no-such"}, "#/dataset", "unknown-dataset"),
        ({"source": "no-such"}, "#/source", "unknown-source"),
        ({"observed_at": None}, "#/observed_at", "missing"),
        ({"observed_at": "2026-11-20"}, "#/observed_at", "wrong-form"),
        ({"observed_at": "2026-11-20T07:30:00+02:00"}, "#/observed_at", "wrong-form"),
        ({"observed_at": "2026-02-30T07:30:00Z"}, "#/observed_at", "no-such-time"),
        ({"facts": []}, "#/facts", "wrong-type"),
        ({"facts": {}}, "#/facts", "wrong-size"),
        ({"facts": {CITY: "Esimerkkilä"}}, f"#/facts/{CITY}", "wrong-type"),
        ({"facts": {CITY: {}}}, f"#/facts/{CITY}/value", "missing"),
        ({"facts": {CITY: {"value": None}}}, f"#/facts/{CITY}/value", "wrong-type"),
        ({"facts": {CITY: {"value": {}}}}, f"#/facts/{CITY}/value", "wrong-type"),
        ({"facts": {CITY: {"value": ""}}}, f"#/facts/{CITY}/value", "wrong-size"),
        ({"facts": {CITY: {"value": "x" * 4097}}}, f"#/facts/{CITY}/value", "wrong-size"),
        ({"facts": {CITY: {"value": 2**53}}}, f"#/facts/{CITY}/value", "wrong-size"),
        ({"facts": {CITY: {"value": [1]}}}, f"#/facts/{CITY}/value/0", "wrong-type"),
        (
            {"facts": {CITY: {"value": "a", "valid_to": "2026-02-30"}}},
            f"#/facts/{CITY}/valid_to",
            "no-such-time",
        ),
        (
            {"facts": {CITY: {"value": "a", "observed_at": "2026-02-30T00:00:00Z"}}},
            f"#/facts/{CITY}/observed_at",
            "no-such-time",
        ),
        (
            {"facts": {CITY: {"value": "a", "labels": ["art9"]}}},
            f"#/facts/{CITY}/labels/0",
            "not-supported",
        ),
        (
            {"facts": {CITY: {"value": "a", "labels": ["protected", "protected"]}}},
            f"#/facts/{CITY}/labels",
            "doubled",
        ),
        ({"facts": {"residence.no_such": {"value": "a"}}}, "#/facts", "unknown-attribute"),
        (
            {"facts": {CITY: {"value": "a", "also_about": []}}},
            f"#/facts/{CITY}/also_about",
            "wrong-size",
        ),
        (
            {"facts": {CITY: {"value": "a", "also_about": [OTHER, OTHER]}}},
            f"#/facts/{CITY}/also_about",
            "doubled",
        ),
        (
            {"facts": {CITY: {"value": "a", "also_about": [SPOUSE]}}},
            f"#/facts/{CITY}/also_about/0",
            "wrong-type",
        ),
        (
            {"facts": {CITY: {"value": "a", "also_about": [{**OTHER, "scheme": "urn:x"}]}}},
            f"#/facts/{CITY}/also_about/0/scheme",
            "not-supported",
        ),
        ({"signature": "e30.e30.c2ln"}, "#/signature", "wrong-form"),
        ({"signature": ""}, "#/signature", "wrong-size"),
        ({"signature": {"protected": "e30"}}, "#/signature", "wrong-type"),
    ],
)
def test_a_fault_is_told_by_its_place(changed: dict[str, Any], pointer: str, reason: str) -> None:
    assert fault(**changed) == (pointer, reason)


@pytest.mark.parametrize(
    "changed",
    [
        {PERSON: True},
        {"facts": {PERSON: {"value": "a"}}},
        {"facts": {CITY: {"value": "a", PERSON: 1}}},
        {"facts": {"190731973": {"value": {}}}},
        {"subject": {"format": "national_id", PERSON: "x"}},
    ],
)
def test_a_name_that_is_not_ours_is_not_repeated(changed: dict[str, Any]) -> None:
    pointer, _ = fault(**changed)
    assert PERSON not in pointer
    assert "190731973" not in pointer


def test_a_path_ends_at_the_first_name_that_is_not_ours() -> None:
    assert pointer_to(["facts", "Aino", "value"], CATALOGUE) == "#/facts"
    assert pointer_to(["facts", CITY, "labels", 0], CATALOGUE) == f"#/facts/{CITY}/labels/0"
    assert pointer_to([], CATALOGUE) == "#"
    other = place_of_other(AttributeId(CITY), 1)
    assert pointer_to(["facts", CITY, "also_about", 1, "id"], CATALOGUE) == other


def test_what_is_no_object_is_refused_as_a_whole() -> None:
    values: tuple[object, ...] = (None, [], 1, "a")
    for value in values:
        with pytest.raises(DepositDocumentError) as refused:
            read_stated(value, digest=DIGEST, catalogue=CATALOGUE)
        assert (refused.value.pointer, refused.value.reason) == ("#", "wrong-type")


def test_the_schema_is_a_schema_and_stands_alone_inside_another_document() -> None:
    path = files("policies") / "data" / "schema" / f"{SCHEMA}.schema.json"
    jsonschema_rs.meta.validate(json.loads(path.read_text()))
    inside = embedded(SCHEMA)
    assert "$" not in json.dumps(inside["properties"]).replace('$"', "")
    for changed in ({}, {"dataset": "Residence"}, {"source": "vtj"}, {"observed_at": "now"}):
        made = document(**changed)
        alone = jsonschema_rs.validator_for(inside).is_valid(made)
        assert alone == jsonschema_rs.validator_for(json.loads(path.read_text())).is_valid(made)
