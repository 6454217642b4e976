"""What a client may ask for now, and whether the sources give it."""

from dataclasses import replace
from datetime import date

import pytest

from audit.model import SYSTEM
from audit.unit_of_work import Ledger, begin
from consent.asking import check_given, purpose_to_ask
from consent.authorization_details import AuthorizationDetails, AuthorizationDetailsError
from consent.declarations import declaration
from consent.declared import Act, DeclarationKind
from consent.model import Client
from consent.purposes import register_purpose
from policies.ids import ClientId, PurposeId
from policies.purpose_terms import PurposeTerms
from policies.purposes import PurposeDeclaration
from policies.service_declarations import ServiceDeclaration
from policies.vocabulary import LegalBasis
from tests.consent.flow import DEBT_ADVICE, GROSS, HOUSEHOLD, NOW, Flow, catalogue
from tests.consent.test_declarations import STRICTER, Desk, lone_desk

__all__ = ["lone_desk"]


def ask(ledger: Ledger, client: Client, wanted: PurposeId) -> PurposeDeclaration | None:
    with ledger.read() as connection:
        return purpose_to_ask(connection, wanted, client=client, now=NOW)


def with_terms(ledger: Ledger, terms: PurposeTerms) -> PurposeId:
    changed = replace(catalogue().purpose(DEBT_ADVICE), version=2, terms=terms)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        register_purpose(uow, changed, catalogue())
    return changed.id


def test_the_declaration_that_counts_may_be_asked_by(lone_desk: Desk) -> None:
    flow = Flow(lone_desk.ledger)
    assert ask(lone_desk.ledger, flow.client, DEBT_ADVICE) == flow.declaration()


def test_of_a_purpose_that_never_counted_nothing_is_said(lone_desk: Desk) -> None:
    flow = Flow(lone_desk.ledger)
    draft = replace(flow.declaration(), id=PurposeId("advice-by-phone"))
    lone_desk.draft(draft)
    assert ask(lone_desk.ledger, flow.client, draft.id) is None
    assert ask(lone_desk.ledger, flow.client, PurposeId("never-heard-of")) is None


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (PurposeTerms(clients=(ClientId("another"),)), "of-another-program"),
        (PurposeTerms(valid_from=date(2026, 11, 25)), "not-at-this-time"),
        (PurposeTerms(valid_to=date(2026, 11, 23)), "not-at-this-time"),
    ],
)
def test_terms_are_kept_where_a_request_comes_in(
    lone_desk: Desk, terms: PurposeTerms, reason: str
) -> None:
    flow = Flow(lone_desk.ledger)
    wanted = with_terms(lone_desk.ledger, terms)
    with pytest.raises(AuthorizationDetailsError) as refused:
        ask(lone_desk.ledger, flow.client, wanted)
    assert (refused.value.member, refused.value.reason) == ("purpose", reason)


def test_a_program_that_is_named_may_ask_on_each_day(lone_desk: Desk) -> None:
    flow = Flow(lone_desk.ledger)
    day = NOW.date()
    terms = PurposeTerms(clients=(flow.client.id,), valid_from=day, valid_to=day)
    wanted = with_terms(lone_desk.ledger, terms)
    assert ask(lone_desk.ledger, flow.client, wanted) is not None


def test_a_suspended_source_holds_up_what_is_asked_of_it_and_nothing_else(ledger: Ledger) -> None:
    Flow(ledger)
    desk = Desk(ledger)
    with ledger.read() as connection:
        income = declaration(connection, DeclarationKind.SERVICE, "income", 1, catalogue())
    desk.act(income, Act.SUSPEND)
    with ledger.read() as connection:
        wanted = AuthorizationDetails(purpose=DEBT_ADVICE, attributes=(HOUSEHOLD,))
        check_given(connection, wanted, catalogue())
        with pytest.raises(AuthorizationDetailsError, match="not-given-by-the-source"):
            check_given(connection, replace(wanted, attributes=(GROSS,)), catalogue())


@pytest.mark.parametrize(
    "stricter",
    [STRICTER, replace(STRICTER, max_validity_days=365, grounds=(LegalBasis.STATUTE,))],
)
def test_a_source_that_became_stricter_is_heard_at_once(
    lone_desk: Desk, stricter: ServiceDeclaration
) -> None:
    Flow(lone_desk.ledger)
    lone_desk.in_force(stricter)
    wanted = AuthorizationDetails(purpose=DEBT_ADVICE, attributes=(GROSS,))
    with (
        lone_desk.ledger.read() as connection,
        pytest.raises(AuthorizationDetailsError, match="not-given-by-the-source"),
    ):
        check_given(connection, wanted, catalogue())


def test_what_counts_no_more_is_not_given(lone_desk: Desk) -> None:
    wanted = AuthorizationDetails(purpose=DEBT_ADVICE, attributes=(GROSS,))
    with (
        lone_desk.ledger.read() as connection,
        pytest.raises(AuthorizationDetailsError, match="unknown"),
    ):
        check_given(connection, wanted, catalogue())
