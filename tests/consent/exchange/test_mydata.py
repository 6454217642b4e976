"""The consent as MyData records: a pair for each source, and a chain of statuses beside each."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from consent.exchange.mydata import mydata
from policies.ids import AttributeId
from tests.consent.exchange.examples import GIVEN, sources

SCHEMA = json.loads((Path(__file__).parents[2] / "vectors/mydata-cr-2.0.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA, validate_formats=True)


def pairs(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = mydata(sources()[name])["pairs"]
    return found


@pytest.mark.parametrize("name", GIVEN)
def test_it_conforms(name: str) -> None:
    assert [each.message for each in VALIDATOR.iter_errors(mydata(sources()[name]))] == []


@pytest.mark.parametrize("side", ["source", "sink"])
@pytest.mark.parametrize("member", SCHEMA["$defs"]["common"]["required"])
def test_what_is_left_out_is_missed(side: str, member: str) -> None:
    document = mydata(sources()["consent"])
    del document["pairs"][0][side]["cr"]["common_part"][member]
    assert not VALIDATOR.is_valid(document)


def test_there_is_a_pair_for_each_source() -> None:
    found = pairs("withdrawn")
    services = {each["source"]["cr"]["common_part"]["subject_id"] for each in found}
    assert services == {"incomes-register", "vtj"}
    given = [
        dataset
        for each in found
        for rule in each["sink"]["cr"]["role_specific_part"]["usage_rules"]
        for dataset in rule["datasets"]
    ]
    assert sorted(given) == sorted(sources()["withdrawn"].content.granted)


def test_the_sink_names_the_record_of_its_source() -> None:
    for each in pairs("withdrawn"):
        ours = each["sink"]["cr"]["role_specific_part"]["source_cr_id"]
        assert ours == each["source"]["cr"]["common_part"]["cr_id"]


def test_the_statuses_are_a_chain() -> None:
    for each in pairs("withdrawn"):
        for side in ("source", "sink"):
            first, second = each[side]["csr"]
            assert (first["consent_status"], first["prev_record_id"]) == ("Active", None)
            assert second["consent_status"] == "Withdrawn"
            assert second["prev_record_id"] == first["record_id"]


def test_a_source_does_not_learn_how_the_recipient_calls_the_person() -> None:
    principal = sources()["consent"].content.principal
    for each in pairs("consent"):
        assert principal not in json.dumps(each["source"])
        assert each["sink"]["cr"]["common_part"]["surrogate_id"] == principal


def test_what_has_left_the_catalogue_is_of_no_known_source() -> None:
    source = sources()["consent"]
    items = tuple(
        replace(each, attribute=AttributeId("gone.attribute")) for each in source.content.items
    )
    content = replace(source.content, items=items, not_before=None, not_after=None)
    document = mydata(replace(source, content=content))
    assert VALIDATOR.is_valid(document)
    common = document["pairs"][0]["source"]["cr"]["common_part"]
    assert (common["subject_id"], common["exp"]) == ("unknown", None)
