"""Who has got what: found in the log, under every id that the person has had."""

from datetime import timedelta

import pytest

from audit.model import SYSTEM, Event, Kind
from audit.unit_of_work import Ledger, begin
from policies.ids import AttributeId, ClientId, OrganisationId, PersonId
from tests.vault.given import (
    BANK,
    EMPLOYER,
    GLUCOSE,
    GROSS,
    KELA,
    NOW,
    VILLE,
    deposited,
    fact,
    permit,
)
from tests.vault.replaying import joined
from vault.people import IDENTITY_SCHEME, enrol
from vault.recipients import Recipient, recipients
from vault.release import release
from vault.vault import Vault

LATER = NOW + timedelta(hours=1)
PROGRAM, OTHER = ClientId("program-1"), ClientId("program-2")


def got(
    ledger: Ledger,
    person: PersonId,
    *attributes: AttributeId,
    client: ClientId | None = PROGRAM,
    organisation: OrganisationId = KELA,
    hours: int = 0,
    kept_back: int | None = None,
    case: str = "A-1",
    reason: str | None = None,
) -> None:
    """A release as the log tells of it."""
    later = None if kept_back is None else NOW + timedelta(hours=kept_back)
    with begin(ledger, actor=SYSTEM, now=NOW + timedelta(hours=hours)) as uow:
        uow.record(
            Event(
                kind=Kind.DATA_RELEASED,
                subject=person,
                organisation=organisation,
                client=client,
                attributes=attributes,
                case=case,
                reason=reason,
                visible_from=later,
            )
        )


def found(
    ledger: Ledger,
    person: PersonId,
    *,
    of: list[AttributeId] | None = None,
    hours: int | None = None,
) -> list[Recipient]:
    since = None if hours is None else NOW + timedelta(hours=hours)
    with begin(ledger, actor=SYSTEM, now=LATER, about=person) as uow:
        return sorted(recipients(uow, person, of=of, since=since), key=lambda each: each.client)


@pytest.fixture
def other(ledger: Ledger, vault: Vault) -> PersonId:
    """The same person once more, under another code."""
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)


def test_everybody_who_has_got_something_is_found_with_what_it_was(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact(), fact(EMPLOYER, "Oy"))
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        release(uow, vault, permit(uow, person, [GROSS, EMPLOYER, GLUCOSE]))
    got(ledger, person, GROSS, client=OTHER, organisation=BANK)
    first, second = found(ledger, person)
    assert (first.client, first.organisation) == ("client-1", KELA)
    assert first.attributes == (EMPLOYER, GROSS), "what was not held did not go out"
    assert (first.purpose, first.case) == ("kela-income-check", "A-1")
    assert (second.client, second.organisation, second.attributes) == (OTHER, BANK, (GROSS,))


def test_the_newest_release_names_purpose_and_case(ledger: Ledger, person: PersonId) -> None:
    for hours, case in ((0, "A-1"), (2, "A-3"), (1, "A-2")):
        got(ledger, person, GROSS, hours=hours, case=case)
    assert [each.case for each in found(ledger, person)] == ["A-3"]


def test_who_got_it_from_somebody_who_was_joined_to_her_is_found(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    got(ledger, other, GROSS, hours=1, case="B-1")
    got(ledger, person, EMPLOYER, case="A-1")
    got(ledger, other, EMPLOYER, client=OTHER)
    joined(ledger, vault, person, other)
    first, second = found(ledger, person)
    assert (first.attributes, first.case) == ((EMPLOYER, GROSS), "B-1"), "the newest of both ids"
    assert second.client == OTHER


def test_who_got_something_else_or_got_it_before_is_none(ledger: Ledger, person: PersonId) -> None:
    got(ledger, person, EMPLOYER)
    got(ledger, person, GROSS, EMPLOYER, hours=1)
    assert found(ledger, person, of=[GLUCOSE]) == []
    assert found(ledger, person, hours=2) == []
    (only,) = found(ledger, person, of=[GROSS], hours=1)
    assert only.attributes == (GROSS,)


def test_nobody_got_what_no_program_fetched_or_what_was_empty(
    ledger: Ledger, person: PersonId
) -> None:
    got(ledger, person, GROSS, client=None)
    got(ledger, person)
    assert found(ledger, person) == []


def test_nobody_got_hers_who_got_what_was_about_her_in_anothers_record(
    ledger: Ledger, person: PersonId
) -> None:
    got(ledger, person, GROSS, reason="jointly-released")
    got(ledger, person, EMPLOYER, client=OTHER, reason="joint-withheld")
    assert [(each.client, each.attributes) for each in found(ledger, person)] == [
        (OTHER, (EMPLOYER,))
    ]


def test_as_long_as_a_law_keeps_one_release_back_nothing_tells_of_it(
    ledger: Ledger, person: PersonId
) -> None:
    got(ledger, person, GROSS, kept_back=48)
    got(ledger, person, EMPLOYER, hours=1)
    (only,) = found(ledger, person)
    assert only.visible_from == NOW + timedelta(hours=48)
    assert not only.is_visible(NOW + timedelta(hours=47))
    assert only.is_visible(NOW + timedelta(hours=48))
    (open_one,) = found(ledger, person, of=[EMPLOYER])
    assert open_one.is_visible(NOW)
