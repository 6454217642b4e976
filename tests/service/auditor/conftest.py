"""An auditor with a log to look at: data stored, a consent given, fetched from and refused."""

import pytest
from starlette.testclient import TestClient

from policies.vocabulary import Role
from tests.service.auditor.asking import Auditor
from tests.service.citizen.given import fetch, give, token, withdraw
from tests.service.house import VILLE, House


@pytest.fixture
def busy(house: House) -> House:
    """Aino has given, a program has fetched, she has withdrawn, and it was refused."""
    house.deposit(house.person())
    aino = house.signed_in()
    consent_id, _ = give(house, aino)
    held = token(house, consent_id)
    assert fetch(house, held)
    withdraw(aino, consent_id)
    assert not fetch(house, held)
    house.runtime.sequencer.run_once(house.clock())
    return house


@pytest.fixture
def browser(busy: House) -> TestClient:
    """Ville's browser, who audits."""
    return busy.signed_in(VILLE, role=Role.AUDITOR)


@pytest.fixture
def auditor(busy: House, browser: TestClient) -> Auditor:
    return Auditor(busy, browser)
