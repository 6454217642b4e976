"""The record under the standard's names: the closed schema of all its mandatory members holds."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from consent.exchange.record_27560 import record_27560
from policies.ids import OrganisationId
from policies.processing import ProcessingRegister
from policies.purpose_terms import PurposeTerms
from tests.consent.exchange.examples import EVERY, sources
from tests.consent.flow import catalogue

SCHEMA = json.loads((Path(__file__).parents[2] / "vectors/record-27560.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA, validate_formats=True)


def faults(document: Any) -> list[str]:
    return [each.message for each in VALIDATOR.iter_errors(document)]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where each member stands."""
    match value:
        case dict():
            found = [(*path, name) for name in value]
            return found + [p for k, v in value.items() for p in _places(v, (*path, k))]
        case list() if value:
            return _places(value[0], (*path, 0))
        case _:
            return []


def without(document: Any, place: tuple[Any, ...]) -> Any:
    copy = json.loads(json.dumps(document))
    inside = copy
    for step in place[:-1]:
        inside = inside[step]
    del inside[place[-1]]
    return copy


@pytest.mark.parametrize("name", [each for each in EVERY if each not in {"permission", "special"}])
def test_a_consents_record_conforms(name: str) -> None:
    assert faults(record_27560(sources()[name])) == []


def test_a_special_category_needs_its_own_ground_and_conforms_once_its_time_is_declared() -> None:
    source = sources()["special"]
    purpose = source.content.purpose
    record = record_27560(replace(source, register=_with_period(source.register, purpose)))
    assert faults(record) == []
    (found,) = record["processing"]["purposes"]
    assert found["lawful_basis"] == "A9-2-a"
    assert all(each["special_pii_category"] for each in found["pii_information"])
    assert faults(record_27560(source)) == ['"retention_period" is a required property']


def test_a_permission_stands_under_its_own_name_and_is_no_consent() -> None:
    record = record_27560(sources()["permission"])
    (found,) = record["processing"]["purposes"]
    assert found["lawful_basis"] == "permission"
    found["lawful_basis"] = "A6-1-a"
    assert faults(record) == []


def test_every_member_but_the_optional_ones_is_missed_when_it_is_left_out() -> None:
    record = record_27560(sources()["withdrawn"])
    unmissed = {place[-1] for place in _places(record) if not faults(without(record, place))}
    assert unmissed == {
        "authority_party", "loa", "party_role", "party_url", "pii_attribute_id",
        "privacy_rights", "sensitive_pii_category", "service", "special_pii_category",
    }  # fmt: skip


def test_the_choice_of_each_attribute_stands_in_it() -> None:
    record = record_27560(sources()["withdrawn"])
    (purpose,) = record["processing"]["purposes"]
    choices = {each["pii_attribute_id"]: each["granted"] for each in purpose["pii_information"]}
    assert choices["income.yearly_total"] is False
    assert choices["income.monthly_gross"] is True
    assert [each["event_state"] for each in record["events"]] == ["active", "withdrawn"]
    assert record["header"]["previous"].startswith("sha256:")


def test_what_the_declaration_says_itself_counts_before_the_register() -> None:
    terms = PurposeTerms(
        retention_period="P6M",
        storage_locations=("EE",),
        recipient_organisations=(OrganisationId("city-social"),),
    )
    record = record_27560(replace(sources()["special"], terms=terms))
    assert faults(record) == []
    (purpose,) = record["processing"]["purposes"]
    assert (purpose["retention_period"], purpose["storage_locations"]) == ("P6M", ["EE"])
    assert record["processing"]["recipient_third_parties"][1:] == ["city-social"]


def test_what_nobody_has_declared_is_left_open() -> None:
    source = replace(sources()["consent"], register=ProcessingRegister({}, {}))
    record = record_27560(source)
    (purpose,) = record["processing"]["purposes"]
    assert not {"storage_locations", "retention_period"} & set(purpose)
    assert record["parties"][0]["party_address"] == source.content.party["party_url"]


def test_an_attribute_that_has_left_the_catalogue_keeps_its_place() -> None:
    emptied = replace(catalogue(), attributes={})
    record = record_27560(replace(sources()["consent"], catalogue=emptied))
    (purpose,) = record["processing"]["purposes"]
    assert {each["pii_type"] for each in purpose["pii_information"]} == {"dpv:PersonalData"}


def _with_period(register: ProcessingRegister, purpose: Any) -> ProcessingRegister:
    return replace(register, purposes={**register.purposes, purpose: "P1Y"})
