"""The receipt as a FHIR R5 Consent: the model of the standard takes it, and denies by default."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from fhir.resources.consent import Consent
from pydantic import ValidationError

from consent.exchange.fhir import fhir
from consent.model import Status
from consent.receipt_content import ReceiptContent
from tests.consent.exchange.examples import EVERY, sources


def model(document: dict[str, Any]) -> Consent:
    return Consent.model_validate_json(json.dumps(document))


@pytest.mark.parametrize("name", EVERY)
def test_the_model_of_the_standard_takes_it_whole(name: str) -> None:
    document = fhir(sources()[name])
    again = json.loads(model(document).model_dump_json())
    assert set(again) == set(document)
    assert again["status"] == document["status"]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("status", 1),
        ("date", "yesterday"),
        ("period", "2026"),
        ("category", [1]),
        ("grantee", {}),
        ("permission", "x"),
    ],
)
def test_the_model_refuses_what_is_not_of_the_standard(member: str, value: object) -> None:
    with pytest.raises(ValidationError):
        model(fhir(sources()["consent"]) | {member: value})


def test_the_model_misses_the_status_that_every_consent_has() -> None:
    document = fhir(sources()["consent"])
    del document["status"]
    with pytest.raises(ValidationError):
        model(document)


def test_the_signed_receipt_goes_along() -> None:
    source = sources()["consent"]
    (attachment,) = fhir(source)["sourceAttachment"]
    assert base64.b64decode(attachment["data"]).decode() == source.jws


def test_everything_is_denied_but_what_was_given() -> None:
    source = sources()["withdrawn"]
    resource = fhir(source)
    assert resource["decision"] == "deny"
    (provision,) = resource["provision"]
    codes = [each["coding"][0]["code"] for each in provision["code"]]
    assert codes == list(source.content.granted)
    assert provision["period"]["start"] == "2026-11-24T09:00:00Z"


def test_a_refusal_is_a_denial_in_force() -> None:
    resource = fhir(sources()["refused"])
    assert (resource["status"], resource["decision"]) == ("active", "deny")
    assert "provision" not in resource
    assert "end" not in resource["period"]


@pytest.mark.parametrize(
    ("name", "status"),
    [("consent", "active"), ("withdrawn", "inactive"), ("expired", "inactive")],
)
def test_its_status_is_that_of_the_consent(name: str, status: str) -> None:
    assert fhir(sources()[name])["status"] == status


@pytest.mark.parametrize("status", list(Status))
def test_every_state_has_a_status_of_the_standard(status: Status) -> None:
    source = sources()["consent"]
    last = replace(source.content.happened, status=status)
    content: ReceiptContent = replace(source.content, events=(*source.content.events, last))
    codes = {"draft", "active", "inactive", "not-done", "entered-in-error"}
    assert fhir(replace(source, content=content))["status"] in codes


def test_health_data_is_marked_and_a_permission_is_no_consent_of_the_gdpr() -> None:
    (special,) = fhir(sources()["special"])["provision"]
    assert special["securityLabel"][0]["code"] == "R"
    (plain,) = fhir(sources()["consent"])["provision"]
    assert plain["securityLabel"][0]["code"] == "N"
    (basis,) = fhir(sources()["permission"])["regulatoryBasis"]
    assert "coding" not in basis
    (basis,) = fhir(sources()["consent"])["regulatoryBasis"]
    assert basis["coding"][0]["code"] == "A6-1-a"


def test_a_ground_without_a_law_stands_by_its_word() -> None:
    source = sources()["consent"]
    (basis,) = fhir(replace(source, content=replace(source.content, law=None)))["regulatoryBasis"]
    assert basis["text"] == "consent"
