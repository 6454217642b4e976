"""`consent-vault dispute`: listed without a value, and settled as the source has answered."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

from audit.model import SYSTEM, Actor
from audit.unit_of_work import begin
from policies.facts import Document, Fact
from policies.ids import AttributeId, DatasetId, PersonId, SourceId
from policies.vocabulary import AuthorityRank
from service.cli.main import main
from service.runtime import open_runtime
from service.settings import load_settings
from tests.service.house import AINO
from vault.deposits import deposit
from vault.disputes import dispute as open_dispute
from vault.disputes import disputes_of
from vault.model import DisputeReason, Outcome
from vault.people import IDENTITY_SCHEME, enrol

GROSS, TAX = AttributeId("income.monthly_gross"), SourceId("incomes-register")


@pytest.fixture
def disputed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installation by the environment, in which one value is disputed; the dispute's id."""
    monkeypatch.setenv("CONSENT_VAULT_BASE_URL", "https://vault.example.fi")
    monkeypatch.setenv("CONSENT_VAULT_DATABASE_URL", f"sqlite:///{tmp_path / 'vault.db'}")
    monkeypatch.setenv("CONSENT_VAULT_DATA_FOLDER", str(tmp_path / "keys"))
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    runtime = open_runtime(load_settings())
    now = runtime.now()
    fact = Fact(GROSS, 424_242, TAX, AuthorityRank.AUTHORITATIVE_REGISTER, now)
    with begin(runtime.ledger, actor=SYSTEM, now=now) as uow:
        person = enrol(uow, runtime.vault, scheme=IDENTITY_SCHEME, identifier=AINO)
        deposit(uow, runtime.vault, person, Document(DatasetId("income"), TAX, (fact,), bytes(32)))
    with begin(runtime.ledger, actor=Actor.person(person), now=now) as uow:
        reason = DisputeReason.WRONG
        made = open_dispute(uow, runtime.vault, person, attribute=GROSS, source=TAX, reason=reason)
    runtime.close()
    return str(made)


def run(*typed: str) -> Result:
    return CliRunner().invoke(main, ["dispute", *typed])


def outcomes(person: str) -> list[Outcome | None]:
    runtime = open_runtime(load_settings())
    known = PersonId(UUID(person))
    with runtime.ledger.read(known) as connection:
        found = [each.outcome for each in disputes_of(connection, known)]
    runtime.close()
    return found


def test_open_disputes_are_listed_without_a_value(disputed: str) -> None:
    (one,) = json.loads(run("list", "--json").output)
    assert (one["dispute"], one["source"], one["attribute"]) == (disputed, TAX, GROSS)
    assert (one["reason"], one["restricted"], one["restated"]) == ("wrong-value", False, False)
    shown = run("list").output
    assert disputed in shown
    assert "424242" not in shown


@pytest.mark.parametrize("outcome", [Outcome.CORRECTED, Outcome.KEPT])
def test_what_the_source_answered_settles_it(disputed: str, outcome: Outcome) -> None:
    (one,) = json.loads(run("list", "--json").output)
    assert run("settle", disputed, "--outcome", outcome.value).output == f"settled {disputed}\n"
    assert outcomes(one["person"]) == [outcome]
    assert json.loads(run("list", "--json").output) == []
    again = run("settle", disputed, "--outcome", outcome.value)
    assert (again.exit_code, "there is no open dispute" in again.output) == (1, True)


@pytest.mark.usefixtures("disputed")
def test_nobody_takes_it_back_for_the_person() -> None:
    assert run("settle", str(UUID(int=1)), "--outcome", "taken-back").exit_code == 2
