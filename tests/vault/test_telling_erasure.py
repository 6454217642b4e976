"""Who has got data hears that it is erased here, by a name that it knows (GDPR article 19)."""

from datetime import timedelta

import pytest

from audit.model import SYSTEM, Actor, Event, Kind
from audit.reader import entries_about
from audit.unit_of_work import Ledger, begin
from consent.notice import Notice, Told
from consent.notices import feed
from policies.ids import ClientId, PersonId
from tests.vault.given import (
    BANK,
    EMPLOYER,
    GLUCOSE,
    GROSS,
    INCOME,
    KELA,
    NOW,
    VILLE,
    released,
)
from tests.vault.replaying import joined
from tests.vault.test_recipients import OTHER, got
from vault.erasure import Erasure, Request, erase_dataset, erase_person
from vault.people import IDENTITY_SCHEME, enrol, issue_pairwise_subject
from vault.telling_erasure import A_MOMENT, UNDER_WAY, tell_late
from vault.vault import Vault

CLIENT = ClientId("client-1")
LATER = NOW + timedelta(hours=1)


def told(ledger: Ledger, client: ClientId = CLIENT) -> list[Notice]:
    with begin(ledger, actor=Actor.client(client), now=LATER) as uow:
        found = feed(uow, client, after=0).notices
        uow.record(Event(kind=Kind.FEED_READ, client=client))
    return [notice for _, notice in found]


def erased(ledger: Ledger, vault: Vault, person: PersonId, request: Request) -> Erasure:
    with begin(ledger, actor=SYSTEM, now=LATER, about=person) as uow:
        return erase_person(uow, vault, person, request)


def named(ledger: Ledger, vault: Vault, person: PersonId) -> str:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return issue_pairwise_subject(uow, vault, person, KELA)


def test_who_has_got_something_of_a_data_set_hears_what_of_it_is_erased(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    released(ledger, vault, held, GROSS, GLUCOSE)
    got(ledger, held, GLUCOSE, client=OTHER, organisation=BANK)
    with begin(ledger, actor=Actor.person(held), now=LATER) as uow:
        made = erase_dataset(uow, vault, held, INCOME, Request.by_wish())
    (notice,) = told(ledger)
    assert (notice.what, notice.person, notice.attributes) == (Told.ERASED, held, (GROSS,))
    assert (notice.about, notice.case, notice.reason) == (made.event_id, "A-1", None)
    assert (notice.subject, notice.former_subjects) == (None, ()), "she can still be found"
    assert told(ledger, OTHER) == []
    assert made.told == (KELA,)


def test_who_has_got_anything_hears_of_the_end_by_the_name_that_it_knows(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    subject = named(ledger, vault, held)
    released(ledger, vault, held, GROSS, GLUCOSE)
    got(ledger, held, EMPLOYER, client=OTHER, organisation=BANK)
    made = erased(ledger, vault, held, Request.by_order("H/1"))
    (notice,) = told(ledger)
    assert (notice.what, notice.attributes) == (Told.ERASED, (GLUCOSE, GROSS))
    assert (notice.subject, notice.former_subjects, notice.reason) == (subject, (), None)
    (unnamed,) = told(ledger, OTHER)
    assert unnamed.subject is None, "it has never got a name for her"
    assert made.told == (BANK, KELA)


def test_names_of_those_who_were_joined_to_her_are_told_too(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        other = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)
    former = named(ledger, vault, other)
    got(ledger, other, GROSS, client=CLIENT)
    joined(ledger, vault, held, other)
    erased(ledger, vault, held, Request.by_order("H/1"))
    (notice,) = told(ledger)
    assert (notice.subject, notice.former_subjects) == (None, (former,))


def test_each_telling_stands_in_her_log(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    released(ledger, vault, held, GROSS)
    made = erased(ledger, vault, held, Request.by_order("H/1"))
    with ledger.read() as connection:
        (happened,) = entries_about(connection, ledger, held, kinds=[Kind.RECIPIENT_TOLD])
    assert (happened.get("organisation"), happened.get("client")) == (KELA, CLIENT)
    assert happened.get("reason") == "told-of-erasure"
    assert happened.get("reference") == str(made.event_id)
    assert happened.many("attributes") == (GROSS,)


def test_who_got_it_while_a_law_keeps_that_back_is_told_and_not_named_to_her(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    got(ledger, held, GROSS, client=CLIENT, kept_back=48)
    made = erased(ledger, vault, held, Request.by_order("H/1"))
    assert made.told == ()
    assert len(told(ledger)) == 1
    with ledger.read() as connection:
        (happened,) = entries_about(connection, ledger, held, kinds=[Kind.RECIPIENT_TOLD])
    assert happened.get("visible_from") is not None


@pytest.mark.parametrize("whole", [True, False])
def test_where_nobody_has_got_anything_nobody_is_told(
    ledger: Ledger, vault: Vault, held: PersonId, whole: bool
) -> None:
    with begin(ledger, actor=Actor.person(held), now=LATER) as uow:
        made = (
            erase_person(uow, vault, held, Request.by_wish())
            if whole
            else erase_dataset(uow, vault, held, INCOME, Request.by_wish())
        )
    assert made.told == ()
    assert told(ledger) == []


def test_an_erasure_that_fails_tells_nobody(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    released(ledger, vault, held, GROSS)

    def fail() -> None:
        with begin(ledger, actor=Actor.person(held), now=LATER) as uow:
            erase_person(uow, vault, held, Request.by_wish())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert told(ledger) == []


@pytest.mark.parametrize("whole", [True, False])
def test_who_got_it_while_it_was_being_erased_is_told_later_and_once(
    ledger: Ledger, vault: Vault, held: PersonId, whole: bool
) -> None:
    released(ledger, vault, held, GROSS)
    with begin(ledger, actor=Actor.person(held), now=LATER) as uow:
        made = (
            erase_person(uow, vault, held, Request.by_wish())
            if whole
            else erase_dataset(uow, vault, held, INCOME, Request.by_wish())
        )
    got(ledger, held, GROSS, client=OTHER, organisation=BANK, hours=1)
    soon = LATER + timedelta(minutes=1)
    assert tell_late(ledger, soon) == 1
    assert tell_late(ledger, soon) == 0
    (notice,) = told(ledger, OTHER)
    assert (notice.what, notice.about, notice.attributes) == (
        Told.ERASED,
        made.event_id,
        (GROSS,),
    )
    assert len(told(ledger)) == 1


def test_who_got_it_after_it_was_let_in_again_is_not_told(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    with begin(ledger, actor=Actor.person(held), now=LATER) as uow:
        erase_dataset(uow, vault, held, INCOME, Request.by_wish())
    soon = LATER + A_MOMENT + timedelta(seconds=1)
    with begin(ledger, actor=SYSTEM, now=soon) as uow:
        uow.record(
            Event(
                kind=Kind.DATA_RELEASED,
                subject=held,
                organisation=BANK,
                client=OTHER,
                attributes=(GROSS,),
            )
        )
    assert tell_late(ledger, soon) == 0


def test_an_older_erasure_is_not_looked_at_again(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    erased(ledger, vault, held, Request.by_order("H/1"))
    got(ledger, held, GROSS, client=OTHER, organisation=BANK, hours=1)
    assert tell_late(ledger, LATER + UNDER_WAY + timedelta(seconds=1)) == 0
    assert told(ledger, OTHER) == []
