"""kill -9 of the server during fetches and withdrawals, fifty times on the two databases together.

What a client was told has its event, the log verifies, and the next server goes on where the
killed one stood. When to kill is counted in answers, not in time.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from signal import SIGKILL

import httpx2

from audit.bundle import write_bundle
from audit.checkpoint import Checkpoint, open_checkpoint
from audit.merkle import verify_consistency
from audit.model import Entry, Kind
from audit.proofs import consistency, log_state
from audit.shards import shard_at
from audit.verify import verify_bundle
from consent.model import Status
from policies.ids import ConsentId
from service.runtime import utc_now
from tests.faults.installation import Citizen, Installation

KILLS = 25
"""On each database."""
FETCHERS = 4
MOST_ANSWERS = 24
HALF = 0.5
"""Of the lives end when the withdrawal has been answered, the others wherever they are."""
LONGEST_WAIT = 120.0
"""Seconds; only a hang should meet this."""


@dataclass
class Life:
    """What clients were told between the start of a server and its end."""

    installation: Installation
    consent: ConsentId
    token: str
    released: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    """Events of data that was asked for when the withdrawal had been answered."""
    refused: list[str] = field(default_factory=list)
    withdrawn: bool = False
    """Whether somebody was told so."""
    over: bool = False
    _answered: threading.Condition = field(default_factory=threading.Condition)

    def fetch(self) -> None:
        """Fetch until the connection breaks."""
        with self.installation.client() as client, _until_killed():
            while not self.over:
                after = self.withdrawn
                answer = self.installation.fetch(client, self.token)
                with self._answered:
                    self._note(answer, after=after)
                    self._answered.notify_all()

    def withdraw(self, citizen: Citizen, form: dict[str, str], *, after: int) -> None:
        """Withdraw when so many fetches have been answered, if the server lives that long."""
        with self.installation.client() as client, _until_killed():
            self.wait_for_answers(after)
            if not self.over:
                answer = citizen.withdraw(client, self.consent, form)
                assert answer.status_code == 303
                with self._answered:
                    self.withdrawn = True
                    self._answered.notify_all()

    @property
    def answers(self) -> int:
        return len(self.released) + len(self.refused)

    def wait_for_answers(self, number: int) -> None:
        self._wait_until(lambda: self.answers >= number)

    def wait_for_withdrawal(self) -> None:
        self._wait_until(lambda: self.withdrawn)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        with self._answered:
            assert self._answered.wait_for(lambda: self.over or condition(), LONGEST_WAIT)

    def _note(self, answer: httpx2.Response, *, after: bool) -> None:
        event = answer.headers["consent-vault-event"]
        if answer.status_code == 200:
            self.released.append(event)
            self.late += [event] * after
        else:
            assert answer.status_code in {401, 403}
            self.refused.append(event)


@contextmanager
def _until_killed() -> Iterator[None]:
    try:
        yield
    except httpx2.TransportError:
        return


def test_what_was_acknowledged_is_in_the_log_after_every_kill(installation: Installation) -> None:
    installation.allow_many_fetches()
    citizen = installation.signed_in()
    dice = random.Random(20261124)  # noqa: S311  # a game, not a secret
    lives, checkpoints = list[Life](), list[Checkpoint]()
    for _ in range(KILLS):
        with installation.client() as client:
            consent, tokens = installation.agreed(client, citizen)
            life = Life(installation, consent, tokens["access_token"])
            form = citizen.withdrawal(client, consent)
            checkpoints += _checkpoint(installation, client)
        _live(life, citizen, form, dice)
        lives.append(life)
    log = _completed_log(installation)
    for life in lives:
        _check_life(life, log)
    _check_tree(installation, checkpoints, len(log))
    assert sum(life.withdrawn for life in lives) > KILLS // 4
    assert sum(len(life.refused) for life in lives) > 0
    assert sum(len(life.released) for life in lives) > KILLS


def _live(life: Life, citizen: Citizen, form: dict[str, str], dice: random.Random) -> None:
    """Fetch and withdraw, kill the server in the middle, start the next one."""
    until_kill = dice.randint(1, MOST_ANSWERS)
    until_withdrawal = dice.randint(0, until_kill)
    with ThreadPoolExecutor(FETCHERS + 1) as pool:
        works = [pool.submit(life.fetch) for _ in range(FETCHERS)]
        works.append(pool.submit(life.withdraw, citizen, form, after=until_withdrawal))
        life.wait_for_answers(until_kill)
        if dice.random() < HALF:
            life.wait_for_withdrawal()
            life.wait_for_answers(life.answers + dice.randint(0, FETCHERS * 2))
        assert life.installation.end(SIGKILL) == SIGKILL
        life.over = True
        # A client that was just about to connect is answered by the next server.
        life.installation.begin()
        for work in works:
            work.result(timeout=LONGEST_WAIT)


def _check_life(life: Life, log: dict[str, Entry]) -> None:
    assert life.late == []
    assert all(log[event].kind is Kind.DATA_RELEASED for event in life.released)
    assert all(log[event].kind is Kind.DATA_REFUSED for event in life.refused)
    own = [e for e in log.values() if (e.get("consent") or "").startswith(str(life.consent))]
    withdrawals = [each for each in own if each.kind is Kind.CONSENT_WITHDRAWN]
    releases = [each for each in own if each.kind is Kind.DATA_RELEASED]
    assert set(life.released) <= {str(each.event_id) for each in releases}
    assert len(withdrawals) <= 1
    assert withdrawals or not life.withdrawn
    for withdrawal in withdrawals:
        assert all(each.number < withdrawal.number for each in releases)
    found = life.installation.consent(life.consent).status
    assert found is (Status.WITHDRAWN if withdrawals else found)
    assert withdrawals or found in {Status.ACTIVE, Status.SUPERSEDED}


def _completed_log(installation: Installation) -> dict[str, Entry]:
    """The whole log, when the last server has given everything its place."""
    ledger = installation.office.runtime.ledger
    deadline = time.monotonic() + LONGEST_WAIT
    while True:
        with ledger.read() as connection:
            if log_state(connection).queued == 0:
                break
        assert time.monotonic() < deadline, "the sequencer does not go on"
        time.sleep(0.05)
    entries = installation.events()
    assert sorted(each.index for each in entries if each.index is not None) == list(
        range(len(entries))
    )
    return {str(each.event_id): each for each in entries}


def _checkpoint(installation: Installation, client: httpx2.Client) -> list[Checkpoint]:
    """The checkpoint that is served now; none at first."""
    answer = client.get("/audit/checkpoint")
    if answer.status_code == 404:
        return []
    signers, log = installation.office.runtime.log_signers, shard_at(utc_now())
    return [open_checkpoint(answer.content, signers.verifiers(log), origin=signers.origin(log))]


def _check_tree(installation: Installation, seen: list[Checkpoint], events: int) -> None:
    """Every checkpoint that somebody saw is a prefix of the last one, and the export verifies."""
    runtime = installation.office.runtime
    with runtime.ledger.read() as connection:
        last = log_state(connection)
        assert last.size == events
        assert last.root is not None
        assert [each.size for each in seen] == sorted(each.size for each in seen)
        assert seen[-1].size > seen[0].size
        for each in seen:
            verify_consistency(
                old_size=each.size,
                old_root=each.root,
                new_size=last.size,
                new_root=last.root,
                proof=consistency(connection, each.size, last.size).hashes,
            )
        bundle = write_bundle(connection, runtime.ledger, signers=runtime.log_signers)
    report = verify_bundle(bundle, vkey=runtime.log_signers.vkeys(shard_at(utc_now()))[0])
    assert (report.size, report.closed) == (events, 0)
