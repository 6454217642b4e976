"""Killed between two lines: after the event was written, before the commit that it belongs to.

The database holds the server up exactly there, so that no chance is needed to meet the place. On
PostgreSQL events and COMMIT are sent together: there both sides are killed, as when a machine goes
down, and once our side only.
"""

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from signal import SIGKILL

import httpx2
import pytest
from sqlalchemy import Engine, text

from audit.model import Kind
from consent.model import Status
from tests.faults.broken import contents, held_up_after_the_event
from tests.faults.installation import Installation

LONGEST_WAIT = 60.0
"""Seconds; only a hang should meet this."""


def _killed_after_the_event(
    installation: Installation, send: Callable[[httpx2.Client], httpx2.Response]
) -> None:
    """Send, wait until the server stands behind the event, kill it: neither event nor effect."""
    engine = installation.office.runtime.ledger.engine
    before = contents(engine)
    _kill(installation, send, database_too=True)
    assert contents(engine) == before
    installation.begin()


def _kill(
    installation: Installation,
    send: Callable[[httpx2.Client], httpx2.Response],
    *,
    database_too: bool,
) -> None:
    engine, broken = installation.office.runtime.ledger.engine, held_up_after_the_event()

    def until_killed() -> None:
        with installation.client() as client, suppress(httpx2.TransportError):
            answer = send(client)
            raise AssertionError(f"answered with {answer.status_code} before the commit")

    with ThreadPoolExecutor(1) as pool:
        with broken.here(engine):
            sent = pool.submit(until_killed)
            _wait_for(lambda: _is_held_up(engine))
            assert installation.end(SIGKILL) == SIGKILL
            if database_too and engine.dialect.name == "postgresql":
                with engine.connect() as connection:
                    connection.execute(text(_END))
            _wait_for(lambda: not _is_held_up(engine))
        sent.result(timeout=LONGEST_WAIT)


_END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


def _is_held_up(engine: Engine) -> bool:
    """Whether somebody is inside a transaction that has written an event."""
    if engine.dialect.name == "postgresql":
        asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        with engine.connect() as connection:
            return bool(connection.execute(text(asleep)).scalar_one())
    with closing(sqlite3.connect(str(engine.url.database), timeout=0)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.rollback()
    return False


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_fetch_cut_off_before_its_commit_left_no_event_and_no_use(
    installation: Installation,
) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        _, tokens = installation.agreed(client, citizen, uses=1)
    token = tokens["access_token"]
    _killed_after_the_event(installation, lambda client: installation.fetch(client, token))
    with installation.client() as client:
        assert installation.fetch(client, token).status_code == 200
    assert len(installation.events(Kind.DATA_RELEASED)) == 1


def test_a_commit_that_was_sent_stands_with_its_event_and_its_use(
    installation: Installation,
) -> None:
    # The answer is lost, as it may be after any commit; what the log tells is what was done.
    if installation.office.runtime.ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite runs in the process that is killed")
    citizen = installation.signed_in()
    with installation.client() as client:
        _, tokens = installation.agreed(client, citizen, uses=1)
    token = tokens["access_token"]
    _kill(installation, lambda client: installation.fetch(client, token), database_too=False)
    installation.begin()
    assert len(installation.events(Kind.DATA_RELEASED)) == 1
    with installation.client() as client:
        assert installation.fetch(client, token).status_code in {401, 403}
    assert len(installation.events(Kind.DATA_RELEASED)) == 1


@pytest.mark.parametrize("decision", ["give", "refuse"])
def test_an_answer_cut_off_before_its_commit_can_be_given_again(
    installation: Installation, decision: str
) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        consent_id = citizen.open(client, installation.push(client))
        form = citizen.question(client, consent_id) | {"decision": decision}
    page = f"/en/requests/{consent_id}"
    _killed_after_the_event(installation, lambda client: citizen.post(client, page, form))
    assert installation.consent(consent_id).status is Status.REQUESTED
    with installation.client() as client:
        assert citizen.post(client, page, form).status_code == 303


def test_a_withdrawal_cut_off_before_its_commit_can_be_made_again(
    installation: Installation,
) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        consent_id, tokens = installation.agreed(client, citizen)
        form = citizen.withdrawal(client, consent_id)
    _killed_after_the_event(installation, lambda client: citizen.withdraw(client, consent_id, form))
    assert installation.consent(consent_id).status is Status.ACTIVE
    with installation.client() as client:
        assert citizen.withdraw(client, consent_id, form).status_code == 303
        assert installation.fetch(client, tokens["access_token"]).status_code in {401, 403}
    assert installation.events(Kind.DATA_RELEASED) == []
