"""The receipt after Kantara 1.1: what its field tables demand is there."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft4Validator

from consent.exchange.kantara import kantara
from policies.processing import ProcessingRegister
from tests.consent.exchange.examples import GIVEN, sources
from tests.consent.flow import NOW

SCHEMA = json.loads((Path(__file__).parents[2] / "vectors/kantara-cr-1.1.schema.json").read_text())
VALIDATOR = Draft4Validator(SCHEMA)
OPTIONAL = {"language"}


@pytest.mark.parametrize("name", GIVEN)
def test_it_conforms(name: str) -> None:
    assert [each.message for each in VALIDATOR.iter_errors(kantara(sources()[name]))] == []


@pytest.mark.parametrize("member", sorted(set(SCHEMA["required"]) - OPTIONAL))
def test_what_is_left_out_is_missed(member: str) -> None:
    document = kantara(sources()["consent"])
    del document[member]
    assert not VALIDATOR.is_valid(document)


def test_only_what_was_given_stands_in_it() -> None:
    (service,) = kantara(sources()["withdrawn"])["services"]
    (purpose,) = service["purposes"]
    assert len(purpose["piiCategory"]) == len(sources()["withdrawn"].content.granted) == 3
    assert "2027" in purpose["termination"]


def test_it_tells_when_the_consent_was_given_also_after_its_end() -> None:
    assert kantara(sources()["withdrawn"])["consentTimestamp"] == int(NOW.timestamp())


def test_special_categories_are_named() -> None:
    document = kantara(sources()["special"])
    assert document["sensitive"] is True
    assert len(document["spiCat"]) == 2
    assert kantara(sources()["consent"])["spiCat"] == []


def test_what_the_recipient_has_not_told_is_empty() -> None:
    source = sources()["permission"]
    party: dict[str, Any] = dict(source.content.party)
    unknown = replace(source, register=ProcessingRegister({}, {}))
    (controller,) = kantara(unknown)["piiControllers"]
    assert controller["email"] == ""
    assert controller["address"]["streetAddress"] == party["party_url"]
    (controller,) = kantara(sources()["consent"])["piiControllers"]
    assert controller["email"] == "asiakaspalvelu@esimerkkipankki.example"


def test_without_an_end_it_ends_as_the_recipient_says() -> None:
    source = sources()["consent"]
    endless = replace(source, content=replace(source.content, not_after=None))
    (service,) = kantara(endless)["services"]
    termination = service["purposes"][0]["termination"]
    assert termination == source.words(source.content.retention)
