"""A new notice approved under the role of the service on PostgreSQL: who waits is asked anew."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from audit.model import Actor
from audit.unit_of_work import begin
from consent.model import Consent, Status
from consent.pushed import open_request
from consent.reading import consent, requests_waiting
from policies.ids import SessionId, new_uuid
from policies.vocabulary import Role
from service.app import create_app
from tests.service.house import VILLE, FriendlyProvider, House
from tests.service.migrations.serving import migrated, office_as_the_service
from tests.service.office import Office, content
from tests.service.operator.desks import NEWER, OPERATOR, PAGES, call, press, text_of

PAGE = f"{PAGES}/purpose/debt-advice/2"
PATH = "/declarations/purpose/debt-advice/2"


@pytest.fixture
def office(postgresql_url: str, tmp_path: Path) -> Iterator[Office]:
    with migrated(postgresql_url) as owner, office_as_the_service(owner, tmp_path) as opened:
        yield opened


@pytest.fixture
def operators(office: Office) -> tuple[TestClient, TestClient]:
    """Neither of them is the person who is asked."""
    provider = FriendlyProvider()
    runtime = replace(office.runtime, identity_provider=provider)
    house = House(runtime, create_app(runtime), office.clock, provider, {})
    one, other = (house.signed_in(each, role=Role.OPERATOR) for each in (OPERATOR, VILLE))
    return one, other


@pytest.fixture
def waiting(office: Office) -> Consent:
    uri = content(office.push())["request_uri"]
    actor, session = Actor.person(office.person), SessionId(new_uuid())
    with begin(office.runtime.ledger, actor=actor, now=office.clock()) as uow:
        return open_request(uow, uri, office.person, session)


def check_asked_anew(office: Office, waiting: Consent) -> None:
    with office.runtime.ledger.read(office.person) as connection:
        before = consent(connection, waiting.id)
        (asked,) = requests_waiting(connection, office.person)
    assert before is not None
    assert before.status is not Status.REQUESTED
    assert asked.id != waiting.id
    assert asked.purpose_version == NEWER.version


def test_by_the_pages(
    office: Office, operators: tuple[TestClient, TestClient], waiting: Consent
) -> None:
    one, other = operators
    new = f"{PAGES}/new"
    press(one, f"{new}?kind=purpose", new, document=text_of(NEWER))
    press(one, PAGE, f"{PAGE}/submit")
    press(other, PAGE, f"{PAGE}/approve")
    check_asked_anew(office, waiting)


def test_by_the_api(
    office: Office, operators: tuple[TestClient, TestClient], waiting: Consent
) -> None:
    one, other = operators
    seen = {"digest": call(one, "POST", "/declarations/purpose", NEWER.to_json())["digest"]}
    call(one, "POST", f"{PATH}/submit", seen)
    call(other, "POST", f"{PATH}/approve", seen)
    check_asked_anew(office, waiting)
