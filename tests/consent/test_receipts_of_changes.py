"""A receipt for each change, whoever brings it about, and each names the one before it."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from audit.model import SYSTEM, Actor
from audit.trust import Trust
from audit.unit_of_work import Ledger, UnitOfWork, begin
from consent.grounds import Defect, LegalGround, SuspensionGround
from consent.lifecycle import Party
from consent.narrowing import narrow
from consent.pausing import pause, resume
from consent.receipt_check import CheckedReceipt, check_file, check_sequence
from consent.receipt_jws import ReceiptError
from consent.renewing import renew
from consent.supervising import invalidate, resume_by_order, revoke, suspend_by_order
from policies.vocabulary import LevelOfAssurance
from tests.consent.flow import ASKED, NEEDED, NOW, YEARLY, Flow, Given, catalogue
from tests.consent.receipted import JWKS, house, received


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    with house() as opened:
        yield opened


@pytest.fixture
def flow(ledger: Ledger) -> Flow:
    return Flow(ledger, client_id=f"client-{next(_NUMBERS)}")


_NUMBERS = iter(range(1000))


def herself(flow: Flow, given: Given, act: Callable[[UnitOfWork], object]) -> None:
    with begin(flow.ledger, actor=Actor.person(given.person), now=NOW) as uow:
        act(uow)


def others(flow: Flow, act: Callable[[UnitOfWork], object]) -> None:
    with begin(flow.ledger, actor=SYSTEM, now=NOW) as uow:
        act(uow)


def checked(flow: Flow, given: Given) -> list[CheckedReceipt]:
    """Her receipts, oldest first, each checked as a stranger would."""
    files = [each.jws.encode() for each in received(flow.ledger, given.person)]
    return [check_file(each, JWKS, Trust(), file="receipt.jws") for each in files]


def told(flow: Flow, given: Given) -> list[tuple[str, str]]:
    return [
        (each.content.happened.reason, each.content.status.value) for each in checked(flow, given)
    ]


def test_what_she_does_herself_has_its_receipts(flow: Flow) -> None:
    given = flow.given(granted=ASKED)
    id_, who, loa = given.record.consent, given.person, LevelOfAssurance.HIGH
    herself(flow, given, lambda uow: narrow(uow, id_, without=[YEARLY], person=who, loa=loa))
    herself(flow, given, lambda uow: pause(uow, id_, person=who, loa=loa))
    herself(flow, given, lambda uow: resume(uow, id_, person=who, loa=loa))
    flow.withdraw(given)
    assert told(flow, given) == [
        ("give", "active"),
        ("narrow", "active"),
        ("suspend", "suspended"),
        ("resume", "active"),
        ("withdraw", "withdrawn"),
    ]
    narrowed = checked(flow, given)[1].content
    assert (narrowed.granted, narrowed.refused) == (NEEDED, (YEARLY,))
    check_sequence(checked(flow, given))


def test_a_renewal_has_one_with_its_new_end(flow: Flow) -> None:
    given = flow.given()
    first = checked(flow, given)[0].content
    assert first.not_after is not None
    at = first.not_after - timedelta(days=1)
    with begin(flow.ledger, actor=Actor.person(given.person), now=at) as uow:
        renew(uow, given.record.consent, flow.choice(given.person, now=at), catalogue())
    assert told(flow, given) == [("give", "active"), ("renew", "active")]
    renewed = checked(flow, given)[1].content
    assert renewed.not_after is not None
    assert renewed.not_after > first.not_after
    assert renewed.given_at == at


def test_what_others_decide_has_its_receipts_too(flow: Flow) -> None:
    given = flow.given()
    id_, supervisor = given.record.consent, Party.SUPERVISOR
    breach = SuspensionGround.BREACH
    others(flow, lambda uow: suspend_by_order(uow, id_, party=supervisor, ground=breach))
    others(flow, lambda uow: resume_by_order(uow, id_, party=supervisor))
    others(flow, lambda uow: revoke(uow, id_, party=Party.COURT, ground=LegalGround.COURT_ORDER))
    assert told(flow, given) == [
        ("give", "active"),
        ("suspend", "suspended"),
        ("resume", "active"),
        ("revoke", "revoked"),
    ]


@pytest.mark.parametrize("withdrawn", [False, True])
def test_what_was_never_valid_has_one_also_after_it_was_withdrawn(
    flow: Flow, *, withdrawn: bool
) -> None:
    given = flow.given()
    if withdrawn:
        flow.withdraw(given)
    fraud, controller = Defect.FRAUD, Party.CONTROLLER
    others(flow, lambda uow: invalidate(uow, given.record.consent, party=controller, defect=fraud))
    assert told(flow, given)[-1] == ("invalidate", "invalidated")
    check_sequence(checked(flow, given))


def test_a_receipt_that_is_taken_from_between_two_is_missed(flow: Flow) -> None:
    given = flow.given(granted=ASKED)
    id_, who, loa = given.record.consent, given.person, LevelOfAssurance.HIGH
    herself(flow, given, lambda uow: narrow(uow, id_, without=[YEARLY], person=who, loa=loa))
    flow.withdraw(given)
    first, _, last = checked(flow, given)
    with pytest.raises(ReceiptError, match="sequence"):
        check_sequence([first, last])
