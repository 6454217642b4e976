"""Company data; the shape is checked against the register's own schema."""

import json
from typing import Any

import jsonschema_rs
import pytest

from connectors import prh
from connectors.demo_data.people import demo_documents, demo_people
from policies.facts import Value
from policies.ids import SourceId
from tests.connectors.examples import REAL_DATA, as_bytes, small, values

SCHEMA = json.loads((REAL_DATA / "prh" / "company-result.schema.json").read_bytes())
OF_THE_DEMO = [
    (person.key, document)
    for person in demo_people()
    for source, document in demo_documents(person)
    if source == "prh"
]


def parsed(document: Any) -> dict[str, Value]:
    return values(prh.parse(as_bytes(document)))


def company(document: Any) -> dict[str, Any]:
    found: dict[str, Any] = document["companyResult"]["companies"][0]
    return found


@pytest.mark.parametrize(("key", "document"), OF_THE_DEMO)
def test_the_demo_company_has_the_published_shape(key: str, document: bytes) -> None:
    validator = jsonschema_rs.validator_for(SCHEMA, validate_formats=True)
    found = list(validator.iter_errors(json.loads(document)["companyResult"]))
    # The schema asks for a date-time of nineteen characters, which leaves no room for the zone
    # that a date-time must have.
    assert [error.instance_path for error in found] == [["companies", 0, "lastModified"]]


def test_a_company_and_the_persons_role_in_it() -> None:
    document = dict(OF_THE_DEMO)["aino"]
    made = prh.parse(document)
    assert values(made) == {
        "company.business_id": "9900007-7",
        "company.name": "Esimerkin Luomutila Oy",
        "company.role": "hallituksen puheenjohtaja, nimenkirjoitusoikeus",
        "company.legal_form": "Osakeyhtiö",
        "company.main_business_line": "Yhdistetty kasvinviljely ja kotieläintalous (sekatilat)",
    }
    assert made.source == SourceId("prh")
    assert made.facts[0].observed_at.isoformat() == "2026-07-21T07:05:00+00:00"


def test_the_registers_own_answer_alone_gives_no_role() -> None:
    assert "company.role" not in parsed(small("prh")["companyResult"])


def test_a_role_in_another_company_is_no_role_in_this_one() -> None:
    document = small("prh")
    document["organizationRoles"][0]["identifier"] = "9900001-8"
    assert "company.role" not in parsed(document)


def test_no_roles_are_no_fact() -> None:
    document = small("prh")
    document["organizationRoles"][0]["roles"] = []
    assert "company.role" not in parsed(document)


def test_codes_stand_in_where_the_register_gives_no_finnish_name() -> None:
    document = small("prh")
    company(document)["companyForms"][0]["descriptions"] = [
        {"languageCode": "2", "description": "Aktiebolag"},
        {"languageCode": "1", "description": None},
    ]
    found = parsed(document)
    assert found["company.legal_form"] == "OY"
    assert found["company.main_business_line"] == "01500"


def test_what_the_register_does_not_say_is_no_fact() -> None:
    document = small("prh")
    del company(document)["companyForms"]
    del company(document)["mainBusinessLine"]
    assert parsed(document).keys() == {
        "company.business_id",
        "company.name",
        "company.role",
    }


def test_former_names_and_forms_are_passed_over() -> None:
    document = small("prh")
    company(document)["names"] += [
        {"name": "Vanha Oy", "type": "1", "version": 2, "source": "1"},
        {"name": "Rinnakkainen", "type": "2", "version": 1, "source": "1"},
    ]
    company(document)["companyForms"] = [
        {"type": "KY", "version": 1, "endDate": "2020-01-01", "source": "1"}
    ]
    found = parsed(document)
    assert found["company.name"] == "Esimerkki Oy"
    assert "company.legal_form" not in found
