"""A copy and an erasure at the same moment: the copy has everything, or there is none."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from audit.model import SYSTEM, Actor, Kind
from audit.reader import entries_about
from audit.scope import EVERYONE
from audit.unit_of_work import begin
from consent.decisions import decide_copy
from policies.ids import PersonId
from service.portability.gathering import Copy, gather
from tests.service.house import House
from tests.service.portability.test_copy import NEWCOMER, furnished
from tests.vault.given import EMPLOYER, GROSS
from vault.erasure import Request, erase_person
from vault.people import UnknownPersonError
from vault.taking_out import take_out


def copied(house: House, person: PersonId) -> Copy | None:
    try:
        return gather(house.runtime, person, actor=Actor.person(person))
    except UnknownPersonError:
        return None


def erased(house: House, person: PersonId) -> None:
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        erase_person(uow, house.runtime.vault, person, Request.by_order("K/1"))


@pytest.mark.parametrize("_", range(3))
def test_a_copy_and_an_erasure_at_once_leave_no_half(each_house: House, _: int) -> None:
    person = furnished(each_house, NEWCOMER)
    start = Barrier(2)

    def together(act: object) -> Copy | None:
        start.wait()
        return act(each_house, person)  # type: ignore[operator,no-any-return]  # one of the two

    with ThreadPoolExecutor(2) as pool:
        copy, _done = pool.map(together, (copied, erased))
    ledger = each_house.runtime.ledger
    with ledger.read(EVERYONE) as connection:
        kinds = [each.kind for each in entries_about(connection, ledger, person)]
    if copy is None:
        assert Kind.DATA_EXPORTED not in kinds
    else:
        assert len(copy.taken.statements) == 3
        # Newest first: the copy was written down before the erasure.
        assert kinds.index(Kind.DATA_EXPORTED) > kinds.index(Kind.PERSON_ERASED)


def test_an_erasure_waits_for_the_copy_that_is_being_made(each_house: House) -> None:
    person = furnished(each_house, NEWCOMER)
    ledger, vault = each_house.runtime.ledger, each_house.runtime.vault
    with ThreadPoolExecutor(1) as pool:
        with begin(ledger, actor=Actor.person(person), now=each_house.clock()) as uow:
            taken = take_out(uow, vault, decide_copy(uow, person, [GROSS, EMPLOYER]))
            later = pool.submit(erased, each_house, person)
            assert not later.done()
        later.result()
    assert len(taken.statements) == 3
    assert copied(each_house, person) is None
