"""A copy of everything: all that the vault has of one person, for nobody else, with its event."""

import pytest

from audit.model import SYSTEM, Actor, Kind
from audit.reader import entry
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from consent.decisions import NotHerselfError, PermitElsewhereError, decide_copy, decide_self_access
from policies.ids import PersonId, new_uuid
from tests.vault.given import EMPLOYER, GROSS, INCOME, KELA, NOW, VILLE, deposited, fact
from tests.vault.given import permit as recipients_permit
from vault.disputes import dispute
from vault.erasure import Request, erase_dataset
from vault.model import DisputeReason
from vault.people import IDENTITY_SCHEME, UnknownPersonError, enrol, issue_pairwise_subject
from vault.release import CopyPermitError, release
from vault.taking_out import NotACopyPermitError, TakenOut, take_out
from vault.vault import Vault


def taken(
    ledger: Ledger, vault: Vault, person: PersonId, *, actor: Actor, case: str | None = None
) -> TakenOut:
    with begin(ledger, actor=actor, now=NOW, about=person) as uow:
        return take_out(uow, vault, decide_copy(uow, person, (GROSS, EMPLOYER), case=case))


def test_it_has_every_version_and_what_is_known_beside_the_values(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact(GROSS, 1), fact(EMPLOYER, "Oy"))
    deposited(ledger, vault, person, fact(GROSS, 2))
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        source = fact(GROSS).source
        dispute(uow, vault, person, attribute=GROSS, source=source, reason=DisputeReason.WRONG)
        subject = issue_pairwise_subject(uow, vault, person, KELA)
    got = taken(ledger, vault, person, actor=Actor.person(person))
    assert {(each.fact.attribute, each.fact.value) for each in got.statements} == {
        (GROSS, 1),
        (GROSS, 2),
        (EMPLOYER, "Oy"),
    }
    assert [each.source for each in got.disputes] == [source]
    assert [each.scheme for each in got.identifiers] == [IDENTITY_SCHEME]
    assert [(each.sector, each.subject) for each in got.pseudonyms] == [(KELA, subject)]
    assert (got.since, got.former, got.erasures, got.unwanted) == (NOW, (), (), ())


@pytest.mark.parametrize(("case", "reason"), [(None, "own-export"), ("D-1", "export-on-request")])
def test_its_event_says_who_asked(
    ledger: Ledger, vault: Vault, person: PersonId, case: str | None, reason: str
) -> None:
    deposited(ledger, vault, person, fact())
    actor = Actor.person(person) if case is None else SYSTEM
    got = taken(ledger, vault, person, actor=actor, case=case)
    with ledger.read(EVERYONE) as connection:
        found = entry(connection, ledger, got.event_id)
    assert found is not None
    assert (found.kind, found.fields["reason"]) == (Kind.DATA_EXPORTED, reason)
    assert found.fields.get("case") == case


def test_what_was_erased_is_told_without_what_it_was(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        erase_dataset(uow, vault, person, INCOME, Request.by_wish())
    got = taken(ledger, vault, person, actor=Actor.person(person))
    assert got.statements == ()
    assert [each.dataset for each in got.unwanted] == [INCOME]
    assert len(got.erasures) == 1


def test_nobody_else_takes_it_out(ledger: Ledger, vault: Vault, person: PersonId) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        other = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)
    for actor in (SYSTEM, Actor.person(other)):
        with pytest.raises(NotHerselfError):
            taken(ledger, vault, person, actor=actor)
    with pytest.raises(NotHerselfError):
        taken(ledger, vault, person, actor=Actor.person(other), case="D-1")


def test_a_permit_of_another_kind_takes_nothing_out_and_this_one_releases_nothing(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        with pytest.raises(NotACopyPermitError):
            take_out(uow, vault, decide_self_access(uow, person, (GROSS,)))
        with pytest.raises(NotACopyPermitError):
            take_out(uow, vault, recipients_permit(uow, person, (GROSS,)))
        with pytest.raises(CopyPermitError):
            release(uow, vault, decide_copy(uow, person, (GROSS,)))


def test_a_permit_of_another_unit_of_work_takes_nothing_out(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        earlier = decide_copy(uow, person, (GROSS,))
    with (
        begin(ledger, actor=Actor.person(person), now=NOW) as uow,
        pytest.raises(PermitElsewhereError),
    ):
        take_out(uow, vault, earlier)


def test_of_somebody_unknown_there_is_nothing_to_take(ledger: Ledger, vault: Vault) -> None:
    nobody = PersonId(new_uuid())
    with pytest.raises(UnknownPersonError):
        taken(ledger, vault, nobody, actor=Actor.person(nobody))
