"""What a source gives: checked against the catalogue, and what purposes may ask of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from policies.catalogue import load_catalogue
from policies.ids import AttributeId, DatasetId, OrganisationId, PurposeId, SourceId
from policies.purposes import DeclarationError
from policies.service_declarations import (
    ServiceDeclaration,
    check_served,
    check_service,
    declared_by_catalogue,
)
from policies.vocabulary import AuthorityRank, LegalBasis, LevelOfAssurance

CATALOGUE = load_catalogue()
ALL = [declared_by_catalogue(CATALOGUE, each) for each in CATALOGUE.datasets.values()]
INCOME = next(each for each in ALL if each.id == "income")
GLUCOSE = next(each for each in ALL if each.id == "glucose")
ADVICE = CATALOGUE.purpose(PurposeId("debt-advice"))
FIRST, *OTHERS = INCOME.attributes


@pytest.mark.parametrize("declared", ALL, ids=lambda each: each.id)
def test_every_data_set_of_the_catalogue_is_declared_and_read_back(
    declared: ServiceDeclaration,
) -> None:
    check_service(declared, CATALOGUE)
    assert ServiceDeclaration.from_json(declared.to_json()) == declared
    assert len(declared.digest()) == 64


@pytest.mark.parametrize("purpose", CATALOGUE.purposes.values(), ids=lambda each: each.id)
def test_every_purpose_of_the_catalogue_is_served(purpose: Any) -> None:
    check_served(purpose, ALL)


def test_freshness_and_derivation_are_kept() -> None:
    first = replace(FIRST, freshness_days=30, joint=True, derivable_from=(OTHERS[0].id,))
    declared = replace(INCOME, version=2, attributes=(first, *OTHERS))
    check_service(declared, CATALOGUE)
    assert ServiceDeclaration.from_json(declared.to_json()) == declared


WRONG: dict[str, Callable[[], ServiceDeclaration]] = {
    "id": lambda: replace(INCOME, id=DatasetId("nothing")),
    "source": lambda: replace(INCOME, source=SourceId("koski")),
    "organisation": lambda: replace(INCOME, organisation=OrganisationId("kela")),
    "attributes.0.id": lambda: replace(
        INCOME, attributes=(replace(FIRST, id=AttributeId("person.birth_date")), *OTHERS)
    ),
    "attributes.1.id": lambda: replace(INCOME, attributes=(FIRST, FIRST)),
    "attributes.0.category": lambda: replace(
        INCOME, attributes=(replace(FIRST, category="pd:Age"), *OTHERS)
    ),
    "attributes.0.special": lambda: replace(
        GLUCOSE, attributes=(replace(GLUCOSE.attributes[0], special=False),)
    ),
    "attributes.0.derivable_from": lambda: replace(
        INCOME, attributes=(replace(FIRST, derivable_from=(FIRST.id,)), *OTHERS)
    ),
    "min_loa": lambda: replace(GLUCOSE, min_loa=LevelOfAssurance.SUBSTANTIAL),
    "max_validity_days": lambda: replace(INCOME, max_validity_days=366),
}


@pytest.mark.parametrize("field", WRONG)
def test_what_nobody_may_rely_on_is_refused_by_its_member(field: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        check_service(WRONG[field](), CATALOGUE)
    assert refused.value.field == field


def test_no_attribute_is_believed_more_than_its_source() -> None:
    made_up = replace(CATALOGUE.sources[INCOME.source], authority=AuthorityRank.VERIFIED_DOCUMENT)
    catalogue = replace(CATALOGUE, sources={**CATALOGUE.sources, INCOME.source: made_up})
    with pytest.raises(DeclarationError) as refused:
        check_service(INCOME, catalogue)
    assert refused.value.field == "attributes.0.authority"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"surplus": 1}, "surplus"),
        ({"grounds": []}, "grounds"),
        ({"grounds": ["because"]}, "grounds.0"),
        ({"attributes": []}, "attributes"),
        ({"version": 0}, "version"),
        ({"max_validity_days": 1.5}, "max_validity_days"),
    ],
)
def test_what_is_no_declaration_is_refused(changed: dict[str, object], field: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        ServiceDeclaration.from_json(INCOME.to_json() | changed)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("income", "field"),
    [
        (replace(INCOME, attributes=tuple(OTHERS)), "attributes.0.id"),
        (replace(INCOME, grounds=(LegalBasis.STATUTE,)), "basis"),
        (replace(INCOME, min_loa=LevelOfAssurance.HIGH), "required_loa"),
        (replace(INCOME, max_validity_days=89), "max_validity_days"),
        (replace(INCOME, single_use_only=True), "max_uses"),
    ],
)
def test_a_purpose_asks_for_no_more_than_the_sources_give(
    income: ServiceDeclaration, field: str
) -> None:
    services = [income if each.id == "income" else each for each in ALL]
    with pytest.raises(DeclarationError) as refused:
        check_served(ADVICE, services)
    assert refused.value.field == field


def test_what_is_given_once_may_be_asked_once() -> None:
    once = [replace(each, single_use_only=True) for each in ALL]
    check_served(replace(ADVICE, max_uses=1), once)
