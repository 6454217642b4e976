"""A purpose that counts no more opens nothing, from the moment of the commit on."""

import pytest

from audit.unit_of_work import Ledger
from consent.decisions import Denial, Permit
from consent.declared import Act
from tests.consent.flow import Flow
from tests.consent.test_declarations import NEWER, STOPS, Desk, stopped


@pytest.mark.parametrize("act", STOPS)
def test_what_is_stopped_opens_nothing(ledger: Ledger, act: Act) -> None:
    flow = Flow(ledger)
    given = flow.given()
    stopped(ledger, act)
    denied = flow.fetch(given.access)
    assert isinstance(denied, Denial)
    assert denied.reason == f"purpose-{STOPS[act]}"


def test_what_is_resumed_opens_again(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    stopped(ledger, Act.SUSPEND)
    stopped(ledger, Act.RESUME)
    assert isinstance(flow.fetch(given.access), Permit)


def test_a_newer_version_leaves_what_was_given_usable(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    Desk(ledger).in_force(NEWER)
    assert isinstance(flow.fetch(given.access), Permit)
