"""Two records become one: whoever knew the other by a name hears who that is now."""

from datetime import timedelta

import pytest

from audit.model import SYSTEM, Actor, Entry, Event, Kind
from audit.reader import entries_about
from audit.unit_of_work import Ledger, begin
from consent.clients import register_client, suspend_client
from consent.notice import Notice, Told
from consent.notices import feed
from policies.ids import ClientId, OrganisationId, PersonId
from tests.consent.flow import metadata
from tests.vault.given import KELA, NOW, VILLE, catalogue
from tests.vault.replaying import joined
from vault.people import IDENTITY_SCHEME, enrol, issue_pairwise_subject
from vault.vault import Vault

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def other(ledger: Ledger, vault: Vault) -> PersonId:
    """The same person once more, under another code."""
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)


def client(ledger: Ledger, name: str, organisation: OrganisationId = KELA) -> ClientId:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        members = metadata(client_id=name, organisation=organisation)
        return register_client(uow, members, catalogue()).id


def named(ledger: Ledger, vault: Vault, person: PersonId, sector: OrganisationId = KELA) -> str:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return issue_pairwise_subject(uow, vault, person, sector)


def told(ledger: Ledger, of: ClientId) -> list[Notice]:
    with begin(ledger, actor=Actor.client(of), now=LATER) as uow:
        found = feed(uow, of, after=0).notices
        uow.record(Event(kind=Kind.FEED_READ, client=of))
    return [notice for _, notice in found]


def logged(ledger: Ledger, person: PersonId) -> list[Entry]:
    with ledger.read() as connection:
        return entries_about(connection, ledger, person, kinds=[Kind.RECIPIENT_TOLD])


def test_every_program_of_the_organisation_hears_the_former_name(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    programs = [client(ledger, "kela-1"), client(ledger, "kela-2")]
    former = named(ledger, vault, other)
    joined(ledger, vault, person, other)
    for each in programs:
        (notice,) = told(ledger, each)
        assert (notice.what, notice.person) == (Told.RENAMED, person)
        assert (notice.subject, notice.former_subjects) == (None, (former,))
    happened = logged(ledger, person)
    assert {each.get("client") for each in happened} == set(programs)
    assert {each.get("reason") for each in happened} == {"told-of-new-name"}
    assert {each.get("organisation") for each in happened} == {KELA}


def test_who_knows_both_hears_that_they_are_one(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    program, own = client(ledger, "kela-1"), named(ledger, vault, person)
    former = named(ledger, vault, other)
    joined(ledger, vault, person, other)
    (notice,) = told(ledger, program)
    assert notice.former_subjects == (former,)
    assert own not in notice.former_subjects


def test_names_of_a_third_go_along_with_a_second_merge(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    """Nobody has asked for the second one's name between the two."""
    program = client(ledger, "kela-1")
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        third = enrol(uow, vault, scheme="test", identifier="third")
    former = named(ledger, vault, third)
    joined(ledger, vault, other, third)
    joined(ledger, vault, person, other)
    assert [each.former_subjects for each in told(ledger, program)] == [(former,), (former,)]
    assert {each.person for each in told(ledger, program)} == {other, person}


def test_who_knows_only_the_first_or_nobody_hears_nothing(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    program = client(ledger, "kela-1")
    strange = client(ledger, "debt-counsel-1", OrganisationId("debt-counsel"))
    named(ledger, vault, person)
    joined(ledger, vault, person, other)
    assert (told(ledger, program), told(ledger, strange)) == ([], [])
    assert logged(ledger, person) == []


def test_a_suspended_program_hears_nothing(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    program = client(ledger, "kela-1")
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        suspend_client(uow, program)
    named(ledger, vault, other)
    joined(ledger, vault, person, other)
    assert told(ledger, program) == []
