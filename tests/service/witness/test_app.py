"""The witness over HTTP: every status, what it keeps over a restart, and two requests at once."""

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from starlette.testclient import TestClient

from audit.cosignature import Cosigner, Ed25519Cosigner, MlDsaCosigner, cosigned_at, parse_cosigner
from audit.log_family import FollowedLogs
from audit.note import open_note, verified_lines
from audit.witness import Cosigned
from service.witness.app import MAX_BODY_BYTES, Witness, create_witness_app
from service.witness.store import Known, WitnessState
from tests.audit.growing import NOW, GrowingLog
from tests.service.house import Clock

LOG = GrowingLog()
COSIGNERS: tuple[Cosigner, ...] = (
    Ed25519Cosigner("w.example", Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)),
    MlDsaCosigner("w.example", MLDSA44PrivateKey.from_seed_bytes(bytes([9]) * 32)),
)
VERIFIERS = [parse_cosigner(each.vkey) for each in COSIGNERS]
CHECKPOINT = f"/{hashlib.sha256(LOG.origin.encode()).hexdigest()}/checkpoint"


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[WitnessState]:
    opened = WitnessState.open_or_create(tmp_path / "witness.db")
    yield opened
    opened.close()


def client_of(state: WitnessState, clock: Clock) -> TestClient:
    followed = FollowedLogs.parse(signer.vkey for signer in LOG.signers.base_signers)
    return TestClient(create_witness_app(Witness(followed, COSIGNERS, state, clock)))


@pytest.fixture
def client(state: WitnessState, clock: Clock) -> TestClient:
    return client_of(state, clock)


def add(client: TestClient, body: bytes) -> tuple[int, str]:
    answer = client.post("/add-checkpoint", content=body)
    return answer.status_code, answer.text


def test_growth_is_cosigned_and_every_line_carries_the_time(
    client: TestClient, clock: Clock
) -> None:
    for old, new in ((0, 3), (3, 7), (7, 7)):
        clock.advance(minutes=1)
        status, lines = add(client, LOG.request(old, new))
        assert status == 200
        text, found = verified_lines(LOG.note(new) + lines.encode(), VERIFIERS)
        assert text.splitlines()[1] == str(new)
        times = {cosigned_at(line.verifier, line.signature) for line in found}
        assert times == {int(clock().timestamp())}


REFUSED = {
    400: b"old 00\n\n",
    403: GrowingLog(seed=2).request(0, 3),
    404: LOG.request(0, 3, note=LOG.note(3, log="2026h2b")),
    422: LOG.request(0, 3, proof=["A" * 43 + "="]),
}


@pytest.mark.parametrize("status", REFUSED)
def test_each_refusal_has_its_status_and_says_why_in_words(client: TestClient, status: int) -> None:
    found, words = add(client, REFUSED[status])
    assert found == status
    assert words.endswith("\n")
    assert "Error" not in words


def test_a_conflict_names_the_known_size_in_its_own_media_type(client: TestClient) -> None:
    add(client, LOG.request(0, 3))
    answer = client.post("/add-checkpoint", content=LOG.request(0, 7))
    assert (answer.status_code, answer.text) == (409, "3\n")
    assert answer.headers["content-type"] == "text/x.tlog.size"


def test_a_refused_request_changes_nothing(client: TestClient) -> None:
    add(client, LOG.request(0, 3))
    before = client.get(CHECKPOINT).content
    for body in (*REFUSED.values(), GrowingLog("two").request(3, 7), LOG.request(2, 7)):
        assert add(client, body)[0] != 200
    assert client.get(CHECKPOINT).content == before


def test_monitors_read_the_last_checkpoint_with_the_logs_and_our_signatures(
    client: TestClient,
) -> None:
    assert client.get(CHECKPOINT).status_code == 404
    lines = add(client, LOG.request(0, 3))[1]
    answer = client.get(CHECKPOINT)
    assert answer.text.endswith(lines)
    assert answer.headers["cache-control"] == "no-cache"
    for verifier in VERIFIERS:
        assert open_note(answer.content, [verifier]).startswith(LOG.origin)
    assert verified_lines(answer.content, LOG.signers.verifiers("2026h2"))[1]


def test_each_half_year_is_a_log_of_its_own(client: TestClient) -> None:
    add(client, LOG.request(0, 3))
    assert add(client, LOG.request(0, 1, note=LOG.note(1, log="2027h1")))[0] == 200
    assert add(client, LOG.request(3, 7))[0] == 200


def test_what_was_cosigned_is_known_after_a_restart(
    client: TestClient, state: WitnessState, clock: Clock, tmp_path: Path
) -> None:
    add(client, LOG.request(0, 3))
    kept = client.get(CHECKPOINT).content
    state.close()
    again = WitnessState.open_or_create(tmp_path / "witness.db")
    restarted = client_of(again, clock)
    assert restarted.get(CHECKPOINT).content == kept
    assert add(restarted, LOG.request(0, 2)) == (409, "3\n")
    assert add(restarted, LOG.request(3, 7))[0] == 200
    again.close()


def test_a_forged_line_under_our_own_name_poisons_nothing(client: TestClient) -> None:
    text = LOG.note(9).partition(b"\n\n")[0].decode() + "\n"
    forged = COSIGNERS[0].cosign(text, 1)  # of another checkpoint, so wrong under this one
    assert add(client, LOG.request(0, 3, note=LOG.note(3) + forged.encode()))[0] == 200
    assert open_note(client.get(CHECKPOINT).content, VERIFIERS)
    assert add(client, LOG.request(3, 7))[0] == 200


def test_of_two_requests_at_once_only_one_is_cosigned(state: WitnessState, clock: Clock) -> None:
    """The race of the standard: checked beside each other, the slower would take leaves back."""
    add(client_of(state, clock), LOG.request(0, 1))
    start, answers = threading.Barrier(8), []

    def ask(new: int) -> None:
        client = client_of(state, clock)
        start.wait()
        answers.append((add(client, LOG.request(1, new)), new))

    threads = [threading.Thread(target=ask, args=(new,)) for new in range(2, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [winner] = [new for (status, _), new in answers if status == 200]
    assert {answer for answer, new in answers if new != winner} == {(409, f"{winner}\n")}
    known = state.known(LOG.origin)
    assert known is not None
    assert known.checkpoint.size == winner


def test_a_decision_waits_for_the_one_before_it_in_another_process(
    state: WitnessState, clock: Clock, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "witness.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    done = threading.Event()

    def ask() -> None:
        add(client_of(state, clock), LOG.request(0, 3))
        done.set()

    asking = threading.Thread(target=ask)
    asking.start()
    assert not done.wait(0.3)
    other.execute("ROLLBACK")
    asking.join()
    other.close()
    assert done.is_set()


def test_nothing_is_answered_that_could_not_be_kept(client: TestClient, tmp_path: Path) -> None:
    add(client, LOG.request(0, 3))
    with sqlite3.connect(tmp_path / "witness.db") as other:
        other.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON witness_log"
            " BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    assert add(client, LOG.request(3, 7)) == (503, "try again later\n")
    with sqlite3.connect(tmp_path / "witness.db") as other:
        other.execute("DROP TRIGGER full")
    assert add(client, LOG.request(0, 7)) == (409, "3\n")


def test_a_decision_that_fails_keeps_what_was_known(state: WitnessState) -> None:
    state.replace(LOG.origin, NOW, lambda _: Cosigned(LOG.note(3), b""))

    def fail(known: Known | None) -> Cosigned:
        assert known is not None
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        state.replace(LOG.origin, NOW, fail)
    assert [(each.checkpoint.size, each.at) for each in state.all()] == [(3, NOW)]


def test_nothing_is_cosigned_while_the_clock_stands_before_the_last_time(
    client: TestClient, clock: Clock
) -> None:
    add(client, LOG.request(0, 3))
    clock.at = NOW - timedelta(seconds=1)
    assert add(client, LOG.request(3, 7)) == (503, "try again later\n")
    clock.at = NOW
    assert add(client, LOG.request(3, 7))[0] == 200


def test_a_request_that_is_too_large_is_refused(client: TestClient) -> None:
    assert add(client, b"x" * (MAX_BODY_BYTES + 1))[0] == 413


def test_the_first_page_names_keys_and_logs(client: TestClient) -> None:
    add(client, LOG.request(0, 3))
    page = client.get("/").text
    assert all(each.vkey in page for each in COSIGNERS)
    assert f"{CHECKPOINT[1:]} {LOG.origin} 3\n" in page


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/add-checkpoint", 405), ("POST", CHECKPOINT, 405), ("GET", "/other", 404)],
)
def test_other_methods_and_paths_are_refused(
    client: TestClient, method: str, path: str, status: int
) -> None:
    assert client.request(method, path).status_code == status


def test_the_state_is_for_its_owner_only(state: WitnessState, tmp_path: Path) -> None:
    assert state.all() == []
    assert (tmp_path / "witness.db").stat().st_mode & 0o777 == 0o600


def test_the_state_is_written_through_to_the_disk(state: WitnessState) -> None:
    with state._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
