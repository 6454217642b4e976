"""Extending a consent near its end: by the notice in force, with what has changed, never more."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from audit.model import SYSTEM, Actor, Event, Kind
from audit.unit_of_work import Ledger, begin
from consent import declarations
from consent.choices import UnknownConsentError
from consent.conditions import ChoiceError
from consent.decisions import Permit
from consent.declared import DeclarationStatus
from consent.lifecycle import RENEWABLE_FOR, GuardError, IllegalTransitionError
from consent.model import Consent, ConsentRecord, Status
from consent.presenting import presentation_of
from consent.purposes import register_purpose
from consent.reading import consent
from consent.renewing import Renewal, renew, renewal
from consent.services import first_version
from consent.store import declaration_tables, tables
from consent.store import declarations as stored
from consent.terms import Term, differences
from policies import limits
from policies.catalogue import Catalogue
from policies.ids import PersonId
from policies.purposes import PurposeDeclaration
from policies.service_declarations import declared_by_catalogue
from policies.text import Text
from policies.vocabulary import LegalBasis, Necessity
from tests.consent.flow import (
    ASKED,
    GROSS,
    NEEDED,
    NOW,
    YEARLY,
    Flow,
    Given,
    catalogue,
    drop_triggers,
    events,
)
from tests.consent.limited import limited

LATER = Text(fi="Kaksi vuotta.", sv="Två år.", en="Two years.")


@pytest.fixture
def flow(ledger: Ledger) -> Flow:
    return Flow(ledger)


def now(flow: Flow, given: Given) -> Consent:
    with flow.ledger.read() as connection:
        found = consent(connection, given.record.consent)
    assert found is not None
    return found


def end(flow: Flow, given: Given) -> datetime:
    ends = now(flow, given).not_after
    assert ends is not None
    return ends


def near_end(flow: Flow, given: Given) -> datetime:
    return end(flow, given) - timedelta(days=1)


def renewed(
    flow: Flow, given: Given, at: datetime, person: PersonId | None = None, **changed: Any
) -> ConsentRecord:
    who = person or given.person
    choice = flow.choice(who, now=at, **({"granted": now(flow, given).granted} | changed))
    with begin(flow.ledger, actor=Actor.person(who), now=at) as uow:
        return renew(uow, given.record.consent, choice, catalogue())


def asked(flow: Flow, given: Given, at: datetime, with_: Catalogue | None = None) -> Renewal:
    with flow.ledger.read() as connection:
        return renewal(connection, now(flow, given), with_ or catalogue(), at)


def changed(flow: Flow, **members: Any) -> PurposeDeclaration:
    old = flow.declaration()
    new = replace(old, version=old.version + 1, **members)
    with begin(flow.ledger, actor=SYSTEM, now=NOW) as uow:
        register_purpose(uow, new, catalogue())
    return new


def test_it_goes_on_from_now_as_a_new_version(flow: Flow) -> None:
    given = flow.given()
    at = near_end(flow, given)
    record = renewed(flow, given, at)
    assert (record.version, record.previous) == (2, given.record.digest)
    standing = now(flow, given)
    assert (standing.status, standing.granted) == (Status.ACTIVE, NEEDED)
    assert standing.not_after == at + timedelta(days=flow.declaration().max_validity_days)
    reasons = [each["event_reason"] for each in record.content["events"]]
    assert reasons == ["give", "renew"]
    assert len(events(flow.ledger, Kind.CONSENT_RENEWED)) == 1
    with flow.ledger.read() as connection:
        assert presentation_of(connection, given.record.consent, 2) is not None


def test_the_client_goes_on_with_its_refresh_token_after_the_old_end(flow: Flow) -> None:
    given = flow.given()
    ended = end(flow, given)
    renewed(flow, given, near_end(flow, given))
    after = ended + timedelta(days=5)
    grant = flow.refreshed(given, now=after)
    assert isinstance(flow.fetch(flow.access(grant), now=after), Permit)


def test_a_changed_notice_is_told_term_by_term_and_is_what_is_agreed_to(flow: Flow) -> None:
    given = flow.given(granted=ASKED)
    old = flow.declaration()
    new = changed(flow, retention=LATER, automated_decision=not old.automated_decision)
    at = near_end(flow, given)
    found = asked(flow, given, at).differences
    assert [each.term for each in found] == [Term.RETENTION, Term.AUTOMATED_DECISION]
    assert (found[0].before, found[0].after) == (old.retention, LATER)
    record = renewed(flow, given, at)
    notice = record.content["processing"]["privacy_notice"]
    assert notice["notice_version_id"] == f"debt-advice@{new.version}"
    assert now(flow, given).purpose_version == new.version


def test_what_is_no_longer_asked_for_and_was_not_given_hinders_nothing(flow: Flow) -> None:
    given = flow.given(details_attributes=ASKED)
    old = flow.declaration()
    left = tuple(each for each in old.attributes if each.id != YEARLY)
    changed(flow, attributes=left)
    record = renewed(flow, given, near_end(flow, given))
    (purpose,) = record.content["processing"]["purposes"]
    assert {each["pii_attribute_id"] for each in purpose["pii_information"]} == set(NEEDED)


def test_the_reasons_of_attributes_are_terms_too(flow: Flow) -> None:
    old = flow.declaration()
    first, *others = old.attributes
    new = replace(old, attributes=(replace(first, why=LATER), *others[1:]))
    found = differences(old, new)
    assert [(each.term, each.attribute) for each in found] == [
        (Term.ATTRIBUTE, first.id),
        (Term.ATTRIBUTE, others[0].id),
    ]
    assert (found[1].before, found[1].after) == (others[0].why, None)
    assert differences(new, old)[1].before is None
    assert differences(old, old) == []


def test_it_is_not_renewed_before_its_last_thirty_days_nor_after_its_end(flow: Flow) -> None:
    given = flow.given()
    ends = end(flow, given)
    for at in (ends - RENEWABLE_FOR - timedelta(seconds=1), ends):
        with pytest.raises(GuardError):
            renewed(flow, given, at)
    assert now(flow, given).version == 1


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"granted": (*NEEDED, YEARLY)}, "outside-request"),
        ({"granted": NEEDED[:1]}, "needed-missing"),
        ({"granted": ()}, "nothing-granted"),
        ({"notice_digest": "0" * 64}, "notice-not-current"),
        ({"shown_at": NOW}, "notice-not-just-shown"),
    ],
)
def test_an_answer_that_is_not_to_this_question_is_refused(
    flow: Flow, chosen: dict[str, Any], reason: str
) -> None:
    given = flow.given()
    with pytest.raises(ChoiceError) as refused:
        renewed(flow, given, near_end(flow, given), **chosen)
    assert refused.value.reason == reason
    assert events(flow.ledger, Kind.CONSENT_RENEWED) == []


def test_less_is_no_renewal(flow: Flow) -> None:
    given = flow.given(granted=ASKED)
    with pytest.raises(ChoiceError, match="scope-differs"):
        renewed(flow, given, near_end(flow, given), granted=NEEDED)


@pytest.mark.parametrize("what", ["less", "more needed"])
def test_a_notice_that_asks_for_something_else_is_another_question(flow: Flow, what: str) -> None:
    old = flow.declaration()
    if what == "less":
        given = flow.given(granted=ASKED)
        changed(flow, attributes=tuple(e for e in old.attributes if e.id != YEARLY))
    else:
        given = flow.given(details_attributes=ASKED)
        needed = tuple(
            replace(e, necessity=Necessity.REQUIRED) if e.id == YEARLY else e
            for e in old.attributes
        )
        changed(flow, attributes=needed)
    with pytest.raises(ChoiceError, match="scope-differs"):
        asked(flow, given, near_end(flow, given))


def test_nobody_renews_what_is_anothers_or_has_ended(flow: Flow) -> None:
    given = flow.given()
    at = near_end(flow, given)
    with pytest.raises(UnknownConsentError):
        renewed(flow, given, at, flow.person())
    flow.withdraw(given)
    with pytest.raises(IllegalTransitionError):
        renewed(flow, given, at)


def test_without_a_declaration_in_force_there_is_no_question(flow: Flow) -> None:
    given = flow.given()
    at = near_end(flow, given)
    with flow.ledger.engine.begin() as connection:
        connection.execute(delete(declaration_tables.declaration))
    with pytest.raises(ChoiceError, match="declaration-not-in-force"):
        asked(flow, given, at)


def test_a_consent_whose_client_is_gone_stops_with_an_error(flow: Flow) -> None:
    given = flow.given()
    at = near_end(flow, given)
    with flow.ledger.engine.begin() as connection:
        drop_triggers(connection, tables.client.name)
        connection.execute(delete(tables.client))
    with pytest.raises(RuntimeError, match="never registered"):
        asked(flow, given, at)


@pytest.mark.parametrize(
    "stricter",
    [
        {"extension_allowed": False},
        {"max_validity_days": 1},
        {"grounds": (LegalBasis.STATUTE,)},
        {"single_use_only": True},
    ],
    ids=lambda each: next(iter(each)),
)
def test_a_source_may_forbid_it(flow: Flow, stricter: dict[str, Any]) -> None:
    given = flow.given()
    at = near_end(flow, given)
    served = declared_by_catalogue(catalogue(), catalogue().dataset_of(GROSS))
    no_longer = replace(served, version=2, **stricter)
    first, second = flow.person(), flow.person()
    with begin(flow.ledger, actor=SYSTEM, now=NOW) as uow:
        draft = declarations.draft(uow, no_longer, catalogue())
        submitted = declarations.submit(uow, draft, catalogue(), by=first)
        declarations.approve(uow, submitted, catalogue(), by=second)
    with pytest.raises(ChoiceError, match="extension-not-allowed"):
        asked(flow, given, at)


def test_what_its_source_gives_nobody_any_more_does_not_go_on(flow: Flow) -> None:
    given = flow.given()
    with begin(flow.ledger, actor=SYSTEM, now=NOW) as uow:
        stopped = first_version(catalogue(), catalogue().dataset_of(GROSS), at=NOW)
        event_id = uow.record(Event(kind=Kind.DECLARATION_SUSPENDED))
        stored.add(uow.connection, replace(stopped, status=DeclarationStatus.SUSPENDED), event_id)
    with pytest.raises(ChoiceError, match="extension-not-allowed"):
        asked(flow, given, near_end(flow, given))


def test_it_goes_on_for_no_more_uses_than_the_notice_allows_now(flow: Flow) -> None:
    given = flow.given()
    flow.fetch(given.access)
    changed(flow, max_uses=3)
    record = renewed(flow, given, near_end(flow, given))
    standing = now(flow, given)
    assert (standing.uses_allowed, standing.uses_left) == (3, 2)
    (purpose,) = record.content["processing"]["purposes"]
    assert purpose["uses_allowed"] == 3


def test_it_goes_on_for_no_more_uses_than_were_given(flow: Flow) -> None:
    given = flow.given(details_uses=2)
    flow.fetch(given.access)
    changed(flow, max_uses=10)
    renewed(flow, given, near_end(flow, given))
    assert (now(flow, given).uses_allowed, now(flow, given).uses_left) == (2, 1)


def test_where_no_use_would_be_left_it_is_another_question(flow: Flow) -> None:
    given = flow.given()
    flow.fetch(given.access)
    changed(flow, max_uses=1)
    with pytest.raises(ChoiceError, match="scope-differs"):
        asked(flow, given, near_end(flow, given))


def test_uses_that_were_never_counted_go_on_only_without_a_number(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = flow.given()
    with flow.ledger.engine.begin() as connection:
        connection.execute(update(tables.consent).values(uses_allowed=None, uses_left=None))
    with pytest.raises(ChoiceError, match="scope-differs"):
        asked(flow, given, near_end(flow, given))
    monkeypatch.setattr(limits, "request_limits", tuple)
    changed(flow, max_uses=None)
    renewed(flow, given, near_end(flow, given))
    assert (now(flow, given).uses_allowed, now(flow, given).uses_left) == (None, None)


def test_it_goes_on_no_longer_than_the_limits_let_anybody_ask_for(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = flow.given()
    at = near_end(flow, given)
    limited(monkeypatch, attributes=20, days=10)
    assert asked(flow, given, at).end(at) == at + timedelta(days=10)
    renewed(flow, given, at)
    assert now(flow, given).not_after == at + timedelta(days=10)


def test_more_data_than_the_limits_let_anybody_ask_for_does_not_go_on(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = flow.given()
    limited(monkeypatch, attributes=1, days=366)
    with pytest.raises(ChoiceError, match="scope-differs"):
        asked(flow, given, near_end(flow, given))
