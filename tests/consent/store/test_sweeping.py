"""Rows that have had their time go, and nothing else does."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.sql.selectable import FromClause

from audit.unit_of_work import Ledger
from consent.grants import TokenKind
from consent.opaque import stored_digest
from consent.store import pushed, tables, tokens, used
from consent.store.sweeping import sweeps
from consent.store.tokens import NewToken
from policies.ids import (
    AttributeId,
    ClientId,
    EventId,
    OrganisationId,
    PersonId,
    PurposeId,
    new_uuid,
)
from policies.vocabulary import LegalBasis
from tests.consent.flow import NOW, Flow

_SWEEPING = bytes(32)
_OTHER = bytes([1]) * 32
_LATER = NOW + timedelta(days=10)


def _count(ledger: Ledger, table: FromClause) -> int:
    with ledger.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _sweeping_value() -> str:
    return next(str(n) for n in count() if sweeps(stored_digest(str(n))))


def test_about_one_in_256_inserts_sweeps() -> None:
    assert 20 < sum(sweeps(stored_digest(str(n))) for n in range(10_000)) < 60


def test_used_values_go_once_they_could_not_be_used_anyway(ledger: Ledger) -> None:
    sweeping = _sweeping_value()
    with ledger.engine.begin() as connection:
        for value, ends in (("a", NOW), ("b", NOW + timedelta(seconds=1))):
            used.add(connection, [("s", value, ends)], now=NOW)
        used.add(connection, [("s", sweeping, _LATER)], now=NOW)
        assert used.add(connection, [("s", "a", _LATER)], now=NOW) == [True]
        assert used.add(connection, [("s", "b", _LATER)], now=NOW) == [False]
        assert used.add(connection, [("s", sweeping, _LATER)], now=NOW) == [False]


def test_tokens_go_a_day_after_their_end(ledger: Ledger) -> None:
    token = NewToken(
        kind=TokenKind.STATUTE,
        person=PersonId(uuid4()),
        client=ClientId("c"),
        organisation=OrganisationId("o"),
        purpose=PurposeId("p"),
        basis=LegalBasis.STATUTE,
        consent=None,
        attributes=(AttributeId("a.b"),),
        case=None,
        jkt="k" * 43,
        issued_at=NOW,
        expires_at=NOW,
        event_id=EventId(new_uuid()),
    )
    day = timedelta(days=1)
    with ledger.engine.begin() as connection:
        tokens.add(connection, _OTHER, token)
        later = replace(token, issued_at=NOW + day - timedelta(seconds=1))
        tokens.add(connection, _SWEEPING, later)
    assert _count(ledger, tables.token) == 2
    with ledger.engine.begin() as connection:
        tokens.add(connection, bytes([0, 1]) * 16, replace(later, issued_at=NOW + day))
    assert _count(ledger, tables.token) == 1


@pytest.mark.parametrize("empty_engine", ["postgresql"], indirect=True)
def test_a_sweep_leaves_what_another_transaction_holds_and_does_not_wait(ledger: Ledger) -> None:
    """Else a withdrawal that ends an old token, and a sweep, could wait for each other."""
    with ledger.engine.begin() as connection:
        for value in ("a", "b"):
            used.add(connection, [("s", value, NOW)], now=NOW)
    mine = select(tables.used).where(tables.used.c.value_digest == stored_digest("a"))
    with ledger.engine.begin() as holder, ledger.engine.begin() as sweeper:
        holder.execute(mine.with_for_update())
        sweeper.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
        sweeping = _sweeping_value()
        assert used.add(sweeper, [("s", sweeping, _LATER)], now=_LATER) == [True]
    assert _count(ledger, tables.used) == 2


def test_requests_that_nobody_opened_go_and_those_of_people_stay(ledger: Ledger) -> None:
    flow = Flow(ledger)
    flow.push()
    opened = flow.open(flow.person())
    with ledger.engine.begin() as connection:
        pushed.add(
            connection,
            _SWEEPING,
            client=flow.client.id,
            parameters=b"{}",
            pushed_at=_LATER,
            expires_at=_LATER + timedelta(seconds=90),
            event_id=EventId(new_uuid()),
        )
        assert pushed.of_consent(connection, opened.id) is not None
    assert _count(ledger, tables.pushed_request) == 2
