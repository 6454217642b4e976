"""Decisions: who gets a permit, who gets a denial, and that both leave their trace."""

from datetime import timedelta

from audit.unit_of_work import Ledger
from consent.decisions import Denial, DenialReason, Permit
from tests.consent.flow import GROSS, NOW, Flow


def test_an_active_consent_permits_what_was_granted(ledger: Ledger) -> None:
    flow = Flow(ledger)
    permit = flow.fetch(flow.given().access)
    assert isinstance(permit, Permit)
    assert permit.attributes == (GROSS,)


def test_after_a_withdrawal_nothing_is_permitted(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    flow.withdraw(given)
    denial = flow.fetch(given.access, now=NOW + timedelta(seconds=1))
    assert isinstance(denial, Denial)
    assert denial.reason is DenialReason.WITHDRAWN
