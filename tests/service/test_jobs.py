"""What time brings: requests lapse and consents expire."""

import threading

import pytest

from audit.model import Kind
from consent.model import Status
from consent.reading import consent
from tests.service.office import Office


def test_a_consent_expires_and_it_is_recorded(office: Office) -> None:
    given = office.given()
    office.clock.advance(days=5000)
    assert office.runtime.expiry.run_once(office.clock()) == 1
    assert office.runtime.expiry.run_once(office.clock()) == 0
    with office.runtime.ledger.read() as connection:
        found = consent(connection, given)
    assert found is not None
    assert found.status is Status.EXPIRED
    assert office.events(Kind.CONSENT_EXPIRED)


def test_it_runs_in_a_thread_until_it_is_stopped(office: Office) -> None:
    job = office.runtime.expiry
    job.start(office.clock)
    with pytest.raises(RuntimeError):
        job.start(office.clock)
    assert "expiry" in {thread.name for thread in threading.enumerate()}
    job.stop()
    job.stop()
    assert "expiry" not in {thread.name for thread in threading.enumerate()}
    assert job.interval_seconds <= 60
