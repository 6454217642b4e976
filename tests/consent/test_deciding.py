"""What the policies are asked: facts of locked rows, and nothing that is not known."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import cedarpy
import pytest
from sqlalchemy import update

from audit.database import open_engine
from audit.model import SYSTEM, Actor, Kind
from audit.unit_of_work import Ledger, begin
from consent.clients import await_keys
from consent.deciding import ask_by_consent
from consent.decisions import Denial, DenialReason, Permit
from consent.declared import DeclarationStatus
from consent.grants import Grant, RefusalReason, TokenRefusal
from consent.purposes import register_purpose
from consent.store import declaration_tables, tables
from consent.store.consents import find
from consent.tokens import refresh
from policies.cedar_port import CedarPort
from policies.decision_point import DecisionPoint, packaged_decision_point
from policies.policy_set import load_policy_set
from policies.vocabulary import LegalBasis
from tests.consent.flow import (
    BENEFIT,
    GROSS,
    HOUSEHOLD,
    JKT,
    NEEDED,
    NOW,
    Flow,
    Given,
    catalogue,
    events,
)
from tests.schema import create_tables
from tests.wrapping import MemoryWrapper


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger on SQLite: what is decided does not depend on the database."""
    engine = open_engine(f"sqlite:///{tmp_path / 'vault.db'}")
    create_tables(engine)
    yield Ledger(engine, MemoryWrapper())
    engine.dispose()


POLICIES = packaged_decision_point().policy_set


def _reason(decision: Permit | Denial) -> DenialReason:
    assert isinstance(decision, Denial)
    return decision.reason


def _broken_point() -> DecisionPoint:
    """Its engine allows all, and says that a policy erred."""
    answer = {"decision": "Allow", "diagnostics": {"reason": ["read.by-consent"], "errors": ["x"]}}
    engine = lambda *_: cedarpy.AuthzResult(answer)  # noqa: E731  # one expression, one use
    return DecisionPoint(CedarPort(load_policy_set(), engine=engine), catalogue())


def test_a_permit_says_by_which_policies_and_from_which_facts(ledger: Ledger) -> None:
    flow = Flow(ledger)
    permit = flow.fetch(flow.given().access)
    assert isinstance(permit, Permit)
    declared, cedar, asked = permit.policy
    assert declared == f"{flow.purpose_id}@{flow.declaration().version}"
    assert cedar == f"cedar:{POLICIES}"
    assert asked.startswith("input:")


def test_the_same_question_about_another_person_has_the_same_facts(house: Ledger) -> None:
    flow = Flow(house)
    one, other = (flow.fetch(flow.given().access) for _ in range(2))
    assert isinstance(one, Permit)
    assert isinstance(other, Permit)
    assert one.person != other.person
    assert one.policy == other.policy


def test_a_token_and_a_denial_say_it_too(house: Ledger) -> None:
    flow = Flow(house)
    given = flow.given()
    flow.withdraw(given)
    flow.fetch(given.access)
    for kind in (Kind.TOKEN_ISSUED, Kind.DATA_REFUSED):
        (entry,) = events(house, kind)
        assert f"cedar:{POLICIES}" in entry.many("policy")


def test_data_of_two_sets_is_decided_on_each(house: Ledger) -> None:
    flow = Flow(house)
    permit = flow.fetch(flow.given().access, (GROSS, HOUSEHOLD))
    assert isinstance(permit, Permit)
    assert len([mark for mark in permit.policy if mark.startswith("input:")]) == 2


def test_a_decision_that_fails_is_a_denial_with_a_trace(house: Ledger) -> None:
    flow = Flow(house)
    given = flow.given()
    house.decisions = _broken_point()
    assert _reason(flow.fetch(given.access)) is DenialReason.SYSTEM_ERROR
    (entry,) = events(house, Kind.DATA_REFUSED)
    assert entry.get("reason") == "system-error"
    assert given.grant.refresh_token is not None
    with begin(house, actor=Actor.client(flow.client.id), now=NOW) as uow:
        refused = refresh(uow, given.grant.refresh_token, client=flow.client, jkt=JKT)
    assert isinstance(refused, TokenRefusal)
    assert refused.reason is RefusalReason.CONSENT_NOT_ACTIVE
    (entry,) = events(house, Kind.TOKEN_REFUSED)
    assert entry.get("reason") == "system-error"


def test_the_person_is_told_the_condition_that_the_client_is_not(house: Ledger) -> None:
    flow = Flow(house)
    given = flow.given()
    assert given.grant.refresh_token is not None
    with house.engine.begin() as connection:
        connection.execute(update(tables.consent).values(status="suspended"))
    with begin(house, actor=Actor.client(flow.client.id), now=NOW) as uow:
        refused = refresh(uow, given.grant.refresh_token, client=flow.client, jkt=JKT)
    assert isinstance(refused, TokenRefusal)
    assert refused.reason is RefusalReason.CONSENT_NOT_ACTIVE
    (entry,) = events(house, Kind.TOKEN_REFUSED)
    assert entry.get("reason") == "suspended"


def test_a_client_that_waits_for_its_keys_is_stopped_and_no_fault_is_counted(
    house: Ledger,
) -> None:
    flow = Flow(house)
    given = flow.given()
    with begin(house, actor=SYSTEM, now=NOW) as uow:
        await_keys(uow, flow.client.id)
    assert _reason(flow.fetch(given.access)) is DenialReason.CLIENT_SUSPENDED
    (entry,) = events(house, Kind.DATA_REFUSED)
    assert entry.get("reason") == "client-suspended"
    waiting = flow.client_now(flow.client.id)
    with begin(house, actor=SYSTEM, now=NOW) as uow, house.read() as connection:
        standing = find(connection, given.record.consent)
        assert standing is not None
        assert ask_by_consent(uow, waiting, standing).reason == "client-suspended"


def test_a_token_whose_declaration_is_not_known_opens_nothing(house: Ledger) -> None:
    flow = Flow(house)
    given = flow.given()
    other = replace(given.access, purpose_version=None)
    assert _reason(flow.fetch(other)) is DenialReason.NO_GROUND
    with house.engine.begin() as connection:
        connection.execute(update(tables.token).values(purpose_version=99))
    assert _reason(flow.fetch(given.access)) is DenialReason.NO_GROUND


def test_a_declaration_under_another_digest_is_not_known(house: Ledger) -> None:
    flow = Flow(house)
    given = flow.given()
    with house.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER consent_purpose_no_update")
        connection.execute(update(tables.purpose).values(digest="0" * 64))
    assert _reason(flow.fetch(given.access)) is DenialReason.NO_GROUND


def test_a_token_of_another_version_than_its_row_is_not_believed(house: Ledger) -> None:
    flow = Flow(house)
    given = flow.given()
    with house.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER consent_purpose_no_update")
        connection.execute(update(tables.purpose).values(digest="1" * 64))
    other = replace(given.access, purpose_version=98)
    assert _reason(flow.fetch(other)) is DenialReason.NO_GROUND


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("client_id", "another", DenialReason.NO_GROUND),
        ("purpose_id", "another", DenialReason.PURPOSE_DIFFERS),
        ("basis", LegalBasis.PERMISSION, DenialReason.NO_GROUND),
        ("not_before", None, DenialReason.NOT_ACTIVE),
        ("not_before", NOW + timedelta(seconds=1), DenialReason.NOT_ACTIVE),
        ("granted", (BENEFIT,), DenialReason.MORE_THAN_ACCEPTED),
    ],
)
def test_every_fact_of_the_consent_is_held_against_the_token(
    house: Ledger, column: str, value: object, reason: DenialReason
) -> None:
    flow = Flow(house)
    given = flow.given()
    with house.engine.begin() as connection:
        connection.execute(update(tables.consent).values({column: value}))
    assert _reason(flow.fetch(given.access)) is reason


def test_a_clock_that_runs_behind_stops_tokens(house: Ledger) -> None:
    flow = Flow(house)
    given = flow.given()
    early = NOW - timedelta(seconds=2)
    assert isinstance(flow.fetch(given.access, now=early - timedelta(microseconds=1)), Denial)
    with house.engine.begin() as connection:
        connection.execute(update(tables.consent).values(not_before=early))
    assert isinstance(flow.fetch(given.access, now=early), Permit)


def test_an_attribute_outside_the_declaration_is_refused_though_all_else_holds(
    house: Ledger,
) -> None:
    flow = Flow(house)
    outside = next(each for each in catalogue().attributes if each.startswith("studies."))
    given = flow.given()
    with house.engine.begin() as connection:
        connection.execute(update(tables.consent).values(granted=(*NEEDED, outside)))
    wider = replace(given.access, attributes=(*NEEDED, outside))
    assert _reason(flow.fetch(wider, (outside,))) is DenialReason.OUTSIDE_PURPOSE


def test_a_grant_for_tokens_is_still_a_grant(house: Ledger) -> None:
    assert isinstance(Flow(house).given().grant, Grant)


def _stop(ledger: Ledger, status: DeclarationStatus) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(update(declaration_tables.declaration).values(status=status))


def _refreshed(flow: Flow, given: Given) -> Grant | TokenRefusal:
    assert given.grant.refresh_token is not None
    with begin(flow.ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        return refresh(uow, given.grant.refresh_token, client=flow.client, jkt=JKT)


@pytest.mark.parametrize("status", [DeclarationStatus.SUSPENDED, DeclarationStatus.RETIRED])
def test_for_a_purpose_that_does_not_count_nothing_is_given(
    house: Ledger, status: DeclarationStatus
) -> None:
    flow = Flow(house)
    given = flow.given()
    _stop(house, status)
    assert _reason(flow.fetch(given.access)) is DenialReason(f"purpose-{status}")
    assert isinstance(_refreshed(flow, given), TokenRefusal)
    (entry,) = events(house, Kind.TOKEN_REFUSED)
    assert entry.get("reason") == f"purpose-{status}"
    _stop(house, DeclarationStatus.APPROVED)
    assert isinstance(_refreshed(flow, given), Grant)


def test_what_was_given_for_an_older_notice_holds_as_far_as_that_notice_went(
    house: Ledger,
) -> None:
    flow = Flow(house)
    given = flow.given()
    newer = replace(flow.declaration(), version=flow.declaration().version + 1)
    with begin(house, actor=SYSTEM, now=NOW) as uow:
        register_purpose(uow, newer, catalogue())
    assert isinstance(_refreshed(flow, given), Grant)
    assert isinstance(flow.fetch(given.access), Permit)


def test_a_consent_whose_notice_is_gone_gives_no_token(house: Ledger) -> None:
    flow = Flow(house)
    given = flow.given()
    with house.engine.begin() as connection:
        connection.execute(update(tables.consent).values(purpose_version=97))
    assert isinstance(_refreshed(flow, given), TokenRefusal)
    (entry,) = events(house, Kind.TOKEN_REFUSED)
    assert entry.get("reason") == "no-ground"


def test_a_purpose_of_which_no_version_is_declared_does_not_count(house: Ledger) -> None:
    flow = Flow(house)
    given = flow.given()
    with house.engine.begin() as connection:
        connection.execute(update(declaration_tables.declaration).values(declaration_id="x"))
    assert isinstance(_refreshed(flow, given), TokenRefusal)
    assert _reason(flow.fetch(given.access)) is DenialReason.PURPOSE_RETIRED
