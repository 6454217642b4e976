"""Withdrawal against sixteen fetchers over HTTP: what was committed first wins, and stays so.

The order of the log tells who was first; no test here looks at a clock.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from audit.model import Kind
from consent.model import Status
from tests.faults.installation import GROSS, Installation

FETCHERS = 16
BEFORE = 48
"""Answers with data before somebody withdraws."""
LONGEST = 50
"""Fetches of one fetcher, should nobody ever be refused; together fewer than the limits let be."""


@dataclass
class Race:
    """What the fetchers have seen so far."""

    installation: Installation
    token: str
    released: list[str] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    warm: threading.Event = field(default_factory=threading.Event)
    withdrawn: threading.Event = field(default_factory=threading.Event)
    late: list[str] = field(default_factory=list)
    """Events of data that came although it was asked for after the withdrawal's answer."""

    def fetch(self) -> None:
        """Fetch until a fetch that was sent after the withdrawal's answer has been answered."""
        with self.installation.client() as client:
            for _ in range(LONGEST):
                after = self.withdrawn.is_set()
                answer = self.installation.fetch(client, self.token)
                event = answer.headers["consent-vault-event"]
                if answer.status_code == 200:
                    self.released.append(event)
                    self.late += [event] * after
                else:
                    assert GROSS not in answer.text
                    self.refused.append((answer.status_code, event))
                if len(self.released) >= BEFORE:
                    self.warm.set()
                if after:
                    return


def test_no_data_leaves_after_the_withdrawal_and_each_refusal_is_recorded(
    installation: Installation,
) -> None:
    installation.allow_many_fetches()
    citizen = installation.signed_in()
    with ThreadPoolExecutor(FETCHERS) as pool, installation.client() as browser:
        consent_id, tokens = installation.agreed(browser, citizen)
        race = Race(installation, tokens["access_token"])
        form = citizen.withdrawal(browser, consent_id)
        fetchers = [pool.submit(race.fetch) for _ in range(FETCHERS)]
        assert race.warm.wait(timeout=120)
        answer = citizen.withdraw(browser, consent_id, form)
        race.withdrawn.set()
        for each in fetchers:
            each.result(timeout=120)
    assert answer.status_code == 303
    assert race.late == []
    assert len(race.refused) >= FETCHERS
    assert {status for status, _ in race.refused} <= {401, 403}
    _check_log(installation, race)
    assert installation.consent(consent_id).status is Status.WITHDRAWN


def _check_log(installation: Installation, race: Race) -> None:
    (withdrawal,) = installation.events(Kind.CONSENT_WITHDRAWN)
    releases = installation.events(Kind.DATA_RELEASED)
    assert {str(each.event_id) for each in releases} == set(race.released)
    assert all(each.number < withdrawal.number for each in releases)
    refusals = {str(each.event_id): each for each in installation.events(Kind.DATA_REFUSED)}
    assert {event for _, event in race.refused} == set(refusals)
    assert {each.get("reason") for each in refusals.values()} == {"withdrawn"}
    assert all(each.number > withdrawal.number for each in refusals.values())


def test_a_server_that_starts_after_a_withdrawal_refuses_the_tokens_of_before(
    installation: Installation,
) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        consent_id, tokens = installation.agreed(client, citizen)
        assert installation.fetch(client, tokens["access_token"]).status_code == 200
        form = citizen.withdrawal(client, consent_id)
        assert citizen.withdraw(client, consent_id, form).status_code == 303
    installation.end()
    installation.begin()
    office = installation.on_time()
    with installation.client() as client:
        assert installation.fetch(client, tokens["access_token"]).status_code in {401, 403}
        again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        answer = installation.send(client, office.program.form("/oauth/token", again))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert len(installation.events(Kind.DATA_RELEASED)) == 1
    assert len(installation.events(Kind.DATA_REFUSED)) == 1


def test_a_consent_for_five_fetches_gives_five_to_sixteen_fetchers(
    installation: Installation,
) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        consent_id, tokens = installation.agreed(client, citizen, uses=5)

    def fetch(_: int) -> int:
        with installation.client() as client:
            return installation.fetch(client, tokens["access_token"]).status_code

    with ThreadPoolExecutor(FETCHERS) as pool:
        statuses = list(pool.map(fetch, range(FETCHERS)))
    assert sorted(statuses) == [200] * 5 + [403] * (FETCHERS - 5)
    assert len(installation.events(Kind.DATA_RELEASED)) == 5
    refusals = installation.events(Kind.DATA_REFUSED)
    assert [each.get("reason") for each in refusals] == ["uses-spent"] * (FETCHERS - 5)
    assert installation.consent(consent_id).status is Status.EXPIRED
