"""Two at once, on both databases: one wins, and nobody gets what was taken away before.

Threads start together at a barrier. Whoever is late meets the state that the first one left.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import update

from audit.model import SYSTEM, Actor, Event, Kind
from audit.unit_of_work import Ledger, begin
from consent.decisions import Denial, DenialReason, Permit, decide_fetch
from consent.grants import Grant, RefusalReason, TokenRefusal
from consent.lifecycle import IllegalTransitionError
from consent.model import Consent, ConsentRecord, Status
from consent.pushed import RequestUriError, open_request
from consent.reading import consent, consents_of
from consent.store import tables
from consent.tokens import refresh, use_once
from policies.ids import ConsentId
from tests.consent.flow import GROSS, JKT, NOW, Flow, Given, events

_Result = TypeVar("_Result")


def _at_once(*works: Callable[[], _Result]) -> list[_Result]:
    """Run all works in threads that start together; their results in order."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], _Result]) -> _Result:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def _or_error(work: Callable[[], _Result]) -> Callable[[], _Result | Exception]:
    def run() -> _Result | Exception:
        try:
            return work()
        except (IllegalTransitionError, RequestUriError) as error:
            return error

    return run


def _state(ledger: Ledger, consent_id: ConsentId) -> Consent:
    with ledger.read() as connection:
        found = consent(connection, consent_id)
    assert found is not None
    return found


def _redeem(flow: Flow, code: str) -> Grant | TokenRefusal:
    with begin(flow.ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        result = flow.redeem(uow, code)
    assert isinstance(result, Grant | TokenRefusal)
    return result


def test_one_code_redeemed_twelve_times_at_once_gives_one_grant(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = flow.open(person)
    flow.give(waiting.id, person)
    code = flow.code(waiting.id, person)
    results = _at_once(*[lambda: _redeem(flow, code)] * 12)
    grants = [each for each in results if isinstance(each, Grant)]
    refusals = [each for each in results if isinstance(each, TokenRefusal)]
    assert len(grants) == 1
    assert {each.reason for each in refusals} == {RefusalReason.CODE_REPLAYED}
    assert len(events(ledger, Kind.TOKEN_ISSUED)) == 1
    assert not flow.access(grants[0]).active


def test_one_request_opened_by_eight_people_at_once_is_one_persons(ledger: Ledger) -> None:
    flow = Flow(ledger)
    request_uri = flow.push()

    def open_it() -> Consent:
        person = flow.person()
        with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
            return open_request(uow, request_uri, person, flow.session)

    results = _at_once(*[_or_error(open_it)] * 8)
    assert sum(isinstance(each, Consent) for each in results) == 1
    assert len(events(ledger, Kind.CONSENT_REQUESTED)) == 1


def test_one_request_opened_twice_by_one_person_at_once_is_one_consent(ledger: Ledger) -> None:
    flow = Flow(ledger)
    request_uri, person = flow.push(), flow.person()

    def open_it() -> Consent:
        with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
            return open_request(uow, request_uri, person, flow.session)

    first, second = _at_once(open_it, open_it)
    assert first == second
    with ledger.read() as connection:
        assert consents_of(connection, person) == [first]


def test_giving_twice_at_once_gives_once(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = flow.open(person)
    results = _at_once(*[_or_error(lambda: flow.give(waiting.id, person))] * 8)
    assert sum(isinstance(each, ConsentRecord) for each in results) == 1
    late = [each for each in results if isinstance(each, IllegalTransitionError)]
    assert {each.status for each in late} == {Status.ACTIVE}
    assert len(events(ledger, Kind.CONSENT_GIVEN)) == 1


def test_of_many_consents_given_at_once_for_one_purpose_one_is_active(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = [flow.open(person).id for _ in range(6)]
    _at_once(*[lambda each=each: flow.give(each, person) for each in waiting])
    with ledger.read() as connection:
        statuses = [each.status for each in consents_of(connection, person)]
    assert sorted(statuses) == [Status.ACTIVE] + [Status.SUPERSEDED] * 5


def test_withdrawing_at_once_from_two_places_is_one_withdrawal(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    first, *others = _at_once(*[lambda: flow.withdraw(given)] * 6)
    assert all(each == first for each in others)
    assert len(events(ledger, Kind.CONSENT_WITHDRAWN)) == 1


@pytest.mark.parametrize("uses", [None, 1_000_000])
def test_no_fetch_commits_after_a_withdrawal_has(ledger: Ledger, uses: int | None) -> None:
    """Sixteen fetchers against one withdrawal; the log's order tells who was first."""
    flow = Flow(ledger)
    given = flow.given()
    with ledger.engine.begin() as connection:
        connection.execute(update(tables.consent).values(uses_allowed=uses, uses_left=uses))
    withdrawn = threading.Event()
    late: list[Permit] = []

    def fetch_until_refused() -> Denial:
        give_up = time.monotonic() + 60
        while time.monotonic() < give_up:
            was_withdrawn = withdrawn.is_set()
            decision = flow.fetch(given.access)
            if isinstance(decision, Denial):
                return decision
            if was_withdrawn:
                late.append(decision)
            time.sleep(0.001)  # lets go of the connection, of which there are fewer than threads
        raise AssertionError("the withdrawal never came through")

    def take_back() -> None:
        time.sleep(0.2)  # some fetches come first
        flow.withdraw(given)
        withdrawn.set()

    with ThreadPoolExecutor(17) as pool:
        fetchers = [pool.submit(fetch_until_refused) for _ in range(16)]
        pool.submit(take_back).result(timeout=60)
        denials = [each.result(timeout=60) for each in fetchers]
    assert late == []
    assert {each.reason for each in denials} == {DenialReason.WITHDRAWN}
    (withdrawal,) = events(ledger, Kind.CONSENT_WITHDRAWN)
    releases = events(ledger, Kind.DATA_RELEASED)
    assert releases
    assert all(each.number < withdrawal.number for each in releases)


@pytest.mark.parametrize("uses", [1, 4])
def test_limited_uses_are_never_exceeded(ledger: Ledger, uses: int) -> None:
    flow = Flow(ledger)
    given = flow.given(details_uses=uses)
    decisions = _at_once(*[lambda: flow.fetch(given.access)] * 16)
    assert sum(isinstance(each, Permit) for each in decisions) == uses
    denials = [each for each in decisions if isinstance(each, Denial)]
    assert {each.reason for each in denials} == {DenialReason.USES_SPENT}
    spent = _state(ledger, given.record.consent)
    assert (spent.status, spent.uses_left) == (Status.EXPIRED, 0)
    assert len(events(ledger, Kind.CONSENT_EXPIRED)) == 1


def test_a_token_refreshed_while_the_consent_is_withdrawn_does_not_outlive_it(
    ledger: Ledger,
) -> None:
    flow = Flow(ledger)
    for _ in range(4):
        given = flow.given()
        token = str(given.grant.refresh_token)

        def again(token: str = token) -> Grant | TokenRefusal | ConsentRecord:
            with begin(ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
                return refresh(uow, token, client=flow.client, jkt=JKT)

        def back(given: Given = given) -> Grant | TokenRefusal | ConsentRecord:
            return flow.withdraw(given)

        for result in _at_once(again, again, back, again):
            if isinstance(result, Grant):
                assert not flow.access(result).active


def test_one_proof_used_eight_times_at_once_is_used_once(ledger: Ledger) -> None:
    def use() -> bool:
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            uow.record(Event(kind=Kind.TOKEN_INTROSPECTED))
            return use_once(uow, "proof", "jti-1", NOW + timedelta(minutes=1))

    assert sorted(_at_once(*[use] * 8)) == [False] * 7 + [True]


def test_a_fetch_decided_before_a_withdrawal_finishes_before_it(ledger: Ledger) -> None:
    """The withdrawal waits for a fetch that has already seen the consent active."""
    flow = Flow(ledger)
    given = flow.given()
    with ThreadPoolExecutor(1) as pool:
        with begin(ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
            assert isinstance(decide_fetch(uow, given.access, (GROSS,)), Permit)
            withdrawal = pool.submit(flow.withdraw, given)
            with pytest.raises(TimeoutError):
                withdrawal.result(timeout=0.3)
            uow.record(Event(kind=Kind.DATA_RELEASED, subject=given.person))
        assert withdrawal.result(timeout=10).status is Status.WITHDRAWN
    assert isinstance(flow.fetch(given.access), Denial)
