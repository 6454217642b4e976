"""What this room tells the completeness check: every table, and what its rows say beside."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text

from audit.check_cursor import Key
from audit.check_report import Gap
from audit.completeness import check
from audit.effects import Expected, ReadExpected
from audit.model import Kind
from audit.unit_of_work import Ledger
from consent.effects import EFFECTS
from consent.store.effects import uses
from consent.store.tables import metadata
from tests.consent.flow import NOW, Flow
from tests.unguarded import unguard

READERS = dict(EFFECTS.expected)


@pytest.fixture
def flow(ledger: Ledger) -> Flow:
    return Flow(ledger)


def pages(flow: Flow, read: ReadExpected) -> list[Expected]:
    """All that a reader tells, row by row."""
    found: list[Expected] = []
    after: Key | None = None
    with flow.ledger.read() as connection:
        while True:
            page: Sequence[tuple[Key, Expected | None]] = read(connection, after, 1)
            if not page:
                return found
            after = page[-1][0]
            found += [each for _, each in page if each is not None]


def gaps(flow: Flow) -> set[Gap]:
    report = check(flow.ledger, [EFFECTS], now=NOW, batch=2)
    return {each.gap for each in report.findings}


def test_every_table_that_refers_to_an_event_is_listed() -> None:
    with_event = {each for each in metadata.sorted_tables if "audit_event_id" in each.columns}
    assert {each.table for each in EFFECTS.tables} == with_event


def test_each_table_says_which_events_its_rows_follow_from() -> None:
    for each in EFFECTS.tables:
        assert each.kinds
        assert each.demand is None or each.demand.kinds <= each.kinds


def test_what_was_done_in_order_is_complete(flow: Flow) -> None:
    flow.given()
    flow.withdraw(flow.given())
    assert gaps(flow) == set()


def test_a_redeemed_code_tells_of_its_token_and_no_other_code_does(flow: Flow) -> None:
    given = flow.given(now=NOW)
    waiting = flow.person()
    consent = flow.open(waiting)
    flow.give(consent.id, waiting)
    flow.code(consent.id, waiting)
    (expected,) = pages(flow, READERS["redeemed codes"])
    assert (expected.person, expected.at) == (given.person, NOW)
    assert expected.kinds == {Kind.TOKEN_ISSUED}


def test_a_dead_code_tells_of_what_killed_it(flow: Flow) -> None:
    person, later = flow.person(), NOW + timedelta(seconds=5)
    consent = flow.open(person)
    flow.give(consent.id, person)
    flow.code(consent.id, person)
    flow.code(consent.id, person, now=later)
    (expected,) = pages(flow, READERS["dead codes"])
    assert (expected.person, expected.at) == (person, later)


def test_a_revoked_token_tells_of_what_ended_it(flow: Flow) -> None:
    assert pages(flow, READERS["revoked tokens"]) == []
    given, later = flow.given(), NOW + timedelta(seconds=5)
    flow.withdraw(given, now=later)
    ended = pages(flow, READERS["revoked tokens"])
    assert {(each.person, each.at) for each in ended} == {(given.person, later)}
    assert all(each.row.startswith("token of ") for each in ended)


def test_a_consent_of_limited_uses_tells_how_many_are_gone(flow: Flow) -> None:
    fresh, limited = flow.given(), flow.given(details_uses=3)
    flow.fetch(limited.access)
    with flow.ledger.read() as connection:
        told = uses(connection, None, 10)
        assert uses(connection, told[0][0], 10) == told[1:]
    assert {(each.consent, each.person, each.times) for _, each in told} == {
        (fresh.record.consent, fresh.person, 0),
        (limited.record.consent, limited.person, 1),
    }


@pytest.mark.parametrize(
    ("table", "change", "gap"),
    [
        ("consent_code", "DELETE FROM consent_code", Gap.EVENT_WITHOUT_EFFECT),
        ("consent_token", "DELETE FROM consent_token", Gap.EVENT_WITHOUT_EFFECT),
        ("consent_record", "DELETE FROM consent_record", Gap.EVENT_WITHOUT_EFFECT),
        ("consent_purpose", "DELETE FROM consent_purpose", Gap.EVENT_WITHOUT_EFFECT),
        ("audit_search", "UPDATE audit_search SET kind = 'code.issued' WHERE kind = 'token.issued'",
         Gap.EFFECT_OF_ANOTHER_KIND),
        ("consent_code", "UPDATE consent_code SET dead_at = expires_at", Gap.EFFECT_WITHOUT_EVENT),
        ("consent_token", "UPDATE consent_token SET revoked_at = expires_at",
         Gap.EFFECT_WITHOUT_EVENT),
        ("consent_consent", "UPDATE consent_consent SET uses_allowed = 3, uses_left = 1",
         Gap.RELEASES_DIFFER),
    ],
)  # fmt: skip
def test_rows_that_tell_something_else_than_the_log_are_found(
    flow: Flow, table: str, change: str, gap: Gap
) -> None:
    flow.given()
    with flow.ledger.engine.begin() as connection:
        unguard(connection, table)
        connection.execute(text(change))
    assert gap in gaps(flow)
