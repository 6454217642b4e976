"""Everything that works once, used twice at the same time over HTTP: one wins, once.

The other one gets its exact error, there is one effect, and one event tells of it.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TypeVar

import httpx2

from audit.model import Kind
from consent.model import Status
from service.exchange import Call
from tests.faults.installation import GROSS, Citizen, Installation
from tests.service.api.test_deposits import Source, written
from tests.service.office import PUSHED

Result = TypeVar("Result")
TIMES = 4
"""How often at once; an even number."""


def _at_once(
    installation: Installation, works: Sequence[Callable[[httpx2.Client], Result]]
) -> list[Result]:
    """Each work from a thread with a connection of its own; they start together."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[httpx2.Client], Result]) -> Result:
        with installation.client() as client:
            client.get("/healthz")
            barrier.wait()
            return work(client)

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def _sent_at_once(installation: Installation, calls: list[Call]) -> list[httpx2.Response]:
    works = [partial(_send, installation, call) for call in calls]
    return _at_once(installation, works)


def _send(installation: Installation, call: Call, client: httpx2.Client) -> httpx2.Response:
    return installation.send(client, call)


def _statuses(answers: list[httpx2.Response]) -> Counter[int]:
    return Counter(each.status_code for each in answers)


def _losers(answers: list[httpx2.Response], won: int) -> list[dict[str, str]]:
    return [each.json() for each in answers if each.status_code != won]


def test_one_code_gives_one_token_and_its_replay_ends_it(installation: Installation) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        consent_id = citizen.open(client, installation.push(client))
        citizen.answer(client, consent_id, "give")
        code = citizen.code(client, consent_id)
        answers = _sent_at_once(installation, [installation.redemption(code) for _ in range(TIMES)])
        (won,) = [each for each in answers if each.status_code == 200]
        after = installation.fetch(client, won.json()["access_token"])
    lost = _losers(answers, 200)
    assert _statuses(answers) == {200: 1, 400: TIMES - 1}
    assert {each["error"] for each in lost} == {"invalid_grant"}
    assert all("code-replayed" in each["error_description"] for each in lost)
    assert len(installation.events(Kind.TOKEN_ISSUED)) == 1
    refusals = installation.events(Kind.TOKEN_REFUSED)
    assert [each.get("reason") for each in refusals] == ["code-replayed"] * (TIMES - 1)
    # RFC 6749 section 4.1.2: whoever had the code, thief or client, has nothing now.
    assert after.status_code == 401
    assert installation.events(Kind.DATA_RELEASED) == []


def _authorize(citizen: Citizen, request_uri: str, client: httpx2.Client) -> httpx2.Response:
    return citizen.authorize(client, request_uri)


def test_one_request_address_opened_at_once_by_one_person_is_one_request(
    installation: Installation,
) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        request_uri = installation.push(client)
    answers = _at_once(installation, [partial(_authorize, citizen, request_uri)] * TIMES)
    assert _statuses(answers) == {303: TIMES}
    assert len({each.headers["location"] for each in answers}) == 1
    assert len(installation.events(Kind.CONSENT_REQUESTED)) == 1


def test_one_request_address_opened_at_once_by_several_people_is_the_first_ones(
    installation: Installation,
) -> None:
    citizens = [installation.signed_in(installation.somebody(n)) for n in range(TIMES)]
    with installation.client() as client:
        request_uri = installation.push(client)
    works = [partial(_authorize, who, request_uri) for who in citizens]
    answers = _at_once(installation, works)
    assert _statuses(answers) == {303: 1, 404: TIMES - 1}
    assert len(installation.events(Kind.CONSENT_REQUESTED)) == 1
    refusals = installation.events(Kind.REQUEST_REFUSED)
    assert len(refusals) == TIMES - 1
    assert {each.get("reason") for each in refusals} == {"request-of-another-person"}


def test_one_document_under_one_key_is_kept_once(installation: Installation) -> None:
    source = Source(installation.on_time())
    yesterday = installation.office.clock() - timedelta(days=1)
    body = written(observed_at=f"{yesterday:%Y-%m-%dT%H:%M:%SZ}")
    with installation.client() as client:
        token = installation.send(client, source.asking()).json()["access_token"]
    calls = [source.call(token, body) for _ in range(TIMES)]
    answers = _sent_at_once(installation, calls)
    statuses = _statuses(answers)
    assert statuses[201] >= 1
    assert statuses[201] + statuses[409] == TIMES
    assert len({each.content for each in answers if each.status_code == 201}) == 1
    assert {each["type"] for each in _losers(answers, 201)} <= {"/problems/idempotency-key-in-use"}
    events = installation.events(Kind.DATA_DEPOSITED)
    kept = [e for e in events if e.get("actor") == "client:tax-admin-1" and not e.get("reason")]
    assert len(kept) == 1
    with installation.client() as client:
        again = installation.send(client, source.call(token, body))
    assert (again.status_code, again.json()["event"]) == (201, str(kept[0].event_id))


def test_one_assertion_authenticates_once(installation: Installation) -> None:
    program = installation.on_time().program
    assertion = program.assertion()
    calls = [
        program.form("/oauth/par", PUSHED | {"client_assertion": assertion}) for _ in range(TIMES)
    ]
    answers = _sent_at_once(installation, calls)
    assert _statuses(answers) == {201: 1, 401: TIMES - 1}
    assert {each["error"] for each in _losers(answers, 201)} == {"invalid_client"}
    assert len(installation.events(Kind.REQUEST_PUSHED)) == 1
    refusals = installation.events(Kind.REQUEST_REFUSED)
    assert [each.get("reason") for each in refusals] == ["assertion-replayed"] * (TIMES - 1)


def test_one_proof_opens_the_token_endpoint_once(installation: Installation) -> None:
    office = installation.on_time()
    proof = office.authority.proof("POST", "/oauth/token")
    calls = [replace(installation.by_law(), headers=_with(proof)) for _ in range(TIMES)]
    answers = _sent_at_once(installation, calls)
    assert _statuses(answers) == {200: 1, 400: TIMES - 1}
    assert {each["error"] for each in _losers(answers, 200)} == {"invalid_dpop_proof"}
    assert len(installation.events(Kind.TOKEN_ISSUED)) == 1
    refusals = installation.events(Kind.TOKEN_REFUSED)
    assert [each.get("reason") for each in refusals] == ["proof-replayed"] * (TIMES - 1)


def _with(proof: str) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", b"application/x-www-form-urlencoded"), (b"dpop", proof.encode())]


def test_one_proof_fetches_once(installation: Installation) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        _, tokens = installation.agreed(client, citizen)
    call = installation.on_time().program.get("/api/v1/data/income", tokens["access_token"])
    answers = _sent_at_once(installation, [call] * TIMES)
    assert _statuses(answers) == {200: 1, 401: TIMES - 1}
    assert sum(GROSS in each.text for each in answers) == 1
    assert {each["error"] for each in _losers(answers, 200)} == {"invalid_dpop_proof"}
    assert len(installation.events(Kind.DATA_RELEASED)) == 1
    refusals = installation.events(Kind.DATA_REFUSED)
    assert [each.get("reason") for each in refusals] == ["proof-replayed"] * (TIMES - 1)


def _post(
    citizen: Citizen, page: str, form: dict[str, str], client: httpx2.Client
) -> httpx2.Response:
    return citizen.post(client, page, form)


def test_one_form_gives_once_and_shows_the_same_receipt_again(installation: Installation) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        consent_id = citizen.open(client, installation.push(client))
        form = citizen.question(client, consent_id) | {"decision": "give"}
    page = f"/en/requests/{consent_id}"
    answers = _at_once(installation, [partial(_post, citizen, page, form)] * TIMES)
    assert _statuses(answers) == {303: TIMES}
    (receipt,) = {each.headers["location"] for each in answers}
    assert "/receipts/" in receipt
    assert len(installation.events(Kind.CONSENT_GIVEN)) == 1


def test_two_pages_answered_at_once_have_one_answer(installation: Installation) -> None:
    """Two tabs with the same question: one gives, one refuses, each with a form of its own."""
    citizen = installation.signed_in()
    decisions = ["give", "refuse"] * (TIMES // 2)
    with installation.client() as client:
        consent_id = citizen.open(client, installation.push(client))
        forms = [citizen.question(client, consent_id) | {"decision": each} for each in decisions]
    page = f"/en/requests/{consent_id}"
    works = [partial(_post, citizen, page, form) for form in forms]
    answers = _at_once(installation, works)
    assert _statuses(answers) == {303: 1, 409: TIMES - 1}
    given = installation.events(Kind.CONSENT_GIVEN)
    refused = installation.events(Kind.CONSENT_REFUSED)
    assert len(given) + len(refused) == 1
    won = decisions[[each.status_code for each in answers].index(303)]
    assert (len(given), len(refused)) == ((1, 0) if won == "give" else (0, 1))
    status = installation.consent(consent_id).status
    assert status is (Status.ACTIVE if won == "give" else Status.REFUSED)


def test_one_form_withdraws_once(installation: Installation) -> None:
    citizen = installation.signed_in()
    with installation.client() as client:
        consent_id, _ = installation.agreed(client, citizen)
        form = citizen.withdrawal(client, consent_id)
    answers = _at_once(
        installation, [lambda client: citizen.withdraw(client, consent_id, form)] * TIMES
    )
    assert _statuses(answers) == {303: TIMES}
    assert len({each.headers["location"] for each in answers}) == 1
    assert len(installation.events(Kind.CONSENT_WITHDRAWN)) == 1


def test_going_back_at_once_leaves_one_code_that_works(installation: Installation) -> None:
    """A code that was not redeemed dies when the person goes back again."""
    citizen = installation.signed_in()
    with installation.client() as client:
        consent_id = citizen.open(client, installation.push(client))
        citizen.answer(client, consent_id, "give")
    codes = _at_once(installation, [lambda client: citizen.code(client, consent_id)] * TIMES)
    with installation.client() as client:
        answers = [installation.redeem(client, code) for code in codes]
    assert len(set(codes)) == TIMES
    assert _statuses(answers) == {200: 1, 400: TIMES - 1}
    assert {each["error"] for each in _losers(answers, 200)} == {"invalid_grant"}
