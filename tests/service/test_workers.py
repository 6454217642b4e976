"""`serve --workers 2` for real: two processes under the application's role on one PostgreSQL, and
each request sent to the one or the other on purpose."""

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, text

from audit.proofs import log_state
from service.cli.main import main
from service.exchange import Answer, Call
from service.migrations.rights import Purpose
from tests.consent.flow import REDIRECT, VERIFIER
from tests.service.migrations.serving import migrated, role_for
from tests.service.office import (
    BY_LAW,
    ISSUER,
    PUSHED,
    Office,
    Program,
    content,
    header,
    open_office,
)
from tests.service.workers import Connection, Service, is_alive, serving, wait_for

REFUSALS = 4
SIGN_INS = 6
LEADS = (
    "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND granted AND usename = :role"
)


@pytest.fixture(scope="module")
def owner(postgresql_url: str) -> Iterator[Engine]:
    with migrated(postgresql_url) as engine:
        yield engine


@pytest.fixture(scope="module")
def opened(owner: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The same installation, opened in this process to begin with something."""
    with role_for(owner, Purpose.APPLICATION) as url:
        folder = tmp_path_factory.mktemp("office")
        office = open_office(url.render_as_string(hide_password=False), folder)
        yield office
        office.runtime.close()


@pytest.fixture
def office(opened: Office) -> Office:
    """On time, since the workers go by the machine's clock."""
    opened.clock.at = datetime.now(UTC)
    return opened


@pytest.fixture(scope="module")
def service(opened: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    log = tmp_path_factory.mktemp("workers") / "service.log"
    with serving(environment(opened), log) as running:
        yield running


@pytest.fixture
def both(service: Service) -> tuple[Connection, Connection]:
    """A connection to each of the two workers."""
    one, other = service.connections()
    assert one.worker != other.worker
    return one, other


def environment(office: Office) -> dict[str, str]:
    settings = office.runtime.settings
    return {
        "CONSENT_VAULT_BASE_URL": ISSUER,
        "CONSENT_VAULT_DATABASE_URL": settings.database_url,
        "CONSENT_VAULT_DATA_FOLDER": str(settings.data_folder),
        "CONSENT_VAULT_DPOP_NONCES": "true",
        "CONSENT_VAULT_REFUSALS_PER_MINUTE": str(REFUSALS),
        "CONSENT_VAULT_SIGN_INS_PER_MINUTE": str(SIGN_INS),
    }


def by_law(program: Program, nonce: str | None, **changed: object) -> Call:
    parameters = {
        "grant_type": "client_credentials",
        "authorization_details": json.dumps([BY_LAW | changed]),
    }
    proof = program.proof("POST", "/oauth/token", nonce=nonce)
    return program.form("/oauth/token", parameters, proofs=[proof])


def nonce_of(connection: Connection, office: Office) -> str:
    refused = connection.send(by_law(office.authority, None))
    assert content(refused)["error"] == "use_dpop_nonce"
    found = header(refused, "dpop-nonce")
    assert found is not None
    return found


def redeem(office: Office, code: str, nonce: str) -> Call:
    parameters = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
    }
    proof = office.program.proof("POST", "/oauth/token", nonce=nonce)
    return office.program.form("/oauth/token", parameters, proofs=[proof])


def fetch(program: Program, token: str, nonce: str) -> Call:
    path = "/api/v1/data/income"
    proof = program.proof("GET", path, access_token=token, nonce=nonce)
    return program.get(path, token, proofs=[proof])


def test_a_nonce_of_the_one_is_taken_by_the_other(
    office: Office, both: tuple[Connection, Connection]
) -> None:
    one, other = both
    assert other.send(by_law(office.authority, nonce_of(one, office))).status == 200
    assert one.send(by_law(office.authority, nonce_of(other, office))).status == 200


def test_an_assertion_and_a_proof_are_used_once_between_them(
    office: Office, both: tuple[Connection, Connection]
) -> None:
    one, other = both
    call = by_law(office.authority, nonce_of(one, office))
    assert one.send(call).status == 200
    refused = other.send(call)
    assert (refused.status, content(refused)["error"]) == (401, "invalid_client")


def test_a_token_of_the_one_opens_at_the_other_and_its_proof_opens_once(
    office: Office, both: tuple[Connection, Connection]
) -> None:
    one, other = both
    nonce = nonce_of(one, office)
    token = content(one.send(by_law(office.authority, nonce)))["access_token"]
    call = fetch(office.authority, token, nonce)
    assert other.send(call).status == 200
    for each in both:
        assert each.send(call).status == 401
    assert one.send(fetch(office.authority, token, nonce)).status == 200


def test_a_code_is_redeemed_once_between_them_and_a_replay_ends_its_token(
    office: Office, both: tuple[Connection, Connection]
) -> None:
    one, other = both
    nonce = nonce_of(one, office)
    code = office.code()
    tokens = content(one.send(redeem(office, code, nonce)))
    assert other.send(fetch(office.program, tokens["access_token"], nonce)).status == 200
    replayed = other.send(redeem(office, code, nonce))
    assert (replayed.status, content(replayed)["error"]) == (400, "invalid_grant")
    for each in both:
        assert each.send(fetch(office.program, tokens["access_token"], nonce)).status == 401


def test_what_was_withdrawn_is_closed_at_both_although_both_remember_the_token(
    office: Office, both: tuple[Connection, Connection]
) -> None:
    nonce = nonce_of(both[0], office)
    consent = office.given()
    code = office.code(consent)
    token = content(both[0].send(redeem(office, code, nonce)))["access_token"]
    for each in both:
        assert each.send(fetch(office.program, token, nonce)).status == 200
    office.withdraw(consent)
    for each in both:
        assert each.send(fetch(office.program, token, nonce)).status == 403


def test_refusals_of_strangers_are_bound_together(
    office: Office, both: tuple[Connection, Connection]
) -> None:
    stranger = Program(office.program.client_id, office.clock)
    statuses = [
        each.send(stranger.form("/oauth/par", PUSHED)).status
        for _ in range(REFUSALS)
        for each in both
    ]
    assert statuses == [401] * REFUSALS + [429] * REFUSALS


def test_sign_ins_from_one_network_are_bound_together(both: tuple[Connection, Connection]) -> None:
    path = "/sign-in/callback?" + urlencode({"state": "nobody's"})
    statuses = [each.get(path).status for _ in range(SIGN_INS) for each in both]
    assert statuses == [400] * SIGN_INS + [429] * SIGN_INS


def test_the_counters_are_those_of_both(
    office: Office, both: tuple[Connection, Connection]
) -> None:
    nonce_of(both[0], office)
    nonce_of(both[1], office)
    numbers = [_counted(each.get("/metrics")) for each in both]
    assert numbers[0] == numbers[1] > 1


def test_one_places_events_and_one_does_the_jobs_and_others_take_over(
    office: Office, owner: Engine, service: Service
) -> None:
    for killed in service.workers:
        connection = service.connections()[0]
        nonce_of(connection, office)
        wait_for(lambda: _all_placed(office))
        wait_for(lambda: _leads(owner, office) == 2)
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: not is_alive(killed) and len(service.workers) == 2)  # noqa: B023
    for each in service.connections():
        assert each.send(by_law(office.authority, nonce_of(each, office))).status == 200
    wait_for(lambda: _all_placed(office))


def test_a_stop_lets_go_of_everything(office: Office, tmp_path: Path) -> None:
    with serving(environment(office), tmp_path / "log") as service:
        workers = service.workers
        assert service.end(signal.SIGTERM) == 0
        assert not any(map(is_alive, workers))
        assert '"stopped"' in service.log.read_text()


def test_workers_end_when_the_first_process_was_killed(office: Office, tmp_path: Path) -> None:
    with serving(environment(office), tmp_path / "log") as service:
        workers = service.workers
        service.end(signal.SIGKILL)
        wait_for(lambda: not any(map(is_alive, workers)))


def test_on_sqlite_several_are_refused_with_the_reason(tmp_path: Path) -> None:
    settings = {
        "CONSENT_VAULT_BASE_URL": ISSUER,
        "CONSENT_VAULT_DATABASE_URL": f"sqlite:///{tmp_path / 'vault.db'}",
        "CONSENT_VAULT_DATA_FOLDER": str(tmp_path / "keys"),
    }
    assert CliRunner().invoke(main, ["db", "upgrade"], env=settings).exit_code == 0
    result = CliRunner().invoke(main, ["serve", "--workers", "2"], env=settings)
    assert result.exit_code == 1
    assert "SQLite serves one process" in result.output
    assert "one writer in at a time" in result.output


def _counted(answer: Answer) -> int:
    """How many requests for tokens were counted."""
    lines = answer.body.decode().splitlines()
    counted = [line for line in lines if line.startswith("consent_vault_requests_total{")]
    return sum(int(line.rpartition(" ")[2]) for line in counted if 'endpoint="token"' in line)


def _all_placed(office: Office) -> bool:
    with office.runtime.ledger.read() as connection:
        state = log_state(connection)
    return state.queued == 0 and state.size > 0


def _leads(owner: Engine, office: Office) -> int:
    """How many leads the workers hold: that of the sequencer, and that of the jobs."""
    role = office.runtime.ledger.engine.url.username
    with owner.connect() as connection:
        found: int = connection.execute(text(LEADS), {"role": role}).scalar_one()
        return found
