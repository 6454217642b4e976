"""A stranger cannot fill the log, and still no refusal goes unrecorded."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection
from starlette.testclient import TestClient

from audit.model import SYSTEM, Entry, Kind
from audit.reader import search
from audit.unit_of_work import begin
from consent.clients import suspend_client
from policies.ids import ClientId
from service.exchange import Answer
from service.refusal_summaries import write_summaries
from tests.service.house import House
from tests.service.office import PUSHED, Office, Program, content, header

MOST = 10


def forged(office: Office, times: int) -> list[Answer]:
    """Requests in the name of a client by somebody without its key."""
    stranger = Program(office.program.client_id, office.clock)
    return [office.send(stranger.form("/oauth/par", PUSHED)) for _ in range(times)]


def reasons(entries: list[Entry]) -> list[str]:
    return sorted(f"{e.get('reason')} {e.get('reference') or ''}".strip() for e in entries)


def test_forged_requests_are_written_one_by_one_and_then_counted(each_office: Office) -> None:
    answers = forged(each_office, MOST + 5)
    assert [each.status for each in answers] == [401] * MOST + [429] * 5
    assert {content(each)["error"] for each in answers} == {"invalid_client"}
    assert header(answers[-1], "retry-after") == "60"
    assert header(answers[0], "retry-after") is None
    write_summaries(each_office.server, each_office.clock())
    assert reasons(each_office.events(Kind.REQUEST_REFUSED)) == [
        *["assertion-signature"] * MOST,
        "too-many",
    ]
    each_office.clock.advance(minutes=1)
    write_summaries(each_office.server, each_office.clock())
    counted = [e for e in each_office.events(Kind.REQUEST_REFUSED) if e.get("reference")]
    assert reasons(counted) == ["counted refused-4"]
    assert counted[0].get("client") == each_office.program.client_id
    assert counted[0].get("organisation") == "debt-counsel"


def test_the_client_itself_never_waits(office: Office) -> None:
    forged(office, MOST + 5)
    assert office.push().status == 201
    refused = office.push(response_type="token")
    assert refused.status == 400
    assert reasons(office.events(Kind.REQUEST_REFUSED)).count("response-type") == 1


def test_a_minute_later_a_stranger_is_answered_again(office: Office) -> None:
    forged(office, MOST + 5)
    office.clock.advance(minutes=1)
    assert forged(office, 1)[0].status == 401


def test_a_suspended_client_cannot_fill_the_log_either(office: Office) -> None:
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        suspend_client(uow, ClientId(office.program.client_id))
    answers = [office.push() for _ in range(MOST + 3)]
    assert [each.status for each in answers] == [401] * MOST + [429] * 3


def test_what_cannot_be_written_now_is_written_later(office: Office) -> None:
    forged(office, MOST + 5)
    ledger = office.runtime.ledger
    with ledger.engine.connect() as holder, the_log_is_away(holder), pytest.raises(RuntimeError):
        write_summaries(office.server, None)
    write_summaries(office.server, None)
    assert "counted refused-4" in reasons(office.events(Kind.REQUEST_REFUSED))


@contextmanager
def the_log_is_away(connection: Connection) -> Iterator[None]:
    """No event can be written meanwhile."""
    connection.exec_driver_sql(
        "CREATE TRIGGER away BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'away'); END"
    )
    connection.commit()
    yield
    connection.exec_driver_sql("DROP TRIGGER away")
    connection.commit()


def test_a_stolen_token_cannot_fill_the_persons_log(office: Office) -> None:
    token = office.tokens()["access_token"]
    thief = Program(office.program.client_id, office.clock)
    answers = [office.send(thief.get("/api/v1/data/income", token)) for _ in range(MOST + 4)]
    assert [each.status for each in answers] == [401] * MOST + [429] * 4
    assert header(answers[-1], "retry-after") == "60"
    assert content(answers[-1])["type"] == "/problems/too-many-requests"
    assert office.fetch(token).status == 200
    write_summaries(office.server, None)
    refused = office.events(Kind.DATA_REFUSED)
    assert reasons(refused) == ["counted refused-3", *["proof-key-differs"] * MOST, "too-many"]
    assert {each.subject for each in refused} == {office.person}


def begin_sign_ins(house: House, times: int, host: str) -> list[int]:
    browser = TestClient(
        house.app,
        base_url=house.runtime.settings.base_url,
        follow_redirects=False,
        client=(host, 50_000),
    )
    return [browser.get("/en/sign-in").status_code for _ in range(times)]


def logged(house: House, kind: Kind) -> list[Entry]:
    with house.runtime.ledger.read() as connection:
        return search(connection, house.runtime.ledger, kind=kind, limit=500)


def test_sign_ins_from_one_network_are_bounded_and_others_go_on(house: House) -> None:
    most = house.runtime.settings.sign_ins_per_minute
    assert begin_sign_ins(house, most + 3, "2001:db8:1:2::1") == [303] * most + [429] * 3
    assert begin_sign_ins(house, 1, "2001:db8:1:2:ffff::9") == [429]
    assert begin_sign_ins(house, 1, "2001:db8:1:3::1") == [303]
    assert begin_sign_ins(house, 1, "192.0.2.7") == [303]
    assert len(logged(house, Kind.SIGN_IN_BEGUN)) == most + 2
    write_summaries(house.app.state.server, None)
    refused = logged(house, Kind.SIGN_IN_REFUSED)
    assert reasons(refused) == ["counted refused-3", "too-many"]
    assert "2001" not in str(refused)


def test_answers_to_nothing_are_bounded_as_well(house: House) -> None:
    most, browser = house.runtime.settings.sign_ins_per_minute, house.visitor()
    answers = [browser.get("/sign-in/callback?state=x") for _ in range(most + 1)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["retry-after"] == "60"
    assert len(logged(house, Kind.SIGN_IN_REFUSED)) == most + 1


def test_what_is_left_is_written_when_the_service_stops(house: House) -> None:
    most = house.runtime.settings.sign_ins_per_minute
    with TestClient(house.app, base_url="https://vault.example.fi", follow_redirects=False) as one:
        for _ in range(most + 2):
            one.get("/en/sign-in")
    assert "counted refused-1" in reasons(logged(house, Kind.SIGN_IN_REFUSED))
