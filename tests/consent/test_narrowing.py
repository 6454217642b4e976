"""Giving less: a strict part stays, nothing is added, and what is needed stays or all goes."""

import pytest
from sqlalchemy import delete

from audit.model import Actor, Event, Kind
from audit.unit_of_work import Ledger, begin
from consent.changes import change
from consent.choices import UnknownConsentError
from consent.conditions import ChoiceError
from consent.decisions import Denial, DenialReason, Permit
from consent.grants import Grant
from consent.lifecycle import IllegalTransitionError, Party
from consent.model import Command, ConsentRecord
from consent.narrowing import narrow, removable
from consent.notice import Told
from consent.notices import feed
from consent.reading import consent
from consent.store import tables
from consent.tokens import refresh
from policies.ids import AttributeId, PersonId
from policies.vocabulary import LevelOfAssurance
from tests.consent.flow import (
    ASKED,
    GROSS,
    JKT,
    NEEDED,
    NOW,
    YEARLY,
    Flow,
    Given,
    drop_triggers,
    events,
)


@pytest.fixture
def flow(ledger: Ledger) -> Flow:
    return Flow(ledger)


def narrowed(
    flow: Flow, given: Given, *without: AttributeId, person: PersonId | None = None
) -> ConsentRecord:
    who = person or given.person
    with begin(flow.ledger, actor=Actor.person(who), now=NOW) as uow:
        loa = LevelOfAssurance.LOW
        return narrow(uow, given.record.consent, without=without, person=who, loa=loa)


def test_what_is_taken_out_is_given_no_more(flow: Flow) -> None:
    given = flow.given(granted=ASKED)
    assert isinstance(flow.fetch(given.access, (YEARLY,)), Permit)
    narrowed(flow, given, YEARLY)
    refused = flow.fetch(given.access, (YEARLY,))
    assert isinstance(refused, Denial)
    assert refused.reason is not DenialReason.WITHDRAWN


def test_the_next_token_opens_what_is_left(flow: Flow) -> None:
    given = flow.given(granted=ASKED)
    narrowed(flow, given, YEARLY)
    assert given.grant.refresh_token is not None
    with begin(flow.ledger, actor=Actor.client(given.client.id), now=NOW) as uow:
        grant = refresh(uow, given.grant.refresh_token, client=given.client, jkt=JKT)
    assert isinstance(grant, Grant)
    assert grant.details.attributes == NEEDED
    assert isinstance(flow.fetch(flow.access(grant), (GROSS,)), Permit)
    assert isinstance(flow.fetch(flow.access(grant), (YEARLY,)), Denial)


def test_the_record_goes_on_with_less(flow: Flow) -> None:
    given = flow.given(granted=ASKED)
    record = narrowed(flow, given, YEARLY)
    assert (record.version, record.previous) == (2, given.record.digest)
    (purpose,) = record.content["processing"]["purposes"]
    items = purpose["pii_information"]
    assert {e["pii_attribute_id"] for e in items if e["granted"]} == set(NEEDED)
    assert {e["pii_attribute_id"] for e in items if not e["granted"]} == {YEARLY}
    with flow.ledger.read() as connection:
        standing = consent(connection, given.record.consent)
    assert standing is not None
    assert (standing.granted, standing.refused) == (NEEDED, (YEARLY,))


def test_the_client_is_told_what_is_left(flow: Flow) -> None:
    given = flow.given(granted=ASKED)
    narrowed(flow, given, YEARLY)
    with begin(flow.ledger, actor=Actor.client(given.client.id), now=NOW) as uow:
        uow.record(Event(kind=Kind.FEED_READ))
        told = {n.what: n.attributes for _, n in feed(uow, given.client.id, after=0).notices}
    assert told == {Told.GIVEN: ASKED, Told.NARROWED: NEEDED}


@pytest.mark.parametrize(
    ("without", "reason"),
    [
        ((), "nothing-taken-out"),
        ((AttributeId("glucose.latest_value"),), "nothing-taken-out"),
        ((GROSS,), "needed-missing"),
        (ASKED, "nothing-granted"),
    ],
)
def test_what_leaves_no_smaller_part_is_refused(
    flow: Flow, without: tuple[AttributeId, ...], reason: str
) -> None:
    given = flow.given(granted=ASKED)
    with pytest.raises(ChoiceError) as refused:
        narrowed(flow, given, *without)
    assert refused.value.reason == reason
    assert events(flow.ledger, Kind.CONSENT_NARROWED) == []


def test_what_was_taken_out_does_not_come_back_with_what_is_taken_out_next(flow: Flow) -> None:
    given = flow.given(granted=ASKED)
    narrowed(flow, given, YEARLY)
    with pytest.raises(ChoiceError):
        narrowed(flow, given, YEARLY)


def test_nothing_is_taken_out_of_what_has_ended_or_is_anothers(flow: Flow) -> None:
    given = flow.given(granted=ASKED)
    with pytest.raises(UnknownConsentError):
        narrowed(flow, given, YEARLY, person=flow.person())
    flow.withdraw(given)
    with pytest.raises(IllegalTransitionError):
        narrowed(flow, given, YEARLY)


def test_only_what_is_optional_can_be_taken_out(flow: Flow) -> None:
    given = flow.given(granted=ASKED)
    with flow.ledger.read() as connection:
        standing = consent(connection, given.record.consent)
    assert standing is not None
    assert removable(standing, flow.declaration()) == (YEARLY,)


def test_a_consent_whose_purpose_is_gone_stops_with_an_error(flow: Flow) -> None:
    given = flow.given(granted=ASKED)
    with flow.ledger.engine.begin() as connection:
        drop_triggers(connection, tables.purpose.name)
        connection.execute(delete(tables.purpose))
    with pytest.raises(RuntimeError, match="never registered"):
        narrowed(flow, given, YEARLY)


def test_no_record_begins_without_an_answer(flow: Flow) -> None:
    waiting = flow.open(flow.person())
    with (
        pytest.raises(RuntimeError, match="is an answer"),
        begin(flow.ledger, actor=Actor.person(waiting.person), now=NOW) as uow,
    ):
        change(uow, waiting, Command.REFUSE, party=Party.SUBJECT)
