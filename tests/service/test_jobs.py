"""What time brings: requests lapse and consents expire."""

import threading
from dataclasses import replace
from datetime import datetime

import pytest

from audit.health import LogChecker
from audit.model import Kind
from consent.model import Status
from consent.reading import consent
from service.jobs import Job, LogCheckJob
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


class Stumbling(Job):
    """Fails at its first try, in a way that nobody foresaw."""

    name = "stumbling"
    interval_seconds = 0.001

    def __init__(self) -> None:
        super().__init__()
        self.tries: list[datetime] = []
        self.went_on = threading.Event()

    def run_once(self, now: datetime) -> None:
        self.tries.append(now)
        if len(self.tries) == 1:
            raise ValueError("what nobody foresaw")
        self.went_on.set()


def test_an_error_that_nobody_foresaw_does_not_end_the_job(
    office: Office, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    job = Stumbling()
    job.start(office.clock)
    assert job.went_on.wait(10)
    job.stop()
    told = capsys.readouterr().out + caplog.text  # as another test may have set up the logs
    assert "stumbling-failed" in told
    assert "ValueError" in told
    assert "what nobody foresaw" not in told


class UntilToldElsewhere(LogCheckJob):
    """Its piece in hand ends when another job has been told to end."""

    interval_seconds = 0.001

    def __init__(self, checker: LogChecker, other: threading.Event) -> None:
        super().__init__(checker)
        self._other = other
        self.begun = threading.Event()
        self.told = False

    def run_once(self, now: datetime) -> bool:  # noqa: ARG002  # as the job has it
        self.begun.set()
        self.told = self._other.wait(10)
        return self.told


def test_all_are_told_to_end_before_any_is_waited_for(office: Office) -> None:
    """Else a service with several long pieces in hand would take the sum of them to close."""
    last = office.runtime.expiry
    job = UntilToldElsewhere(office.runtime.checker, last._stop)
    job.start(office.clock)
    assert job.begun.wait(10)
    replace(office.runtime, log_check=job).close()
    assert job.told
