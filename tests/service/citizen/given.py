"""A consent that was given through the pages, and what a program does with it."""

from datetime import timedelta

from starlette.testclient import TestClient

from audit.model import Actor
from audit.unit_of_work import begin
from consent.decisions import Permit, decide_fetch
from consent.grants import Grant, TokenAccess
from consent.tokens import access, issue_code, redeem_code
from policies.ids import ConsentId, PersonId, PurposeId
from tests.consent.flow import JKT, REDIRECT, VERIFIER
from tests.service.house import House, form_of
from vault.release import release


def give(house: House, browser: TestClient, purpose: str = "debt-advice") -> tuple[ConsentId, str]:
    """Give what is needed; the consent and the address of its receipt."""
    consent_id = house.request(house.person(), purpose)
    address = f"/en/requests/{consent_id}"
    form = form_of(browser.get(address).text, address)
    answer = browser.post(address, data={**form, "decision": "give"})
    assert answer.status_code == 303, answer.text
    return consent_id, answer.headers["location"]


def refuse(house: House, browser: TestClient, purpose: str = "debt-advice") -> str:
    """Refuse a request; the address of the receipt."""
    address = f"/en/requests/{house.request(house.person(), purpose)}"
    form = form_of(browser.get(address).text, address)
    location: str = browser.post(address, data={**form, "decision": "refuse"}).headers["location"]
    return location


def withdraw(browser: TestClient, consent_id: ConsentId) -> str:
    """Press the button on the row; where it leads."""
    address = f"/en/consents/{consent_id}/withdraw"
    answer = browser.post(address, data=form_of(browser.get("/en/consents").text, address))
    assert answer.status_code == 303, answer.text
    location: str = answer.headers["location"]
    return location


def token(house: House, consent_id: ConsentId, purpose: str = "debt-advice") -> TokenAccess:
    """A token for the consent."""
    client, person = house.clients[PurposeId(purpose)], house.person()
    with begin(house.runtime.ledger, actor=Actor.client(client.id), now=house.clock()) as uow:
        code = issue_code(uow, consent_id, person=person).code
        grant = redeem_code(
            uow, code, client=client, code_verifier=VERIFIER, redirect_uri=REDIRECT, jkt=JKT
        )
        assert isinstance(grant, Grant)
        found = access(uow.connection, grant.access_token)
    assert found is not None
    return found


def fetch(house: House, held: TokenAccess) -> bool:
    """Fetch all that the token is for; whether it was given."""
    with begin(house.runtime.ledger, actor=Actor.client(held.client), now=house.clock()) as uow:
        decision = decide_fetch(uow, held, held.attributes)
        if isinstance(decision, Permit):
            release(uow, house.runtime.vault, decision)
            return True
    return False


def visits(house: House, person: PersonId, number: int) -> None:
    """Entries in the person's log, one a minute."""
    for _ in range(number):
        house.clock.at += timedelta(minutes=1)
        house.request(person, "bank-loan-offer")
