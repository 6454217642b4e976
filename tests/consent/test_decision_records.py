"""Decisions are kept once, about nobody, and can be made again by the same policies or others."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from audit.database import open_engine
from audit.model import SYSTEM, Actor, Event, Kind
from audit.unit_of_work import Ledger, begin
from consent.decision_records import DecisionDamagedError, keep, kept, replay
from consent.decisions import Permit, decide_fetch
from policies.cedar_port import CedarPort
from policies.decision_inputs import decision_input
from policies.policy_set import RULES, SCHEMA, PolicySet, load_policy_set
from policies.reasons import load_reasons
from tests.consent.flow import NOW, Flow, Given
from tests.policies.asking import DATA, all_is_well
from tests.schema import create_tables
from tests.unguarded import unguard
from tests.wrapping import MemoryWrapper

PORT = CedarPort(load_policy_set())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Ledger]:
    engine = open_engine(f"sqlite:///{tmp_path / 'vault.db'}")
    create_tables(engine)
    yield Ledger(engine, MemoryWrapper())
    engine.dispose()


def _rows(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM consent_decision")).scalar_one())


def _fetched(flow: Flow, given: Given) -> Permit:
    """A fetch as the vault does it."""
    with begin(flow.ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        permit = decide_fetch(uow, given.access, given.access.attributes[:1])
        assert isinstance(permit, Permit)
        event = Event(kind=Kind.DATA_RELEASED, subject=given.person, policy=permit.policy)
        keep(uow, permit.decisions, uow.record(event))
    return permit


def _stricter() -> CedarPort:
    """The policies of today and one more: nothing that is limited in uses."""
    texts = [each.read_text("utf-8") for each in RULES.iterdir() if each.name.endswith(".cedar")]
    texts.append(
        '@id("deny.limited") @reason("ended") @law("GDPR 5") @rank("500") forbid (principal is '
        'Vault::Client, action in Vault::Action::"read", resource is Vault::DataSet) when '
        "{ context has grant && context.grant has usesLeft };"
    )
    schema = RULES.joinpath(SCHEMA).read_text("utf-8")
    return CedarPort(PolicySet.of_texts("\n".join(texts), schema, reasons=load_reasons().keys()))


def test_an_event_names_a_decision_that_is_kept(ledger: Ledger) -> None:
    flow = Flow(ledger)
    permit = _fetched(flow, flow.given())
    cedar, asked = (mark.partition(":")[2] for mark in permit.policy[-2:])
    with ledger.read() as connection:
        found = kept(connection, policy_set=cedar, input_digest=asked)
        assert kept(connection, policy_set=cedar, input_digest="0" * 64) is None
    assert found is not None
    assert (found.allowed, found.reason) == (True, "consent-active")
    assert found.policies == ("read.by-consent",)
    assert found.decided_at == NOW


def test_the_same_question_is_kept_once_whoever_it_is_about(ledger: Ledger) -> None:
    flow = Flow(ledger)
    for _ in range(4):
        _fetched(flow, flow.given())
    assert _rows(ledger) == 3  # a fetch, and a token for each of two data sets


def test_nothing_about_anybody_is_kept(house: Ledger) -> None:
    flow = Flow(house)
    given = flow.given(details_case="A/7")
    _fetched(flow, given)
    with house.read() as connection:
        documents = [
            row.input for row in connection.execute(text("SELECT * FROM consent_decision"))
        ]
    told = b"".join(documents)
    for secret in (str(given.person), str(given.record.consent), "A/7", "2026"):
        assert secret.encode() not in told


def test_a_denial_and_a_refused_token_are_kept_with_their_reason(house: Ledger) -> None:
    flow = Flow(house)
    given = flow.given()
    flow.withdraw(given)
    flow.fetch(given.access)
    with house.read() as connection:
        reasons = {each.kept.reason for each in replay(connection, PORT)}
    assert reasons == {"consent-active", "withdrawn"}


def test_what_a_rolled_back_transaction_kept_is_kept_again(house: Ledger) -> None:
    made = [PORT.decide(decision_input(all_is_well("consent"), DATA))]

    def once() -> None:
        with begin(house, actor=SYSTEM, now=NOW) as uow:
            keep(uow, made, uow.record(Event(kind=Kind.DATA_RELEASED)))
            if _fails:
                raise RuntimeError

    _fails = True
    with pytest.raises(RuntimeError):
        once()
    assert _rows(house) == 0
    _fails = False
    for _ in range(3):
        once()
    assert _rows(house) == 1


def test_a_decision_that_failed_is_not_kept(house: Ledger) -> None:
    broken = PORT._broken(decision_input(all_is_well("consent"), DATA))
    flow = Flow(house)
    with begin(house, actor=Actor.client(flow.client.id), now=NOW) as uow:
        keep(uow, [broken], uow.record(Event(kind=Kind.DATA_REFUSED)))
    assert _rows(house) == 0


def test_the_same_policies_decide_the_same_again(ledger: Ledger) -> None:
    flow = Flow(ledger)
    _fetched(flow, flow.given())
    with ledger.read() as connection:
        found = list(replay(connection, CedarPort(load_policy_set())))
    assert len(found) == 3
    for each in found:
        assert each.same
        assert each.by_same_policies
        assert each.kept.policies == each.now.policies


def test_other_policies_show_what_would_change(house: Ledger) -> None:
    flow = Flow(house)
    _fetched(flow, flow.given())
    with house.read() as connection:
        found = list(replay(connection, _stricter()))
    assert not any(each.same or each.by_same_policies for each in found)
    assert {(each.now.allowed, each.now.reason) for each in found} == {(False, "ended")}


def test_a_question_that_is_not_what_its_digest_says_is_not_decided(house: Ledger) -> None:
    flow = Flow(house)
    _fetched(flow, flow.given())
    with house.engine.begin() as connection:
        unguard(connection, "consent_decision")
        connection.execute(text("UPDATE consent_decision SET input_digest = 'x' || input_digest"))
    with house.read() as connection, pytest.raises(DecisionDamagedError):
        list(replay(connection, PORT))


def test_a_kept_decision_stays(house: Ledger) -> None:
    flow = Flow(house)
    _fetched(flow, flow.given())
    with pytest.raises(Exception, match="insert-only"), house.engine.begin() as connection:
        connection.execute(text("UPDATE consent_decision SET allowed = true"))
