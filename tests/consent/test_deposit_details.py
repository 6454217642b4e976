"""What a source may ask to hand in, and each way to ask wrongly."""

import json

import pytest

from consent.authorization_details import AuthorizationDetailsError
from consent.deposit_details import (
    MAX_DATASETS,
    DepositDetails,
    is_about_deposits,
    kept_by,
    parse_deposit_details,
)
from policies.ids import DatasetId, OrganisationId
from tests.consent.flow import catalogue

DVV = OrganisationId("dvv")


def parsed(**changed: object) -> DepositDetails:
    members = {"type": "deposit", "datatypes": ["person", "residence"]} | changed
    return parse_deposit_details(json.dumps([members]), catalogue=catalogue(), organisation=DVV)


def test_a_source_may_hand_in_what_it_keeps() -> None:
    details = parsed()
    assert details == DepositDetails((DatasetId("person"), DatasetId("residence")))
    assert details.to_json() == {"type": "deposit", "datatypes": ["person", "residence"]}


def test_each_data_set_is_kept_by_one_organisation() -> None:
    organisations = catalogue().organisations
    kept = [each for organisation in organisations for each in kept_by(organisation, catalogue())]
    assert sorted(kept) == sorted(catalogue().datasets)
    assert kept_by(OrganisationId("kela"), catalogue()) == frozenset()


@pytest.mark.parametrize(
    ("changed", "member", "reason"),
    [
        ({"type": "personal_data"}, "type", "not-supported"),
        ({"type": None}, "type", "not-supported"),
        ({"datatypes": None}, "datatypes", "not-a-list-of-strings"),
        ({"datatypes": "person"}, "datatypes", "not-a-list-of-strings"),
        ({"datatypes": ["person", 1]}, "datatypes", "not-a-list-of-strings"),
        ({"datatypes": []}, "datatypes", "wrong-number"),
        ({"datatypes": ["person"] * (MAX_DATASETS + 1)}, "datatypes", "wrong-number"),
        ({"datatypes": ["person", "person"]}, "datatypes", "doubled"),
        ({"datatypes": ["person", "income"]}, "datatypes", "of-another-source"),
        ({"datatypes": ["no-such"]}, "datatypes", "of-another-source"),
        ({"purpose": "kela-income-check"}, "authorization_details", "unknown-member"),
        ({"subject": {"format": "opaque"}}, "authorization_details", "unknown-member"),
    ],
)
def test_a_fault_is_named_by_its_member(
    changed: dict[str, object], member: str, reason: str
) -> None:
    with pytest.raises(AuthorizationDetailsError) as refused:
        parsed(**changed)
    assert (refused.value.member, refused.value.reason) == (member, reason)


@pytest.mark.parametrize("text", ["", "{}", "[]", "[{},{}]", '[{"type":"personal_data"}]', "[1]"])
def test_other_details_are_not_about_deposits(text: str) -> None:
    assert not is_about_deposits(text)


def test_details_of_the_type_are_about_deposits() -> None:
    assert is_about_deposits('[{"type":"deposit"}]')
