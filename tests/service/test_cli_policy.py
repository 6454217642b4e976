"""`consent-vault policy`: the rules, decisions made anew, and what would be if."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from audit.model import SYSTEM, Event, Kind
from audit.unit_of_work import begin
from consent.decision_records import keep
from policies.cedar_port import CedarPort
from policies.decision_inputs import decision_input
from policies.policy_set import MANIFEST, RULES, load_policy_set
from service.cli.main import main
from service.runtime import open_runtime
from service.settings import load_settings
from tests.policies.asking import DATA, all_is_well, changed
from tests.unguarded import unguard

WELL = decision_input(all_is_well("consent"), DATA)
FACTS = {"grant.state": "withdrawn"}
WITHDRAWN = decision_input(changed(all_is_well("consent"), FACTS), DATA)


@pytest.fixture
def decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation in which two kinds of decision have been made."""
    monkeypatch.setenv("CONSENT_VAULT_BASE_URL", "https://vault.example.fi")
    monkeypatch.setenv("CONSENT_VAULT_DATABASE_URL", f"sqlite:///{tmp_path / 'vault.db'}")
    monkeypatch.setenv("CONSENT_VAULT_DATA_FOLDER", str(tmp_path / "keys"))
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    port, runtime = CedarPort(load_policy_set()), open_runtime(load_settings())
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        event_id = uow.record(Event(kind=Kind.DATA_REFUSED, reason="withdrawn"))
        keep(uow, map(port.decide, (WELL, WITHDRAWN)), event_id)
    runtime.close()


@pytest.fixture
def stricter(tmp_path: Path) -> Path:
    """The policies of the program, without the ground of a consent."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for file in RULES.iterdir():
        if file.name == MANIFEST:
            continue
        lines = file.read_text("utf-8").replace(
            'Vault::Basis::"consent" &&', 'Vault::Basis::"vital" &&'
        )
        folder.joinpath(file.name).write_text(lines)
    return folder


def run(*typed: str | Path) -> Result:
    return CliRunner().invoke(main, ["policy", *map(str, typed)])


def damage(statement: str) -> None:
    runtime = open_runtime(load_settings())
    with runtime.ledger.engine.begin() as connection:
        unguard(connection, "consent_decision")
        connection.execute(text(statement))
    runtime.close()


def test_the_policies_are_listed_with_reason_and_law() -> None:
    listed = run("list").output
    assert f"cedar:{load_policy_set().digest}" in listed
    assert "deny.withdrawn" in listed
    told = json.loads(run("list", "--json").output)
    assert told["policy_set"] == load_policy_set().digest
    assert {
        "id": "deny.withdrawn",
        "effect": "forbid",
        "reason": "withdrawn",
        "law": "GDPR 7(3)",
    } in (told["policies"])


def test_policies_are_checked(stricter: Path) -> None:
    assert f"cedar:{load_policy_set().digest}" in run("check").output
    assert run("check", "--rules", stricter).exit_code == 0
    stricter.joinpath("ends.cedar").write_text("// nothing\n\n\n// at all\n")
    untidy = run("check", "--rules", stricter)
    assert untidy.exit_code == 1
    assert "is not written as Cedar writes it" in untidy.output
    stricter.joinpath("ends.cedar").write_text("permit;")
    wrong = run("check", "--rules", stricter)
    assert wrong.exit_code == 1
    assert "may not decide" in wrong.output


@pytest.mark.usefixtures("decided")
def test_a_replay_by_the_same_policies_changes_nothing() -> None:
    done = run("replay")
    assert (done.exit_code, done.output) == (0, "2 kinds of decision, 0 would be others\n")
    one = json.loads(run("replay", "--input", WELL.digest[:10], "--json").output)
    assert (one["decisions"], one["changed"]) == (1, [])


@pytest.mark.usefixtures("decided")
def test_a_replay_by_other_policies_says_what_would_change(stricter: Path) -> None:
    done = run("replay", "--rules", stricter)
    assert done.exit_code == 0
    assert (
        f"{WELL.digest[:12]}  fetch income for purpose-1: allowed (consent-active)" in done.output
    )
    assert "denied (no-ground)" in done.output
    assert "2 kinds of decision, 1 would be others" in done.output
    (told,) = json.loads(run("replay", "--rules", stricter, "--json").output)["changed"]
    assert told["input"] == WELL.digest
    assert not told["same_policies"]


@pytest.mark.usefixtures("decided")
def test_a_decision_that_was_changed_in_the_database_is_found() -> None:
    damage("UPDATE consent_decision SET allowed = 1, reason = 'law-allows'")
    done = run("replay")
    assert done.exit_code == 1
    assert "is not what these policies decide" in done.output


@pytest.mark.usefixtures("decided")
def test_a_question_that_was_changed_in_the_database_is_found() -> None:
    damage("UPDATE consent_decision SET input = replace(input, 'purpose-1', 'purpose-9')")
    for done in (run("replay"), run("what-if", WELL.digest)):
        assert done.exit_code == 1
        assert "is damaged" in done.output


@pytest.mark.usefixtures("decided")
def test_what_would_be_if_a_fact_were_another() -> None:
    assert run("what-if", WELL.digest).output == "allowed (consent-active)\n"
    gone = run("what-if", WELL.digest, "grant.state=withdrawn").output
    assert gone == "denied (withdrawn)\n"
    opened = run("what-if", WELL.digest[:12], "token.expires=?").output
    assert opened.splitlines() == [
        "denied (token-ended)  token.expires=-1",
        "denied (token-ended)  token.expires=0",
        "allowed (consent-active)  token.expires=1",
    ]
    (told,) = json.loads(run("what-if", WELL.digest, "client.standing=suspended", "--json").output)
    assert told["policies"] == ["deny.client-suspended"]


@pytest.mark.usefixtures("decided")
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("what-if", "0" * 64), "There is no such decision"),
        (("what-if", ""), "There are several such decisions"),
        (("what-if", WELL.digest, "grant.none=1"), "there is no such fact"),
        (("what-if", WELL.digest, "grant.state"), "FACT=VALUE"),
        (("replay", "--input", "0" * 64), "There is no such decision"),
    ],
)
def test_what_cannot_be_done_is_said(typed: tuple[str, ...], said: str) -> None:
    done = run(*typed)
    assert done.exit_code in {1, 2}
    assert said in done.output
