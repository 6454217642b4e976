"""What the law allows: told before it happens, also where the operator registered it later."""

from dataclasses import replace

import pytest

from audit.model import SYSTEM, Actor
from audit.unit_of_work import begin
from consent.authorization_details import AuthorizationDetails
from consent.decisions import Permit, decide_fetch
from consent.grants import Grant
from consent.purposes import register_purpose
from consent.tokens import access, issue_statutory_token
from policies.ids import AttributeId, PurposeId
from policies.text import Text
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
