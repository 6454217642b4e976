"""Requests at the door: within the limits, narrowed by them, or refused with the rule named."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from audit.database import open_engine
from audit.model import Actor, Kind
from audit.unit_of_work import Ledger, begin
from consent.authorization_details import AuthorizationDetails
from consent.purposes import register_purpose
from consent.pushed import Accepted, PushedRequestError, accept, pushed
from consent.request_limits import unusual
from policies.entries import OrganisationKind
from policies.ids import PurposeId
from policies.purposes import RequestedAttribute
from policies.vocabulary import Necessity
from tests.consent.flow import NOW, Flow, catalogue, events
from tests.schema import create_tables
from tests.wrapping import MemoryWrapper

LOAN = PurposeId("bank-loan-offer")
INCOME = tuple(each for each in catalogue().attributes if each.startswith("income."))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Ledger]:
    engine = open_engine(f"sqlite:///{tmp_path / 'vault.db'}")
    create_tables(engine)
    yield Ledger(engine, MemoryWrapper())
    engine.dispose()


@pytest.fixture
def flow(house: Ledger) -> Flow:
    """A bank whose declaration allows more than the limits do."""
    flow = Flow(house, LOAN, organisation="bank-example")
    declared = flow.declaration()
    some = declared.attributes[0]
    wide = replace(
        declared,
        version=declared.version + 1,
        max_uses=None,
        max_validity_days=365,
        attributes=tuple(
            RequestedAttribute(id_, Necessity.OPTIONAL, some.why, some.if_refused) for id_ in INCOME
        ),
    )
    with begin(house, actor=Actor.client(flow.client.id), now=NOW) as uow:
        register_purpose(uow, wide, catalogue())
    return flow


def details(
    *, count: int = 2, days: int | None = None, uses: int | None = 1
) -> AuthorizationDetails:
    return AuthorizationDetails(
        purpose=LOAN,
        attributes=INCOME[:count],
        not_after=None if days is None else NOW + timedelta(days=days),
        uses=uses,
    )


def accepted(flow: Flow, asked: AuthorizationDetails) -> Accepted:
    with begin(flow.ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        return accept(uow, flow.client, replace(flow.request(), details=asked))


def test_a_request_within_the_limits_is_taken_as_it_is(flow: Flow) -> None:
    asked = details(days=30)
    taken = accepted(flow, asked)
    assert (taken.details, taken.narrowed) == (asked, ())
    (entry,) = events(flow.ledger, Kind.REQUEST_PUSHED)
    assert entry.many("policy") == ()


@pytest.mark.parametrize("days", [None, 91, 300])
def test_too_long_is_narrowed_and_the_event_names_the_rule(flow: Flow, days: int | None) -> None:
    taken = accepted(flow, details(days=days))
    assert taken.details.not_after == NOW + timedelta(days=90)
    assert taken.narrowed == ("private-finance",)
    (entry,) = events(flow.ledger, Kind.REQUEST_PUSHED)
    assert entry.many("policy") == ("limit:private-finance",)
    with flow.ledger.read() as connection:
        stored = pushed(connection, taken.request_uri)
    assert stored is not None
    assert stored.request.details == taken.details


@pytest.mark.parametrize("uses", [None, 13, 1000])
def test_too_often_is_narrowed(flow: Flow, uses: int | None) -> None:
    taken = accepted(flow, details(days=30, uses=uses))
    assert taken.details.uses == 12
    assert taken.details.not_after == NOW + timedelta(days=30)


def test_too_much_data_is_refused_and_nothing_is_stored(flow: Flow) -> None:
    with pytest.raises(PushedRequestError) as caught:
        accepted(flow, details(count=5, days=30))
    assert caught.value.parameter == "authorization_details"
    assert caught.value.reason == "wider-than-private-finance"
    assert events(flow.ledger, Kind.REQUEST_PUSHED) == []


def test_what_is_more_than_usual_can_be_said(flow: Flow) -> None:
    declared, private = flow.declaration(), OrganisationKind.PRIVATE
    assert unusual(private, details(days=31), declared, NOW) == ()
    for asked in (details(count=3, days=31), details(days=32), details(days=31, uses=2)):
        (limit,) = unusual(private, asked, declared, NOW)
        assert limit.id == "private-finance"


def test_a_request_that_has_ended_is_not_made_longer(flow: Flow) -> None:
    ended = details(days=-3)
    assert accepted(flow, ended).details == ended
