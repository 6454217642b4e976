"""An erasure against everything that may happen to the person at the same moment.

Whatever wins, in the order in which the log has it nothing is opened after the erasure, and nothing
is left of what came in meanwhile.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import pytest

from audit.model import Actor, Entry, Kind
from audit.reader import entries_about
from audit.unit_of_work import Ledger, begin
from consent.authorization_details import AuthorizationDetails
from consent.decisions import Denial, decide_fetch
from consent.grants import Grant, TokenAccess
from consent.lifecycle import IllegalTransitionError
from consent.model import LIVE, OPEN
from consent.reading import consents_of
from consent.tokens import access, issue_statutory_token
from policies.ids import AttributeId, PersonId, PurposeId
from tests.consent.flow import JKT, Flow, catalogue
from tests.vault.erasing import erased, rows
from tests.vault.given import GLUCOSE, GROSS, NOW, deposited, fact
from vault.people import UnknownPersonError, issue_pairwise_subject
from vault.release import release
from vault.vault import Vault

THREADS = 3
BY_LAW = PurposeId("kela-income-check")
MANY_USES = PurposeId("clinic-diabetes-care")


def against(
    erasing: Callable[[], object], other: Callable[[], bool], *, rounds: int = 3
) -> list[Future[object]]:
    """Threads that repeat the other thing until it is over (it says so), and the erasure, begun
    once each of them has done it a few times."""
    warm = threading.Barrier(THREADS + 1, timeout=60)

    def repeat() -> None:
        try:
            for _ in range(rounds):
                assert not other()
        except BaseException:
            warm.abort()
            raise
        warm.wait()
        while not other():
            pass

    with ThreadPoolExecutor(THREADS + 1) as pool:
        done: list[Future[object]] = [pool.submit(repeat) for _ in range(THREADS)]
        with suppress(threading.BrokenBarrierError):  # who broke it says why
            warm.wait()
        done.append(pool.submit(erasing))
    return done


def newest_first(ledger: Ledger, person: PersonId) -> list[Entry]:
    with ledger.read() as connection:
        return entries_about(connection, ledger, person, limit=5000)


def opened_after_erasure(ledger: Ledger, person: PersonId) -> list[Entry]:
    entries = newest_first(ledger, person)
    at = next(n for n, each in enumerate(entries) if each.kind is Kind.PERSON_ERASED)
    return [e for e in entries[:at] if e.kind is Kind.DATA_RELEASED and e.many("attributes")]


def fetching(
    ledger: Ledger, vault: Vault, token: TokenAccess, attribute: AttributeId = GROSS
) -> Callable[[], bool]:
    """One fetch; True when it was refused or gave nothing."""

    def fetch() -> bool:
        with begin(ledger, actor=Actor.client(token.client), now=NOW) as uow:
            decision = decide_fetch(uow, token, (attribute,))
            if isinstance(decision, Denial):
                return True
            return not release(uow, vault, decision).facts

    return fetch


def test_no_fetch_by_consent_opens_anything_after_the_erasure(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    purpose = catalogue().purpose(MANY_USES)
    asked = tuple(each.id for each in purpose.attributes)
    flow = Flow(ledger, MANY_USES, organisation=purpose.organisation)
    token = flow.given(person=held, details_attributes=asked, granted=asked).access
    fetch = fetching(ledger, vault, token, GLUCOSE)
    for each in against(lambda: erased(ledger, vault, held), fetch):
        each.result()
    assert opened_after_erasure(ledger, held) == []
    assert fetch()


def by_law(ledger: Ledger, vault: Vault, flow: Flow, person: PersonId) -> TokenAccess:
    details = AuthorizationDetails(purpose=BY_LAW, attributes=(GROSS,), case="K/1")
    with begin(ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        issue_pairwise_subject(uow, vault, person, flow.client.organisation)
        grant = issue_statutory_token(uow, flow.client, details, person, jkt=JKT)
        assert isinstance(grant, Grant)
        found = access(uow.connection, grant.access_token)
    assert found is not None
    return found


def test_no_fetch_by_law_opens_anything_after_the_erasure(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    organisation = catalogue().purpose(BY_LAW).organisation
    flow = Flow(ledger, BY_LAW, organisation=organisation)
    token = by_law(ledger, vault, flow, held)
    done = against(lambda: erased(ledger, vault, held), fetching(ledger, vault, token))
    for each in done:
        each.result()
    assert opened_after_erasure(ledger, held) == []
    with pytest.raises(UnknownPersonError):
        by_law(ledger, vault, flow, held)


def test_no_token_by_law_outlives_the_erasure(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    organisation = catalogue().purpose(BY_LAW).organisation
    flow = Flow(ledger, BY_LAW, organisation=organisation)
    tokens: list[TokenAccess] = []

    def issue() -> bool:
        try:
            tokens.append(by_law(ledger, vault, flow, held))
        except UnknownPersonError:
            return True
        return False

    for each in against(lambda: erased(ledger, vault, held), issue):
        each.result()
    assert len(tokens) >= THREADS * 3
    for token in tokens:
        with begin(ledger, actor=Actor.client(token.client), now=NOW) as uow:
            assert isinstance(decide_fetch(uow, token, (GROSS,)), Denial)


def test_nothing_is_left_of_what_a_source_sent_meanwhile(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    def send() -> bool:
        try:
            deposited(ledger, vault, held, fact())
        except UnknownPersonError:
            return True
        return False

    for each in against(lambda: erased(ledger, vault, held), send):
        each.result()
    assert rows(ledger, held) == {"vault_erasure": 1}


def test_no_consent_that_was_given_meanwhile_stays_in_force(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    flow = Flow(ledger)
    waiting = [flow.open(held) for _ in range(6)]

    def give_all() -> None:
        for each in waiting:
            try:
                flow.give(each.id, held)
            except IllegalTransitionError:
                continue

    threads = [
        threading.Thread(target=give_all),
        threading.Thread(target=erased, args=(ledger, vault, held)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ledger.read() as connection:
        assert consents_of(connection, held, OPEN | LIVE) == []


def test_of_two_erasures_at_once_one_is_made(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(erased, ledger, vault, held) for _ in range(2)]
    failed = [each.exception() for each in done]
    assert sorted(type(each).__name__ for each in failed) == ["NoneType", "UnknownPersonError"]
    kinds = [each.kind for each in newest_first(ledger, held)]
    assert kinds.count(Kind.PERSON_ERASED) == 1
