"""Organisations stand beside people: found by a business id, kept and released in the same way."""

import pytest

from audit.model import SYSTEM
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from policies.ids import AttributeId, PersonId
from tests.vault.given import AINO, NOW, VILLE, deposited, fact, released
from vault.merging import merge_people
from vault.people import (
    IDENTITY_SCHEME,
    InvalidIdentifierError,
    correct_identifier,
    enrol,
    find_person,
)
from vault.principals import (
    BUSINESS_SCHEME,
    OtherKindError,
    PrincipalKind,
    kind_of,
    kind_of_scheme,
)
from vault.vault import Vault

NOKIA = "0112038-9"
OTHER = "0245437-2"
NAME = AttributeId("company.name")


@pytest.fixture
def company(ledger: Ledger, vault: Vault) -> PersonId:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return enrol(uow, vault, scheme=BUSINESS_SCHEME, identifier=NOKIA)


def test_an_organisation_is_found_by_its_business_id(
    ledger: Ledger, vault: Vault, person: PersonId, company: PersonId
) -> None:
    with ledger.read() as connection:
        for scheme, identifier, expected in (
            (BUSINESS_SCHEME, NOKIA, company),
            (BUSINESS_SCHEME, OTHER, None),
            (IDENTITY_SCHEME, AINO, person),
        ):
            found = find_person(connection, vault, scheme=scheme, identifier=identifier)
            assert found == expected
        assert kind_of(connection, company) is PrincipalKind.ORGANISATION
        assert kind_of(connection, person) is PrincipalKind.PERSON


def test_its_data_is_kept_and_released_like_a_persons(
    ledger: Ledger, vault: Vault, company: PersonId
) -> None:
    deposited(ledger, vault, company, fact(NAME, "Nokia Oyj"))
    (given,) = released(ledger, vault, company, NAME).facts
    assert given.value == "Nokia Oyj"


@pytest.mark.parametrize("text", ["0112038-8", "01120389", "", "FI01120389"])
def test_what_is_no_business_id_finds_and_makes_nobody(
    ledger: Ledger, vault: Vault, text: str
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow, pytest.raises(InvalidIdentifierError) as e:
        enrol(uow, vault, scheme=BUSINESS_SCHEME, identifier=text)
    assert not str(e.value)


def test_a_business_id_can_be_corrected(ledger: Ledger, vault: Vault, company: PersonId) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        correct_identifier(uow, vault, company, scheme=BUSINESS_SCHEME, identifier=OTHER)
    with ledger.read() as connection:
        assert find_person(connection, vault, scheme=BUSINESS_SCHEME, identifier=NOKIA) is None
        assert kind_of(connection, company) is PrincipalKind.ORGANISATION


def test_nobody_becomes_what_he_is_not(
    ledger: Ledger, vault: Vault, person: PersonId, company: PersonId
) -> None:
    for who, scheme, identifier in (
        (person, BUSINESS_SCHEME, OTHER),
        (company, IDENTITY_SCHEME, VILLE),
    ):
        with begin(ledger, actor=SYSTEM, now=NOW) as uow, pytest.raises(OtherKindError):
            correct_identifier(uow, vault, who, scheme=scheme, identifier=identifier)
    for first, other in ((person, company), (company, person)):
        with (
            begin(ledger, actor=SYSTEM, now=NOW, about=EVERYONE) as uow,
            pytest.raises(OtherKindError),
        ):
            merge_people(uow, vault, first=first, other=other)


def test_other_schemes_are_peoples() -> None:
    assert kind_of_scheme("urn:example") is PrincipalKind.PERSON
