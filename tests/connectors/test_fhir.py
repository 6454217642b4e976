"""Blood glucose; the genuine documents are HL7 Finland's examples of the Kanta profiles."""

from typing import Any

import pytest

from connectors import fhir
from connectors.documents import MalformedDocumentError
from connectors.json_document import read_json
from policies.facts import Document, Value
from policies.vocabulary import AuthorityRank, Label
from tests.connectors.examples import REAL_DATA, SUBJECT, as_bytes, small, values

GENUINE = REAL_DATA / "kanta-phr"


def parsed(document: Any) -> Document:
    return fhir.parse(as_bytes(document), subject=SUBJECT)


def measured(*pairs: tuple[str, Any]) -> dict[str, Value]:
    """What is read of measurements (time, value)."""
    document = small("kanta")
    pattern = document["entry"].pop()["resource"]
    for time, value in pairs:
        quantity = {**pattern["valueQuantity"], "value": value}
        observation = {**pattern, "effectiveDateTime": time, "valueQuantity": quantity}
        document["entry"].append({"resource": observation})
    return values(parsed(document))


def observation(document: Any) -> dict[str, Any]:
    found: dict[str, Any] = document["entry"][1]["resource"]
    return found


def test_a_genuine_sensor_night_is_read() -> None:
    document = (GENUINE / "diabetes-data-bundle-kantaphr-r4-en.min.json").read_bytes()
    assert values(fhir.parse(document)) == {
        "glucose.latest_value": 87,
        "glucose.latest_time": "2021-09-05T05:14:32Z",
        "glucose.mean_30_days": 73,
        "glucose.measurement_count": 188,
    }


def test_a_genuine_single_measurement_of_a_day_has_no_point_in_time() -> None:
    made = fhir.parse((GENUINE / "bloodglucose-min.json").read_bytes())
    assert values(made) == {
        "glucose.latest_value": 70,
        "glucose.mean_30_days": 70,
        "glucose.measurement_count": 1,
    }
    assert made.facts[0].observed_at.isoformat() == "2020-10-04T21:00:00+00:00"


@pytest.mark.parametrize(
    "name",
    [
        "Bloodglucose-max",  # below the scale: no exact value
        "Observation-example-BodyWeight-max",
        "observation-example-bloodglucose-astext",
        "observation-example-bloodglucose-dataabsentreason",
    ],
)
def test_a_genuine_document_without_an_exact_value_is_refused(name: str) -> None:
    with pytest.raises(MalformedDocumentError, match="holds no measurement of blood glucose"):
        fhir.parse((GENUINE / f"{name}.json").read_bytes())


def test_the_latest_is_latest_whatever_the_zone_and_the_order() -> None:
    found = measured(("2026-11-20T08:00:00+02:00", 5), ("2026-11-20T06:30:00Z", 7))
    assert found["glucose.latest_value"] == 70
    assert found["glucose.latest_time"] == "2026-11-20T06:30:00Z"


def test_the_mean_and_the_count_are_of_thirty_days() -> None:
    found = measured(
        ("2026-11-20T08:00:00Z", 6.0), ("2026-10-21T08:00:01Z", 7.0), ("2026-10-21T08:00:00Z", 20)
    )
    assert found["glucose.mean_30_days"] == 65
    assert found["glucose.measurement_count"] == 2


@pytest.mark.parametrize(("value", "tenths"), [(6.95, 70), (6.949, 69), (7, 70), (0, 0)])
def test_tenths_are_rounded_from_the_decimal_number_as_written(value: float, tenths: int) -> None:
    # As binary fractions 6.95 is a little less than itself and would become 69.
    assert measured(("2026-11-20T08:00:00Z", value))["glucose.latest_value"] == tenths


def test_health_data_are_labelled_and_own_measurements_ranked_as_the_persons_word() -> None:
    for fact in parsed(small("kanta")).facts:
        assert fact.labels == {Label.ARTICLE_9}
        assert fact.authority is AuthorityRank.SELF_ASSERTED


@pytest.mark.parametrize("performer", [[{"reference": "Organization/1"}], [{"display": "X"}], []])
def test_what_others_have_measured_is_the_registers_word(performer: list[Any]) -> None:
    document = small("kanta")
    observation(document)["performer"] = performer
    assert parsed(document).facts[0].authority is AuthorityRank.AUTHORITATIVE_REGISTER


@pytest.mark.parametrize("entry", [0, 1])
def test_a_security_label_on_any_resource_protects(entry: int) -> None:
    document = small("kanta")
    document["entry"][entry]["resource"]["meta"] = {
        "security": [{"system": "http://example.org"}, {"code": "TURVAKIELTO"}]
    }
    assert all(Label.PROTECTED in fact.labels for fact in parsed(document).facts)


@pytest.mark.parametrize("status", ["entered-in-error", "preliminary", "cancelled"])
def test_what_is_not_final_is_passed_over(status: str) -> None:
    document = small("kanta")
    other = {**observation(document), "status": status, "effectiveDateTime": "2026-11-23"}
    document["entry"].append({"resource": other})
    assert values(parsed(document))["glucose.measurement_count"] == 1


def test_other_code_systems_do_not_make_a_measurement() -> None:
    document = small("kanta")
    other = {**observation(document), "effectiveDateTime": "2026-11-23"}
    other["code"] = {"coding": [{"code": "15074-8"}, {"system": "http://loinc.org"}]}
    document["entry"].append({"resource": other})
    assert values(parsed(document))["glucose.measurement_count"] == 1


def test_other_identifiers_of_the_patient_are_passed_over() -> None:
    document = small("kanta")
    identifiers = document["entry"][0]["resource"]["identifier"]
    identifiers.insert(0, {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1"})
    assert parsed(document).facts


def test_a_measurement_shows_neither_value_nor_time() -> None:
    shown = repr(fhir._measurement(read_json(as_bytes(observation(small("kanta"))), fhir.SOURCE)))
    assert "Decimal" not in shown
    assert "datetime" not in shown


@pytest.mark.parametrize("reference", ["Patient/1", "https://kanta.example/fhir/Patient/1"])
def test_measurements_are_of_the_patient_whom_the_document_names(reference: str) -> None:
    document = small("kanta")
    observation(document)["subject"] = {"reference": reference}
    assert parsed(document).facts


@pytest.mark.parametrize("reference", ["Patient/2", "Practitioner/1", "Patient/11", "urn:uuid:1"])
def test_measurements_of_somebody_else_are_refused(reference: str) -> None:
    document = small("kanta")
    observation(document)["subject"] = {"reference": reference}
    with pytest.raises(MalformedDocumentError, match="somebody whom it does not name"):
        parsed(document)


def test_a_patient_without_an_id_is_nobody_to_refer_to() -> None:
    document = small("kanta")
    del document["entry"][0]["resource"]["id"]
    with pytest.raises(MalformedDocumentError, match="somebody whom it does not name"):
        parsed(document)


def test_one_page_of_several_is_refused() -> None:
    document = small("kanta")
    document["link"] = [{"relation": "self"}]
    assert parsed(document).facts
    document["link"].append({"relation": "next", "url": "https://kanta.example/2"})
    with pytest.raises(MalformedDocumentError, match="/link: leads to another page"):
        parsed(document)
