"""`consent-vault person`: numbers found, merges proposed, nothing joined by the machine alone."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

from audit.model import SYSTEM
from audit.unit_of_work import begin
from policies.ids import PersonId
from policies.vocabulary import Role
from service.cli.main import main
from service.roles import grant_role
from service.runtime import open_runtime
from service.settings import load_settings
from tests.service.house import AINO, VILLE
from vault.people import IDENTITY_SCHEME, enrol

NOBODY = str(UUID(int=404))


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Two people in an installation by the environment."""
    monkeypatch.setenv("CONSENT_VAULT_BASE_URL", "https://vault.example.fi")
    monkeypatch.setenv("CONSENT_VAULT_DATABASE_URL", f"sqlite:///{tmp_path / 'vault.db'}")
    monkeypatch.setenv("CONSENT_VAULT_DATA_FOLDER", str(tmp_path / "keys"))
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    runtime = open_runtime(load_settings())
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        found = [
            enrol(uow, runtime.vault, scheme=IDENTITY_SCHEME, identifier=code)
            for code in (AINO, VILLE)
        ]
    runtime.close()
    return str(found[0]), str(found[1])


def person(*typed: str, code: str = "") -> Result:
    return CliRunner().invoke(main, ["person", *typed], input=f"{code}\n")


def merge(first: str, other: str, reference: str = "2026/5") -> Result:
    return person("merge", first, other, "--reference", reference)


def test_a_number_is_found_and_the_code_is_not_shown(people: tuple[str, str]) -> None:
    shown = person("find", code=AINO)
    assert shown.output.splitlines()[-1] == people[0]
    assert AINO not in shown.output


@pytest.mark.usefixtures("people")
def test_nobody_is_found_for_a_code_that_is_none_or_unknown() -> None:
    for code in ("120550-956H", "nonsense"):
        assert person("find", code=code).exit_code == 1


def test_a_proposal_has_a_number_and_waits_for_two(people: tuple[str, str]) -> None:
    assert merge(*people).output.startswith("proposal 1: two operators")
    assert merge(people[1], people[0], "2026/6").output.startswith("proposal 2:")
    second, first = json.loads(person("merges", "--json").output)
    assert (first["number"], first["state"], first["reference"]) == (1, "no-approval", "2026/5")
    assert (first["first"], first["other"]) == people
    assert (second["first"], second["other"]) == (people[1], people[0])
    assert "1  no-approval" in person("merges").output


def test_what_cannot_be_proposed_is_told_with_its_repair(people: tuple[str, str]) -> None:
    first, other = people
    for refused, why in (
        (merge(first, first), "both numbers are of one record"),
        (merge(first, NOBODY), f"nobody has the number {NOBODY}"),
        (merge(first, other, "Aino Esimerkki"), "that is no reference"),
    ):
        assert refused.exit_code == 1
        assert why in refused.output
    runtime = open_runtime(load_settings())
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        grant_role(uow, PersonId(UUID(other)), Role.OPERATOR)
    runtime.close()
    assert "has a role here" in merge(first, other).output
    assert json.loads(person("merges", "--json").output) == []
