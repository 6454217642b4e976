"""Disputes: a mark that goes with the value, and everybody who has got it is told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from audit.model import SYSTEM, Actor, ActorKind, Entry, Event, Kind
from audit.reader import entries_about
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from consent.clients import register_client, suspend_client
from consent.decisions import NotHerselfError
from consent.notice import Notice, Told
from consent.notices import feed
from policies.ids import AttributeId, ClientId, DisputeId, PersonId
from policies.vocabulary import Label, LegalBasis
from tests.consent.flow import public_key
from tests.vault.given import (
    EARLIER,
    EMPLOYER,
    GROSS,
    KELA,
    NOW,
    POPULATION,
    TAX,
    VILLE,
    deposited,
    fact,
    permit,
    released,
    viewed,
)
from tests.vault.replaying import joined
from vault.disputes import (
    AlreadyDisputedError,
    NoSuchDisputeError,
    NothingToDisputeError,
    dispute,
    disputes_of,
    open_disputes,
    settle,
)
from vault.holdings import describe
from vault.model import Dispute, DisputeReason, Outcome
from vault.people import IDENTITY_SCHEME, UnknownPersonError, enrol
from vault.release import release
from vault.telling import LOOKED_BACK, tell_stragglers
from vault.vault import Vault

CLIENT = ClientId("client-1")
OTHER = ClientId("client-2")
OPERATOR = Actor(ActorKind.SYSTEM, "operator-command")
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def held(ledger: Ledger, vault: Vault, person: PersonId) -> PersonId:
    deposited(ledger, vault, person, fact(), fact(EMPLOYER, "Oy Esimerkki Ab"))
    return person


def disputed(
    ledger: Ledger,
    vault: Vault,
    person: PersonId,
    *,
    attribute: AttributeId = GROSS,
    restrict: bool = False,
    **changed: Any,
) -> DisputeId:
    asked = {"attribute": attribute, "source": TAX, "reason": DisputeReason.WRONG} | changed
    with begin(ledger, actor=Actor.person(person), now=LATER) as uow:
        return dispute(uow, vault, person, **asked, restrict=restrict)


def settled(
    ledger: Ledger,
    vault: Vault,
    person: PersonId,
    dispute_id: DisputeId,
    outcome: Outcome,
    actor: Actor = OPERATOR,
) -> Dispute:
    with begin(ledger, actor=actor, now=LATER + timedelta(seconds=1), about=person) as uow:
        return settle(uow, vault, person, dispute_id, outcome)


def told(ledger: Ledger, client: ClientId = CLIENT) -> list[Notice]:
    with begin(ledger, actor=Actor.client(client), now=LATER) as uow:
        found = feed(uow, client, after=0).notices
        uow.record(Event(kind=Kind.FEED_READ, client=client))
    return [notice for _, notice in found]


def logged(ledger: Ledger, person: PersonId, kind: Kind) -> list[Entry]:
    with ledger.read() as connection:
        return entries_about(connection, ledger, person, kinds=[kind])


def with_source_client(ledger: Ledger, vault: Vault) -> ClientId:
    metadata = {
        "organisation": "tax-admin",
        "client_name": "Register",
        "redirect_uris": ["https://register.example/back"],
        "jwks": {"keys": [public_key()]},
        "grant_types": ["authorization_code"],
        "token_endpoint_auth_method": "private_key_jwt",
        "dpop_bound_access_tokens": True,
    }
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return register_client(uow, metadata, vault.catalogue).id


def test_a_disputed_value_bears_the_mark_wherever_it_goes(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    disputed(ledger, vault, held)
    (given,) = released(ledger, vault, held, GROSS).facts
    assert (given.value, given.labels) == (256_000, frozenset({Label.DISPUTED}))
    assert viewed(ledger, vault, held, GROSS).facts[0].labels == {Label.DISPUTED}
    assert released(ledger, vault, held, EMPLOYER).facts[0].labels == frozenset()
    with ledger.read(held) as connection:
        marks = {each.attribute: each.labels for each in describe(connection, held)}
    assert marks == {GROSS: {Label.DISPUTED}, EMPLOYER: frozenset()}


def test_a_dispute_is_an_event_with_source_and_reason(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    dispute_id = disputed(ledger, vault, held)
    (happened,) = logged(ledger, held, Kind.DATA_DISPUTED)
    assert happened.get("organisation") == "tax-admin"
    assert happened.many("attributes") == (GROSS,)
    assert happened.get("reason") == "wrong-value"
    assert happened.get("reference") == str(dispute_id)
    with ledger.read(held) as connection:
        (found,) = disputes_of(connection, held)
    assert (found.id, found.version, found.since) == (dispute_id, 1, NOW)
    assert (found.outcome, found.restated, found.restricts) == (None, False, False)


def test_a_restricted_value_stays_here_but_for_the_law(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    disputed(ledger, vault, held, restrict=True)
    kept = released(ledger, vault, held, GROSS, EMPLOYER, basis=LegalBasis.CONSENT)
    assert ([each.attribute for each in kept.facts], kept.withheld) == ([EMPLOYER], (GROSS,))
    newest = logged(ledger, held, Kind.DATA_RELEASED)[0]
    assert newest.get("reason") == "restricted-withheld"
    (given,) = released(ledger, vault, held, GROSS, basis=LegalBasis.STATUTE).facts
    assert given.labels == {Label.DISPUTED, Label.RESTRICTED}


def test_who_has_got_the_value_is_told_once_and_the_person_sees_it(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    for _ in range(2):
        released(ledger, vault, held, GROSS)
    dispute_id = disputed(ledger, vault, held)
    (notice,) = told(ledger)
    assert (notice.what, notice.person, notice.attributes) == (Told.DISPUTED, held, (GROSS,))
    assert (notice.case, notice.reason) == ("A-1", "wrong-value")
    (happened,) = logged(ledger, held, Kind.RECIPIENT_TOLD)
    assert (happened.get("organisation"), happened.get("client")) == ("kela", CLIENT)
    assert happened.get("reason") == "told-of-dispute"
    settled(ledger, vault, held, dispute_id, Outcome.CORRECTED)
    assert [(each.what, each.reason) for each in told(ledger)] == [
        (Told.DISPUTED, "wrong-value"),
        (Told.SETTLED, "corrected"),
    ]


def test_who_has_got_something_else_or_got_it_before_is_not_told(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW - timedelta(days=1)) as uow:
        release(uow, vault, permit(uow, person, [GROSS]))
    deposited(ledger, vault, person, fact(), fact(EMPLOYER, "Oy"))
    released(ledger, vault, person, EMPLOYER)
    disputed(ledger, vault, person)
    assert told(ledger) == []


def test_more_releases_than_one_page_of_the_log_are_looked_through(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    released(ledger, vault, held, GROSS)
    for number in range(201):
        with begin(ledger, actor=SYSTEM, now=NOW + timedelta(seconds=number)) as uow:
            release(uow, vault, permit(uow, held, [EMPLOYER]))
    disputed(ledger, vault, held)
    assert len(told(ledger)) == 1


def test_the_source_is_told_too_unless_its_program_is_suspended(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    source = with_source_client(ledger, vault)
    first = disputed(ledger, vault, held)
    assert tell_stragglers(ledger, vault.catalogue, LATER) == 0
    assert [each.what for each in told(ledger, source)] == [Told.DISPUTED]
    with begin(ledger, actor=SYSTEM, now=LATER) as uow:
        suspend_client(uow, source)
    settled(ledger, vault, held, first, Outcome.KEPT)
    assert len(told(ledger, source)) == 1


def test_a_release_that_was_under_way_is_told_of_later(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    dispute_id = disputed(ledger, vault, held)
    released(ledger, vault, held, GROSS)
    assert tell_stragglers(ledger, vault.catalogue, LATER) == 1
    assert tell_stragglers(ledger, vault.catalogue, LATER) == 0
    settled(ledger, vault, held, dispute_id, Outcome.KEPT)
    assert tell_stragglers(ledger, vault.catalogue, LATER) == 0
    assert [each.what for each in told(ledger)] == [Told.DISPUTED, Told.SETTLED]
    assert tell_stragglers(ledger, vault.catalogue, LATER + LOOKED_BACK + timedelta(seconds=1)) == 0


def test_when_it_is_settled_the_marks_go(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    first = disputed(ledger, vault, held, restrict=True)
    settled(ledger, vault, held, first, Outcome.CORRECTED)
    (given,) = released(ledger, vault, held, GROSS, basis=LegalBasis.CONSENT).facts
    assert given.labels == frozenset()
    (happened,) = logged(ledger, held, Kind.DISPUTE_SETTLED)
    assert happened.get("reason") == "corrected"
    second = disputed(ledger, vault, held)
    with ledger.read(held) as connection:
        assert {each.id for each in disputes_of(connection, held)} == {first, second}


def test_the_mark_stays_while_the_source_only_sends_the_value_anew(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    disputed(ledger, vault, held)
    deposited(ledger, vault, held, fact(value=1))
    (given,) = released(ledger, vault, held, GROSS).facts
    assert (given.value, given.labels) == (1, frozenset({Label.DISPUTED}))
    with ledger.read(held) as connection:
        (found,) = disputes_of(connection, held)
    assert (found.restated, found.version) == (True, 1)


def test_who_has_got_it_is_told_that_the_source_has_sent_it_anew(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    released(ledger, vault, held, GROSS)
    opened = disputed(ledger, vault, held)
    older = replace(fact(value=7), observed_at=EARLIER - timedelta(days=1))
    deposited(ledger, vault, held, older)
    assert tell_stragglers(ledger, vault.catalogue, LATER) == 0, "it does not count"
    deposited(ledger, vault, held, fact(value=1))
    assert tell_stragglers(ledger, vault.catalogue, LATER) == 1
    assert tell_stragglers(ledger, vault.catalogue, LATER) == 0
    assert {each.what for each in told(ledger)} == {Told.DISPUTED, Told.RESTATED}
    settled(ledger, vault, held, opened, Outcome.CORRECTED)
    deposited(ledger, vault, held, fact(value=2))
    assert tell_stragglers(ledger, vault.catalogue, LATER) == 0


def test_two_values_sent_anew_at_once_are_told_of_together(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    released(ledger, vault, held, GROSS, EMPLOYER)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.record(
            Event(
                kind=Kind.DATA_RELEASED,
                subject=held,
                client=OTHER,
                attributes=(EMPLOYER,),
                visible_from=LATER,
            )
        )
    disputed(ledger, vault, held)
    disputed(ledger, vault, held, attribute=EMPLOYER)
    deposited(ledger, vault, held, fact(value=1), fact(EMPLOYER, "Toinen Oy"))
    assert tell_stragglers(ledger, vault.catalogue, LATER) == 2
    assert tell_stragglers(ledger, vault.catalogue, LATER) == 0
    (both,) = [each for each in told(ledger) if each.what is Told.RESTATED]
    assert both.attributes == (EMPLOYER, GROSS)
    (one,) = [each for each in told(ledger, OTHER) if each.what is Told.RESTATED]
    assert one.attributes == (EMPLOYER,)
    entries = logged(ledger, held, Kind.RECIPIENT_TOLD)
    kept = {e.get("client"): e.get("visible_from") for e in entries}
    assert (kept[CLIENT], kept[OTHER] is None) == (None, False)


def test_the_person_takes_it_back_herself(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    opened = disputed(ledger, vault, held)
    settled(ledger, vault, held, opened, Outcome.TAKEN_BACK, Actor.person(held))
    assert released(ledger, vault, held, GROSS).facts[0].labels == frozenset()


def test_another_source_of_the_value_is_not_marked(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    deposited(ledger, vault, held, fact(EMPLOYER, "Toinen Oy", POPULATION))
    disputed(ledger, vault, held, attribute=EMPLOYER)
    with ledger.read(held) as connection:
        marks = {
            each.source: each.labels
            for each in describe(connection, held)
            if each.attribute == EMPLOYER
        }
    assert marks == {TAX: {Label.DISPUTED}, POPULATION: frozenset()}


def test_the_operator_sees_all_open_disputes(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    opened = disputed(ledger, vault, held)
    with ledger.read(EVERYONE) as connection:
        assert [(who, each.id) for who, each in open_disputes(connection)] == [(held, opened)]
    settled(ledger, vault, held, opened, Outcome.KEPT)
    with ledger.read(EVERYONE) as connection:
        assert open_disputes(connection) == []


def test_what_is_disputed_cannot_be_disputed_again(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    disputed(ledger, vault, held)
    with pytest.raises(AlreadyDisputedError):
        disputed(ledger, vault, held)


def test_what_is_not_held_cannot_be_disputed(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    with pytest.raises(NothingToDisputeError):
        disputed(ledger, vault, held, source=POPULATION)


def test_nobody_disputes_for_somebody_else(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    with begin(ledger, actor=OPERATOR, now=LATER) as uow, pytest.raises(NotHerselfError):
        dispute(uow, vault, held, attribute=GROSS, source=TAX, reason=DisputeReason.WRONG)
    assert released(ledger, vault, held, GROSS).facts[0].labels == frozenset()


def test_nobody_who_is_not_known_disputes(ledger: Ledger, vault: Vault) -> None:
    with pytest.raises(UnknownPersonError):
        disputed(ledger, vault, PersonId(UUID(int=404)))


@pytest.mark.parametrize("outcome", [Outcome.KEPT, Outcome.CORRECTED])
def test_the_person_does_not_speak_for_the_source(
    ledger: Ledger, vault: Vault, held: PersonId, outcome: Outcome
) -> None:
    opened = disputed(ledger, vault, held)
    with pytest.raises(NotHerselfError):
        settled(ledger, vault, held, opened, outcome, Actor.person(held))


def test_nobody_takes_it_back_for_the_person(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    opened = disputed(ledger, vault, held)
    with pytest.raises(NotHerselfError):
        settled(ledger, vault, held, opened, Outcome.TAKEN_BACK)


def test_what_is_settled_or_unknown_is_not_settled_again(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    opened = disputed(ledger, vault, held)
    settled(ledger, vault, held, opened, Outcome.KEPT)
    for unknown in (opened, DisputeId(UUID(int=1))):
        with pytest.raises(NoSuchDisputeError):
            settled(ledger, vault, held, unknown, Outcome.KEPT)


def test_two_sources_of_equal_rank_that_differ_are_not_chosen_between_in_silence(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact(EMPLOYER, "A", POPULATION))
    deposited(ledger, vault, person, fact(EMPLOYER, "B", TAX))
    (given,) = released(ledger, vault, person, EMPLOYER, organisation=KELA).facts
    assert (given.value, given.labels) == ("A", frozenset({Label.DISPUTED}))
    assert given.observed_at == EARLIER


def test_who_got_the_value_before_two_records_became_one_is_told(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        first = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)
    released(ledger, vault, held, GROSS)
    joined(ledger, vault, first, held)
    disputed(ledger, vault, first)
    (notice,) = told(ledger)
    assert (notice.what, notice.person) == (Told.DISPUTED, first)
    assert tell_stragglers(ledger, vault.catalogue, LATER) == 0
