"""What the law allows: told before it happens, also where the operator registered it later."""

from dataclasses import replace

import pytest
from sqlalchemy import delete

from audit.model import SYSTEM, Actor
from audit.unit_of_work import begin
from consent.authorization_details import AuthorizationDetails
from consent.decisions import Permit, decide_fetch
from consent.declared import DeclarationKind, DeclarationStatus, Declared
from consent.grants import Grant
from consent.purposes import put_in_force, register_purpose
from consent.store import declaration_tables, declarations
from consent.tokens import access, issue_statutory_token
from policies.canonical import canonical_json
from policies.ids import AttributeId, PurposeId
from policies.text import Text
from policies.vocabulary import LegalBasis
from tests.consent.flow import JKT
from tests.service.house import House, words_of
from vault.release import release

CATALOGUED = PurposeId("kela-income-check")
LATER = PurposeId("kela-later-check")
GROSS = AttributeId("income.monthly_gross")


@pytest.fixture
def registered_later(house: House) -> House:
    """A purpose by law that came into force after the catalogue was written."""
    declared = house.runtime.catalogue.purpose(CATALOGUED)
    name = Text(fi="Myöhempi tarkistus", sv="Senare kontroll", en="Later check")
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        register_purpose(uow, replace(declared, id=LATER, name=name), house.runtime.catalogue)
    return house


def fetched_by_law(house: House) -> None:
    person = house.person()
    house.deposit(person)
    client = house.clients[CATALOGUED]
    details = AuthorizationDetails(purpose=LATER, attributes=(GROSS,), case="K/1")
    with begin(house.runtime.ledger, actor=Actor.client(client.id), now=house.clock()) as uow:
        grant = issue_statutory_token(uow, client, details, person, jkt=JKT)
        assert isinstance(grant, Grant)
        held = access(uow.connection, grant.access_token)
        assert held is not None
        permit = decide_fetch(uow, held, [GROSS])
        assert isinstance(permit, Permit)
        release(uow, house.runtime.vault, permit)


def test_a_purpose_that_was_registered_later_is_told_too(registered_later: House) -> None:
    browser = registered_later.signed_in()
    assert "Later check" in words_of(browser.get("/en/by-law").text)
    assert "Senare kontroll" in words_of(browser.get("/sv/by-law").text)


@pytest.mark.parametrize("path", ["", "log", "log.json"])
def test_a_fetch_for_a_purpose_that_was_registered_later_says_what_for(
    registered_later: House, path: str
) -> None:
    fetched_by_law(registered_later)
    assert "Later check" in registered_later.signed_in().get(f"/en/{path}").text


@pytest.mark.parametrize(
    ("basis", "heading", "told"),
    [
        (
            "contract",
            "For a contract",
            "They need this data for a contract",
        ),
        ("vital", "In danger", "Somebody's life or health may be in danger"),
    ],
)
def test_what_no_law_gives_does_not_stand_under_the_law(
    house: House, basis: str, heading: str, told: str
) -> None:
    declared = house.runtime.catalogue.purpose(CATALOGUED)
    name = Text(fi="Muu peruste", sv="Annan grund", en="Another ground")
    other = replace(declared, id=LATER, name=name, basis=LegalBasis(basis), law=None)
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        counting = Declared(
            kind=DeclarationKind.PURPOSE,
            id=LATER,
            version=other.version,
            status=DeclarationStatus.APPROVED,
            document=canonical_json(other.to_json()),
            digest=other.digest(),
            changed_at=uow.now,
        )
        declarations.add(uow.connection, counting, put_in_force(uow, other))
    page = words_of(house.signed_in().get("/en/by-law").text.split("<main")[1])
    by_law, _, rest = page.partition(heading)
    assert "You may also object to the use" in by_law
    assert "Another ground" not in by_law
    assert told in rest
    assert "Another ground" in rest
    assert "The law gives" not in rest
    assert "object" not in rest.lower()


def test_where_nothing_is_fetched_by_law_no_law_is_told_of(house: House) -> None:
    with house.runtime.ledger.engine.begin() as connection:
        connection.execute(delete(declaration_tables.declaration))
    page = words_of(house.signed_in().get("/en/by-law").text)
    assert "No office uses such a right" in page
    assert "The law gives" not in page
