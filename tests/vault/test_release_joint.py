"""Data about several people: one person's yes is not the others'."""

from dataclasses import replace
from datetime import timedelta

import pytest

from audit.model import SYSTEM, Actor, Entry, Kind
from audit.reader import entries_about
from audit.unit_of_work import Ledger, begin
from consent.decisions import Permit, decide_fetch
from consent.flagging import flagged_of
from consent.grants import TokenAccess
from consent.grounds import Defect
from consent.joint import own_yes_of
from consent.lifecycle import Party
from consent.supervising import invalidate
from policies.ids import PersonId
from policies.vocabulary import LegalBasis
from tests.consent.flow import GROSS, HOUSEHOLD, NEEDED, YEARLY, Flow
from tests.vault.given import KELA, NOW, VILLE, deposited, fact, permit, viewed
from vault.model import Released
from vault.people import IDENTITY_SCHEME, enrol
from vault.release import release
from vault.vault import Vault


@pytest.fixture
def spouse(ledger: Ledger, vault: Vault) -> PersonId:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)


@pytest.fixture
def flow(ledger: Ledger, vault: Vault, person: PersonId, spouse: PersonId) -> Flow:
    """Both are known, and the size of their household is about both."""
    shared = replace(fact(HOUSEHOLD, 2), also_about=frozenset({spouse}))
    deposited(ledger, vault, person, shared)
    deposited(ledger, vault, person, fact())
    return Flow(ledger)


def fetched(ledger: Ledger, vault: Vault, token: TokenAccess) -> Released:
    with begin(ledger, actor=Actor.client(token.client), now=NOW) as uow:
        decided = decide_fetch(uow, token, (GROSS, HOUSEHOLD))
        assert isinstance(decided, Permit)
        return release(uow, vault, decided)


def logged(ledger: Ledger, person: PersonId) -> list[Entry]:
    with ledger.read() as connection:
        return entries_about(connection, ledger, person, kinds=[Kind.DATA_RELEASED])


def test_without_the_others_yes_it_is_kept_back(
    ledger: Ledger, vault: Vault, person: PersonId, spouse: PersonId, flow: Flow
) -> None:
    got = fetched(ledger, vault, flow.given(person=person).access)
    assert [each.attribute for each in got.facts] == [GROSS]
    assert (got.withheld, got.not_held) == ((HOUSEHOLD,), ())
    assert logged(ledger, person)[0].get("reason") == "joint-withheld"
    assert logged(ledger, spouse) == []


def test_with_the_others_own_yes_it_goes_and_stands_in_both_logs(
    ledger: Ledger, vault: Vault, person: PersonId, spouse: PersonId, flow: Flow
) -> None:
    theirs = flow.given(person=spouse)
    got = fetched(ledger, vault, flow.given(person=person).access)
    assert [each.attribute for each in got.facts] == [GROSS, HOUSEHOLD]
    (about_spouse,) = logged(ledger, spouse)
    assert about_spouse.many("attributes") == (HOUSEHOLD,)
    assert about_spouse.get("reason") == "jointly-released"
    assert about_spouse.get("reference") == f"{theirs.record.consent}@1"
    assert about_spouse.get("consent") is None


def test_a_yes_that_was_never_valid_marks_what_went_out_on_it(
    ledger: Ledger, vault: Vault, person: PersonId, spouse: PersonId, flow: Flow
) -> None:
    theirs = flow.given(person=spouse)
    fetched(ledger, vault, flow.given(person=person).access)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        invalidate(uow, theirs.record.consent, party=Party.CONTROLLER, defect=Defect.NOTICE_DEFECT)
    (about_spouse,) = logged(ledger, spouse)
    with ledger.read() as connection:
        assert flagged_of(connection, spouse) == {about_spouse.event_id}
        assert flagged_of(connection, person) == frozenset()


def test_a_withdrawn_yes_is_none(
    ledger: Ledger, vault: Vault, person: PersonId, spouse: PersonId, flow: Flow
) -> None:
    flow.withdraw(flow.given(person=spouse))
    got = fetched(ledger, vault, flow.given(person=person).access)
    assert got.withheld == (HOUSEHOLD,)


def test_a_yes_to_other_data_is_none(
    ledger: Ledger, vault: Vault, person: PersonId, spouse: PersonId, flow: Flow
) -> None:
    deposited(ledger, vault, person, replace(fact(YEARLY, 1), also_about=frozenset({spouse})))
    flow.given(person=spouse)
    token = flow.given(person=person, granted=(*NEEDED, YEARLY)).access
    with begin(ledger, actor=Actor.client(token.client), now=NOW) as uow:
        decided = decide_fetch(uow, token, (HOUSEHOLD, YEARLY))
        assert isinstance(decided, Permit)
        got = release(uow, vault, decided)
    assert ([each.attribute for each in got.facts], got.withheld) == ([HOUSEHOLD], (YEARLY,))


def test_a_yes_whose_time_is_over_is_none(
    ledger: Ledger, vault: Vault, person: PersonId, spouse: PersonId, flow: Flow
) -> None:
    flow.given(person=spouse)
    for days, people in ((0, [spouse]), (4000, [])):
        with begin(ledger, actor=SYSTEM, now=NOW + timedelta(days=days)) as uow:
            asked = permit(
                uow,
                person,
                [HOUSEHOLD],
                organisation=flow.client.organisation,
                basis=LegalBasis.CONSENT,
                purpose=flow.purpose_id,
            )
            assert list(own_yes_of(asked, [spouse])) == people


def test_without_a_purpose_nobody_has_said_yes(
    ledger: Ledger, person: PersonId, spouse: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        asked = permit(uow, person, [HOUSEHOLD], organisation=None, basis=LegalBasis.CONSENT)
        assert own_yes_of(asked, [spouse]) == {}


def test_the_law_speaks_for_all_and_both_see_it(
    ledger: Ledger, vault: Vault, person: PersonId, spouse: PersonId, flow: Flow
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        by_law = permit(uow, person, [HOUSEHOLD], organisation=KELA, basis=LegalBasis.STATUTE)
        (given,) = release(uow, vault, by_law).facts
    assert given.value == 2
    (about_spouse,) = logged(ledger, spouse)
    assert (about_spouse.get("reason"), about_spouse.get("reference")) == ("jointly-released", None)


def test_the_person_sees_it_herself_and_nobody_else_is_concerned(
    ledger: Ledger, vault: Vault, person: PersonId, spouse: PersonId, flow: Flow
) -> None:
    (seen,) = viewed(ledger, vault, person, HOUSEHOLD).facts
    assert seen.also_about == {spouse}
    assert logged(ledger, spouse) == []
