"""Coming of age, and death: what was given for the person, and what ends with her."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from audit.model import SYSTEM, Kind
from audit.unit_of_work import Ledger, begin
from consent.controlling import pass_control
from consent.decisions import Denial
from consent.ending import end_again, end_by_death
from consent.lifecycle import Party
from consent.model import Consent, Status
from consent.reading import consent
from consent.store import tables
from policies.ids import ConsentId, PersonId
from tests.consent.flow import NOW, Flow, Given, events


@pytest.fixture
def flow(ledger: Ledger) -> Flow:
    return Flow(ledger)


def by_guardian(flow: Flow, *, of_age_in: timedelta) -> Given:
    """A consent that a guardian gave."""
    given = flow.given()
    with flow.ledger.engine.begin() as connection:
        connection.execute(
            update(tables.consent).values(
                given_by=Party.GUARDIAN, control_passes_at=NOW + of_age_in
            )
        )
    return given


def passed(flow: Flow) -> int:
    with begin(flow.ledger, actor=SYSTEM, now=NOW) as uow:
        return pass_control(uow, limit=10)


def now(flow: Flow, consent_id: ConsentId) -> Consent:
    with flow.ledger.read() as connection:
        found = consent(connection, consent_id)
    assert found is not None
    return found


def test_the_say_passes_to_who_has_come_of_age_and_the_consent_stays(flow: Flow) -> None:
    given = by_guardian(flow, of_age_in=timedelta())
    assert passed(flow) == 1
    standing = now(flow, given.record.consent)
    assert (standing.status, standing.given_by) == (Status.ACTIVE, Party.SUBJECT)
    assert standing.control_passes_at is None
    (said,) = events(flow.ledger, Kind.CONSENT_CHANGED)
    assert said.get("reason") == "subject-reached-age"
    assert passed(flow) == 0


def test_until_then_it_stays_with_the_guardian(flow: Flow) -> None:
    given = by_guardian(flow, of_age_in=timedelta(microseconds=1))
    assert passed(flow) == 0
    assert now(flow, given.record.consent).given_by is Party.GUARDIAN


def dead(flow: Flow, person: PersonId) -> int:
    with begin(flow.ledger, actor=SYSTEM, now=NOW) as uow:
        return len(end_by_death(uow, person, reference="VTJ/2026/1"))


def test_a_death_ends_what_was_given_and_what_waits(flow: Flow) -> None:
    given = flow.given()
    waiting = flow.open(given.person)
    assert dead(flow, given.person) == 2
    assert now(flow, given.record.consent).status is Status.EXPIRED
    assert now(flow, waiting.id).status is Status.CANCELLED
    assert isinstance(flow.fetch(given.access), Denial)
    (said,) = events(flow.ledger, Kind.PERSON_DIED)
    assert said.get("case") == "VTJ/2026/1"
    reasons = {
        each.get("reason")
        for kind in (Kind.CONSENT_EXPIRED, Kind.CONSENT_CANCELLED)
        for each in events(flow.ledger, kind)
    }
    assert reasons == {"subject-died"}


def test_a_death_ends_nothing_of_others_and_nothing_twice(flow: Flow) -> None:
    given, other = flow.given(), flow.given()
    dead(flow, given.person)
    assert dead(flow, given.person) == 0
    assert now(flow, other.record.consent).status is Status.ACTIVE


@pytest.mark.parametrize("withdrawn", [True, False])
def test_what_is_known_to_have_ended_ends_again_once(flow: Flow, *, withdrawn: bool) -> None:
    given = flow.given()
    for first in (True, False):
        with begin(flow.ledger, actor=SYSTEM, now=NOW) as uow:
            assert end_again(uow, given.record.consent, withdrawn=withdrawn) is first
    ended = Status.WITHDRAWN if withdrawn else Status.REVOKED
    assert now(flow, given.record.consent).status is ended
