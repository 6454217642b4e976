"""Two operators for one merge: proposed at the machine, approved by two who signed in."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from starlette.testclient import TestClient

from audit.model import SYSTEM, Kind
from audit.reader import entries_about
from audit.scope import EVERYONE
from audit.unit_of_work import UnitOfWork, begin
from policies.ids import PersonId
from policies.vocabulary import Role
from service.merging import NotOpenError, StaffMergeError, approve, proposals, propose, reject
from service.proposal import LIFETIME, Outcome
from service.roles import grant_role
from tests.service.house import AINO, VILLE, House, form_of, words_of
from vault.merging import SamePersonError
from vault.names import who_now
from vault.people import UnknownPersonError

OPERATOR = "170269-938M"
AGAIN = "120550-956H"
SOMEBODY = PersonId(UUID(int=7))
PAGE = "/en/operator/merges"
TOLD = [Kind.MERGE_PROPOSED, Kind.MERGE_APPROVED, Kind.MERGE_APPROVED, Kind.PERSON_MERGED]


def operator(house: House, identifier: str = OPERATOR) -> TestClient:
    return house.signed_in(identifier, role=Role.OPERATOR)


def proposed(house: House, *, other: str = VILLE) -> int:
    first, second = house.person(AGAIN), house.person(other)
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        return propose(uow, first=first, other=second, reference="2026/5").number


def press(browser: TestClient, number: int, what: str, page: str | None = None) -> str:
    address = f"{PAGE}/{number}/{what}"
    answer = browser.post(address, data=form_of(page or browser.get(PAGE).text, address))
    assert answer.status_code == 303, answer.text
    location: str = answer.headers["location"]
    return location


def outcome(house: House) -> Outcome | None:
    with house.runtime.ledger.read() as connection:
        return proposals(connection)[0].outcome


def test_two_operators_carry_it_out(house: House) -> None:
    house.deposit(house.person(VILLE))
    away, stays = house.person(VILLE), house.person(AGAIN)
    lost = house.signed_in(VILLE)
    number = proposed(house)
    one, two = operator(house), operator(house, AINO)
    assert press(one, number, "approve") == f"{PAGE}?done=approved"
    assert "One approval" in one.get(PAGE).text
    assert outcome(house) is None
    shown = words_of(two.get(press(two, number, "approve")).text)
    assert "The records are one now" in shown
    assert outcome(house) is Outcome.MERGED
    with house.runtime.ledger.read() as connection:
        assert who_now(connection, [away]) == {away: stays}
    assert house.person(VILLE) == stays
    assert lost.get("/en/data").status_code == 303
    assert "Given names Aino Maria" in words_of(house.signed_in(VILLE).get("/en/data").text)


def test_nothing_of_the_other_record_is_left_in_the_database_s_log(house: House) -> None:
    """SQLite's write-ahead log keeps whole pages as they were before they were deleted."""
    house.deposit(house.person(VILLE))
    number = proposed(house)
    press(operator(house), number, "approve")
    log = Path(f"{house.runtime.ledger.engine.url.database}-wal")
    assert log.stat().st_size > 0
    second = operator(house, AINO)
    page = second.get(PAGE).text
    press(second, number, "approve", page)
    assert log.stat().st_size == 0


def test_one_operator_is_never_enough(house: House) -> None:
    number = proposed(house)
    browser = operator(house)
    page = browser.get(PAGE).text
    twice = browser.get(PAGE).text
    press(browser, number, "approve", page)
    assert f"{number}/approve" not in browser.get(PAGE).text
    address = f"{PAGE}/{number}/approve"
    assert browser.post(address, data=form_of(twice, address)).status_code == 409
    again = operator(house)
    assert f"{number}/approve" not in again.get(PAGE).text
    assert outcome(house) is None


def test_the_database_itself_refuses_one_person_for_two(house: House) -> None:
    number = proposed(house)
    statement = text(
        "UPDATE service_merge SET outcome = 'merged', approved_by = :who, decided_by = :who"
        " WHERE number = :number"
    )
    with house.runtime.ledger.engine.begin() as connection, pytest.raises(IntegrityError):
        connection.execute(statement, {"who": "a" * 32, "number": number})


def test_the_person_herself_cannot_approve_it(house: House) -> None:
    house.person(AGAIN)
    browser = operator(house, AGAIN)
    number = proposed(house)
    page = browser.get(PAGE).text
    assert "This is about you" in page
    assert f"{number}/approve" not in page
    assert browser.post(f"{PAGE}/{number}/approve", data={"form": "x"}).status_code == 400


def test_one_operator_rejects_and_nothing_changes(house: House) -> None:
    number = proposed(house)
    browser = operator(house)
    assert "Nothing was changed" in words_of(browser.get(press(browser, number, "reject")).text)
    assert outcome(house) is Outcome.REJECTED
    other = operator(house, AINO)
    assert f"{number}/approve" not in other.get(PAGE).text
    assert house.person(VILLE) != house.person(AGAIN)


def approved(uow: UnitOfWork, house: House, number: int) -> None:
    approve(uow, house.runtime.vault, number, SOMEBODY)


def rejected(uow: UnitOfWork, _house: House, number: int) -> None:
    reject(uow, number, SOMEBODY)


@pytest.mark.parametrize("decide", [approved, rejected])
def test_what_is_decided_or_unknown_or_old_is_not_open(
    house: House, decide: Callable[[UnitOfWork, House, int], None]
) -> None:
    number = proposed(house)
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        reject(uow, number, SOMEBODY)
    late = proposed(house)
    house.clock.advance(seconds=LIFETIME.total_seconds())
    for each in (number, late, 404):
        with (
            begin(house.runtime.ledger, actor=SYSTEM, now=house.clock(), about=EVERYONE) as uow,
            pytest.raises(NotOpenError),
        ):
            decide(uow, house, each)


def test_both_logs_tell_of_the_proposal_and_of_each_approval(house: House) -> None:
    stays, away = house.person(AGAIN), house.person(VILLE)
    number = proposed(house)
    press(operator(house), number, "approve")
    press(operator(house, AINO), number, "approve")
    with house.runtime.ledger.read() as connection:
        for person in (stays, away):
            found = entries_about(connection, house.runtime.ledger, person, kinds=TOLD)
            assert sorted(each.kind for each in found if each.kind) == sorted(TOLD)


def test_a_record_with_a_role_is_not_joined_to_another(house: House) -> None:
    staff = house.person(VILLE)
    number = proposed(house)
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        grant_role(uow, staff, Role.AUDITOR)
    with pytest.raises(StaffMergeError):
        proposed(house)
    press(operator(house), number, "approve")
    second = operator(house, AINO)
    address = f"{PAGE}/{number}/approve"
    refused = second.post(address, data=form_of(second.get(PAGE).text, address))
    assert refused.status_code == 409
    assert outcome(house) is None


def test_a_proposal_needs_two_people_that_are_known(house: House) -> None:
    known, nobody = house.person(VILLE), PersonId(UUID(int=404))
    for first, other, error in (
        (known, known, SamePersonError),
        (known, nobody, UnknownPersonError),
        (nobody, known, UnknownPersonError),
    ):
        with (
            begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow,
            pytest.raises(error),
        ):
            propose(uow, first=first, other=other, reference="1")


def test_the_page_says_that_nothing_is_proposed(house: House) -> None:
    assert "Nothing is proposed." in operator(house).get(PAGE).text
    proposed(house)
    house.clock.advance(seconds=(LIFETIME + timedelta(1)).total_seconds())
    assert "Its time is over" in operator(house).get(PAGE).text
