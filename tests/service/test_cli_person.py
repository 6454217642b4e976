"""`consent-vault person`: numbers found, merges proposed, nothing joined by the machine alone."""

import json
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner, Result

from audit.model import SYSTEM
from audit.unit_of_work import begin
from consent.authorization_details import AuthorizationDetails
from consent.clients import register_client
from consent.purposes import register_purpose
from consent.pushed import PushedRequest, open_request, push
from policies.ids import PersonId, PurposeId, SessionId
from policies.vocabulary import Role
from service.cli.main import main
from service.roles import grant_role
from service.runtime import open_runtime
from service.settings import load_settings
from tests.consent.flow import REDIRECT, challenge, metadata
from tests.service.house import AINO, VILLE
from vault.people import IDENTITY_SCHEME, enrol

NOBODY = str(UUID(int=404))
NEW_CODE = "120550-956H"


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


def asked(who: str) -> None:
    """Somebody asks her for data."""
    runtime = open_runtime(load_settings())
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        declaration = runtime.catalogue.purpose(PurposeId("debt-advice"))
        register_purpose(uow, declaration, runtime.catalogue)
        client = register_client(uow, metadata(), runtime.catalogue)
        request = PushedRequest(
            client=client.id,
            redirect_uri=REDIRECT,
            state=None,
            nonce=None,
            code_challenge=challenge(),
            dpop_jkt=None,
            details=AuthorizationDetails(purpose=declaration.id, attributes=declaration.required),
        )
        uri = push(uow, client, request)
        open_request(uow, uri, PersonId(UUID(who)), SessionId(uuid4()))
    runtime.close()


def test_a_death_ends_what_waits_once_it_is_meant(people: tuple[str, str]) -> None:
    asked(people[0])
    told = json.loads(person("died", people[0], "--reference", "VTJ/1", "--json").output)
    assert (told["done"], len(told["consents"])) == (False, 1)
    done = person("died", people[0], "--reference", "VTJ/1", "--yes")
    assert f"person {people[0]}: 1 permissions and requests" in done.output
    again = person("died", "--reference", "VTJ/1", code=AINO)
    assert "0 permissions and requests" in again.output
    assert "To end them, add --yes." in again.output


@pytest.mark.usefixtures("people")
def test_a_death_of_nobody_ends_nothing() -> None:
    assert person("died", "--reference", "VTJ/1", code="120550-956H").exit_code == 1
    assert person("died", NOBODY, "--reference", "Aino Esimerkki").exit_code == 1


def correct(number: str, code: str, reference: str = "VTJ/2") -> Result:
    return person("correct", number, "--reference", reference, code=code)


def test_another_code_leads_to_the_person_and_the_earlier_one_nowhere(
    people: tuple[str, str],
) -> None:
    assert correct(people[0], NEW_CODE).exit_code == 0
    assert person("find", code=NEW_CODE).output.splitlines()[-1] == people[0]
    assert person("find", code=AINO).exit_code == 1


def test_a_code_of_somebody_else_corrects_nothing(people: tuple[str, str]) -> None:
    for refused, why in (
        (correct(people[0], VILLE), "the code leads to another person here"),
        (correct(NOBODY, NEW_CODE), f"nobody has the number {NOBODY}"),
        (correct(people[0], "nonsense"), "that is not a personal identity code"),
        (correct(people[0], NEW_CODE, "Aino Esimerkki"), "number"),
    ):
        assert refused.exit_code == 1
        assert why in refused.output
    assert person("find", code=AINO).output.splitlines()[-1] == people[0]
