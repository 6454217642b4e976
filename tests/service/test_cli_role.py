"""`consent-vault role`: given, listed and taken back, with no identity code shown."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit.model import Kind
from audit.reader import search
from service.cli.main import main
from service.runtime import open_runtime
from service.settings import load_settings
from tests.service.house import AINO, VILLE


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation by the environment."""
    monkeypatch.setenv("CONSENT_VAULT_BASE_URL", "https://vault.example.fi")
    monkeypatch.setenv("CONSENT_VAULT_DATABASE_URL", f"sqlite:///{tmp_path / 'vault.db'}")
    monkeypatch.setenv("CONSENT_VAULT_DATA_FOLDER", str(tmp_path / "keys"))
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    return tmp_path


def role(*typed: str, code: str = "") -> Result:
    return CliRunner().invoke(main, ["role", *typed], input=f"{code}\n")


def listed() -> list[tuple[str, str]]:
    found = json.loads(role("list", "--json").output)
    assert all(each["since"] for each in found)
    return [(each["person"], each["role"]) for each in found]


def events(kind: Kind) -> list[tuple[str | None, str | None]]:
    """Of each event the person and the reason."""
    runtime = open_runtime(load_settings())
    with runtime.ledger.read() as connection:
        found = search(connection, runtime.ledger, kind=kind)
    runtime.close()
    return [(each.get("subject"), each.get("reason")) for each in found]


@pytest.mark.usefixtures("installation")
def test_who_has_which_role_is_listed_by_number_and_not_by_identity_code() -> None:
    assert listed() == []
    for name, code in (("operator", AINO), ("auditor", VILLE), ("auditor", AINO)):
        assert role("grant", name, code=code).output.endswith("given\n")
    people = {person for person, _ in listed()}
    assert [name for _, name in listed()] == ["auditor", "auditor", "operator"]
    assert len(people) == 2
    plain = role("list").output
    assert all(f"{person}  {name}  since 20" in plain for person, name in listed())
    assert AINO not in plain


@pytest.mark.usefixtures("installation")
@pytest.mark.parametrize("by", ["code", "number"])
def test_a_role_that_is_taken_back_is_gone_and_recorded(by: str) -> None:
    role("grant", "auditor", code=AINO)
    role("grant", "operator", code=AINO)
    person = listed()[0][0]
    if by == "code":
        taken = role("revoke", "auditor", code=AINO)
    else:
        taken = role("revoke", "auditor", "--person", person)
    assert taken.exit_code == 0, taken.output
    assert listed() == [(person, "operator")]
    assert events(Kind.ROLE_REVOKED) == [(person, "auditor")]


@pytest.mark.usefixtures("installation")
@pytest.mark.parametrize(
    "typed",
    [
        ("revoke", "operator"),
        ("revoke", "operator", "--person", "0f8c2f2e-6c1b-4a44-9f0a-000000000001"),
    ],
)
def test_a_role_that_the_person_does_not_have_is_not_taken_back(typed: tuple[str, ...]) -> None:
    role("grant", "auditor", code=AINO)
    result = role(*typed, code=AINO)
    assert result.exit_code == 1
    assert "consent-vault role list" in result.output
    assert events(Kind.ROLE_REVOKED) == []
    assert [name for _, name in listed()] == ["auditor"]


@pytest.mark.usefixtures("installation")
def test_nobody_who_was_never_here_is_made_known_by_a_revocation() -> None:
    assert role("revoke", "auditor", code=VILLE).exit_code == 1
    assert events(Kind.PERSON_CREATED) == []


@pytest.mark.usefixtures("installation")
@pytest.mark.parametrize("command", ["grant", "revoke"])
def test_what_is_no_identity_code_is_told_and_not_repeated(command: str) -> None:
    result = role(command, "auditor", code="010199-9013")
    assert result.exit_code == 1
    assert "check character" in result.output
    assert "9013" not in result.output


@pytest.mark.usefixtures("installation")
def test_a_role_that_there_is_not_is_refused() -> None:
    assert role("revoke", "citizen", code=AINO).exit_code == 2
