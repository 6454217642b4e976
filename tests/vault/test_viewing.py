"""The person's own view: all sources, all versions, with where each came from."""

from dataclasses import replace
from datetime import timedelta

import pytest

from audit.model import SYSTEM, Actor, Kind
from audit.reader import entry
from audit.unit_of_work import Ledger, begin
from consent.decisions import PermitElsewhereError, decide_self_access
from policies.ids import AttributeId, PersonId
from policies.vocabulary import Label
from tests.vault.given import (
    EARLIER,
    EMPLOYER,
    GROSS,
    NOW,
    POPULATION,
    TAX,
    deposited,
    document,
    fact,
    permit,
)
from vault.deposits import deposit
from vault.disputes import dispute
from vault.model import DisputeReason
from vault.vault import Vault
from vault.viewing import NotHerOwnPermitError, Viewed, view, view_history


def seen(
    ledger: Ledger, vault: Vault, person: PersonId, *attributes: AttributeId, whole: bool = False
) -> Viewed:
    look = view_history if whole else view
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        return look(uow, vault, decide_self_access(uow, person, list(attributes)))


def test_every_source_is_shown_the_best_first(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact(EMPLOYER, "A", POPULATION))
    deposited(ledger, vault, person, fact(EMPLOYER, "B"), fact())
    got = seen(ledger, vault, person, GROSS, EMPLOYER)
    assert [(each.fact.attribute, each.fact.source) for each in got.statements] == [
        (GROSS, TAX),
        (EMPLOYER, POPULATION),
        (EMPLOYER, TAX),
    ]
    assert [each.fact.value for each in got.of(EMPLOYER)] == ["A", "B"]
    assert all(each.counts and each.received_at == NOW for each in got.statements)


def test_the_history_holds_what_does_not_count_too(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact(value=1))
    deposited(ledger, vault, person, fact(value=2))
    deposited(
        ledger, vault, person, replace(fact(value=3), observed_at=EARLIER - timedelta(days=1))
    )
    got = seen(ledger, vault, person, GROSS, whole=True).statements
    assert [(each.fact.value, each.version, each.counts) for each in got] == [
        (2, 2, True),
        (1, 1, False),
        (3, 3, False),
    ]
    assert [each.fact.value for each in seen(ledger, vault, person, GROSS).statements] == [2]


def test_evidence_comes_with_each_statement(ledger: Ledger, vault: Vault, person: PersonId) -> None:
    given = document(fact())
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        deposit(uow, vault, person, given)
    (got,) = seen(ledger, vault, person, GROSS).statements
    assert got.fact.evidence == given.evidence


def test_only_the_version_that_counts_bears_the_mark_of_a_dispute(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact(value=1))
    deposited(ledger, vault, person, fact(value=2))
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        asked = {"attribute": GROSS, "source": TAX, "reason": DisputeReason.OUT_OF_DATE}
        dispute(uow, vault, person, **asked)  # type: ignore[arg-type]  # a dict of mixed types
    got = seen(ledger, vault, person, GROSS, whole=True).statements
    assert [each.fact.labels for each in got] == [{Label.DISPUTED}, frozenset()]


@pytest.mark.parametrize(("whole", "reason"), [(False, None), (True, "history")])
def test_a_look_is_recorded(
    ledger: Ledger, vault: Vault, person: PersonId, whole: bool, reason: str | None
) -> None:
    deposited(ledger, vault, person, fact())
    got = seen(ledger, vault, person, GROSS, EMPLOYER, whole=whole)
    with ledger.read() as connection:
        happened = entry(connection, ledger, got.event_id)
    assert happened is not None
    assert (happened.kind, happened.subject) == (Kind.DATA_VIEWED, person)
    assert (happened.many("attributes"), happened.get("reason")) == ((GROSS,), reason)


def test_a_recipient_has_no_such_view(ledger: Ledger, vault: Vault, person: PersonId) -> None:
    deposited(ledger, vault, person, fact())
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        for look in (view, view_history):
            with pytest.raises(NotHerOwnPermitError):
                look(uow, vault, permit(uow, person, [GROSS]))


def test_a_permit_of_another_unit_of_work_shows_nothing(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        old = decide_self_access(uow, person, [GROSS])
    with (
        begin(ledger, actor=Actor.person(person), now=NOW) as uow,
        pytest.raises(PermitElsewhereError),
    ):
        view(uow, vault, old)
