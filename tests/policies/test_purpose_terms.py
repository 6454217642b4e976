"""The terms of a purpose: read strictly, left out of the digest where nothing is said."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from policies.catalogue import load_catalogue
from policies.ids import ClientId, OrganisationId, PurposeId
from policies.purpose_terms import (
    CoConsentRule,
    MinorRule,
    PurposeTerms,
    Safeguard,
    Transfer,
)
from policies.purposes import (
    DeclarationError,
    PurposeDeclaration,
    check_complete,
    check_declaration,
)

CATALOGUE = load_catalogue()
ADVICE = CATALOGUE.purpose(PurposeId("debt-advice"))
WHOLE: dict[str, Any] = {
    "clients": ["debt-counsel-1"],
    "statute_refs": ["http://data.finlex.fi/eli/sd/2017/813"],
    "retention_period": "P1Y6M",
    "storage_locations": ["FI", "EE"],
    "recipient_organisations": ["kela"],
    "transfers": [{"country": "US", "safeguard": "standard-clauses"}],
    "minor_rule": "administrative-matter",
    "co_consent_rule": "any-one",
    "representation_themes": ["debts"],
    "dpia_ref": "dpia/2026/4",
    "valid_from": "2026-01-01",
    "valid_to": "2027-12-31",
}


def test_all_terms_are_read_and_written_as_they_were() -> None:
    read = PurposeDeclaration.from_json(ADVICE.to_json() | WHOLE)
    assert read.terms == PurposeTerms(
        clients=(ClientId("debt-counsel-1"),),
        statute_refs=("http://data.finlex.fi/eli/sd/2017/813",),
        retention_period="P1Y6M",
        storage_locations=("FI", "EE"),
        recipient_organisations=(OrganisationId("kela"),),
        transfers=(Transfer(country="US", safeguard=Safeguard.CLAUSES),),
        minor_rule=MinorRule.ADMINISTRATIVE,
        co_consent_rule=CoConsentRule.ANY_ONE,
        representation_themes=("debts",),
        dpia_ref="dpia/2026/4",
        valid_from=date(2026, 1, 1),
        valid_to=date(2027, 12, 31),
    )
    assert read.to_json() == ADVICE.to_json() | WHOLE
    check_declaration(read, CATALOGUE)


def test_what_says_nothing_leaves_the_digest_as_people_agreed_to_it() -> None:
    assert PurposeTerms().to_json() == {}
    assert ADVICE.terms == PurposeTerms()
    assert not set(WHOLE) & set(ADVICE.to_json())


@pytest.mark.parametrize("member", WHOLE)
def test_each_term_changes_the_digest(member: str) -> None:
    changed = PurposeDeclaration.from_json(ADVICE.to_json() | {member: WHOLE[member]})
    assert changed.digest() != ADVICE.digest()


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("clients", []),
        ("clients", ["white space"]),
        ("statute_refs", ["with space"]),
        ("retention_period", "P"),
        ("retention_period", "one year"),
        ("retention_period", "PT5H"),
        ("storage_locations", ["Finland"]),
        ("transfers", [{"country": "US"}]),
        ("transfers", [{"country": "US", "safeguard": "trust"}]),
        ("minor_rule", "any"),
        ("co_consent_rule", "most"),
        ("representation_themes", ["Debts"]),
        ("valid_from", "1.1.2026"),
        ("valid_from", "2026-02-30"),
        ("valid_to", "2026-13-01"),
    ],
)
def test_a_term_of_another_form_is_refused(member: str, value: object) -> None:
    with pytest.raises(DeclarationError) as refused:
        PurposeDeclaration.from_json(ADVICE.to_json() | {member: value})
    assert refused.value.field.startswith((member, "valid_"))


@pytest.mark.parametrize(
    ("base", "changed", "field"),
    [
        (ADVICE, {"recipient_organisations": ["nobody"]}, "recipient_organisations.0"),
        (replace(ADVICE, law=None), {"statute_refs": ["813/2017"]}, "statute_refs"),
        (ADVICE, {"transfers": [{"country": "NO", "safeguard": "adequacy-decision"}]}, "transfers"),
        (ADVICE, {"valid_from": "2026-02-01", "valid_to": "2026-01-31"}, "valid_to"),
    ],
)
def test_terms_that_do_not_hold_together_are_refused(
    base: PurposeDeclaration, changed: dict[str, object], field: str
) -> None:
    with pytest.raises(DeclarationError) as refused:
        check_declaration(PurposeDeclaration.from_json(base.to_json() | changed), CATALOGUE)
    assert refused.value.field == field


@pytest.mark.parametrize("member", ["retention_period", "storage_locations", "minor_rule"])
def test_a_new_declaration_says_what_a_record_needs(member: str) -> None:
    said = {name: value for name, value in WHOLE.items() if name != member}
    with pytest.raises(DeclarationError) as refused:
        check_complete(PurposeDeclaration.from_json(ADVICE.to_json() | said), CATALOGUE)
    assert refused.value.field == member


def test_data_of_a_special_category_needs_an_impact_assessment() -> None:
    care = CATALOGUE.purpose(PurposeId("clinic-diabetes-care"))
    said = {name: value for name, value in WHOLE.items() if name != "dpia_ref"}
    with pytest.raises(DeclarationError, match="dpia_ref"):
        check_complete(PurposeDeclaration.from_json(care.to_json() | said), CATALOGUE)
    check_complete(PurposeDeclaration.from_json(care.to_json() | WHOLE), CATALOGUE)


def test_where_the_law_decides_nothing_is_said_of_children() -> None:
    check = CATALOGUE.purpose(PurposeId("kela-income-check"))
    said = {name: value for name, value in WHOLE.items() if name != "minor_rule"}
    check_complete(PurposeDeclaration.from_json(check.to_json() | said), CATALOGUE)


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        (date(2025, 12, 31), False),
        (date(2026, 1, 1), True),
        (date(2027, 12, 31), True),
        (date(2028, 1, 1), False),
    ],
)
def test_a_purpose_counts_from_its_first_day_to_its_last(day: date, holds: bool) -> None:
    terms = PurposeTerms(valid_from=date(2026, 1, 1), valid_to=date(2027, 12, 31))
    assert terms.holds_on(day) is holds
    assert PurposeTerms().holds_on(day)


def test_it_is_for_the_programs_that_it_names_or_for_all() -> None:
    one, other = ClientId("one"), ClientId("other")
    assert PurposeTerms(clients=(one,)).is_for(one)
    assert not PurposeTerms(clients=(one,)).is_for(other)
    assert PurposeTerms().is_for(other)
