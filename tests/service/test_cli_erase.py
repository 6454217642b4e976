"""`consent-vault erase`: by order only, told before it is done, and the order stands in the log."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from audit.model import SYSTEM, Kind
from audit.reader import entries_about
from audit.scope import EVERYONE
from audit.unit_of_work import begin
from policies.ids import PersonId
from service.cli.main import main
from service.runtime import open_runtime
from service.settings import load_settings
from tests.service.house import AINO
from tests.vault.given import GLUCOSE, deposited, fact
from vault.erasure_statement import verify_statement
from vault.holdings import describe
from vault.people import IDENTITY_SCHEME, enrol, find_person

ORDER = "TSV/17/2026"


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PersonId:
    """Somebody about whom two data sets are held, in an installation by the environment."""
    monkeypatch.setenv("CONSENT_VAULT_BASE_URL", "https://vault.example.fi")
    monkeypatch.setenv("CONSENT_VAULT_DATABASE_URL", f"sqlite:///{tmp_path / 'vault.db'}")
    monkeypatch.setenv("CONSENT_VAULT_DATA_FOLDER", str(tmp_path / "keys"))
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    runtime = open_runtime(load_settings())
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        found = enrol(uow, runtime.vault, scheme=IDENTITY_SCHEME, identifier=AINO)
    for each in (fact(), fact(GLUCOSE, 64)):
        deposited(runtime.ledger, runtime.vault, found, each)
    runtime.close()
    return found


def run(*typed: str, code: str = "") -> Result:
    return CliRunner().invoke(main, ["erase", *typed], input=f"{code}\n")


def held(person: PersonId) -> set[str]:
    runtime = open_runtime(load_settings())
    with runtime.ledger.read(EVERYONE) as connection:
        found = describe(connection, person)
    runtime.close()
    return {each.dataset for each in found}


def test_without_an_order_nothing_is_erased(person: PersonId) -> None:
    refused = run(str(person), "--yes")
    assert refused.exit_code == 2
    assert "--order" in refused.output
    assert held(person) == {"income", "glucose"}


def test_it_says_first_what_would_go(person: PersonId) -> None:
    told = run("--order", ORDER, code=AINO)
    assert told.exit_code == 0, told.output
    assert f"Person {person}: glucose, income." in told.output
    assert AINO not in told.output
    told = run(str(person), "--order", ORDER, "--dataset", "income", "--json")
    assert json.loads(told.output) == {
        "erased": False, "person": str(person), "datasets": ["income"],
    }  # fmt: skip
    assert held(person) == {"income", "glucose"}


@pytest.mark.parametrize("by", ["code", "number"])
def test_everything_goes_and_the_order_stands_in_the_log(
    person: PersonId, by: str, tmp_path: Path
) -> None:
    file = tmp_path / "statement.jws"
    typed = [] if by == "code" else [str(person)]
    code = AINO if by == "code" else ""
    done = run(*typed, "--order", ORDER, "--statement", str(file), "--yes", code=code)
    assert done.exit_code == 0, done.output
    assert "erased: glucose, income" in done.output
    assert held(person) == set()
    runtime = open_runtime(load_settings())
    with runtime.ledger.read(EVERYONE) as connection:
        [entry] = entries_about(connection, runtime.ledger, person, kinds=[Kind.PERSON_ERASED])
        code_leads_to = find_person(
            connection, runtime.vault, scheme=IDENTITY_SCHEME, identifier=AINO
        )
    assert (entry.get("case"), entry.get("reason")) == (ORDER, "by-order")
    assert code_leads_to is None
    content = verify_statement(file.read_text(), {"keys": [runtime.receipt_signer.jwk()]})
    assert content["cause"] == "by-order"
    runtime.close()


def test_one_data_set_goes_alone(person: PersonId) -> None:
    done = run(str(person), "--order", ORDER, "--dataset", "income", "--yes", "--json")
    assert json.loads(done.output)["datasets"] == ["income"]
    assert held(person) == {"glucose"}


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (["--order", "about Aino Esimerkki"], "that is no reference"),
        (["--order", f"K/{AINO}"], "that is no reference"),
        (["--order", ORDER, "--dataset", "unheard-of"], "there is no data set unheard-of"),
    ],
)
def test_what_cannot_be_meant_is_told_with_the_repair(
    person: PersonId, typed: list[str], why: str
) -> None:
    refused = run(str(person), *typed, "--yes")
    assert refused.exit_code == 1
    assert why in refused.output
    assert "Repair:" in refused.output
    assert held(person) == {"income", "glucose"}


def test_nobody_is_erased_who_is_not_here(person: PersonId) -> None:
    refused = run(str(uuid4()), "--order", ORDER, "--yes")
    assert refused.exit_code == 1
    assert "nobody has this number here" in refused.output
    refused = run("--order", ORDER, "--yes", code="150688-9551")
    assert "nobody is known here by that identity code" in refused.output
    assert held(person) == {"income", "glucose"}


def test_a_journal_that_cannot_be_written_stops_the_command(
    person: PersonId, tmp_path: Path
) -> None:
    (tmp_path / "keys" / "erasures.journal").mkdir(mode=0o700)
    refused = run(str(person), "--order", ORDER, "--yes")
    assert refused.exit_code == 1
    assert "the journal of erasures cannot be written" in refused.output
    assert held(person) == {"income", "glucose"}


def test_a_statement_that_cannot_be_written_is_told(person: PersonId, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere" / "statement.jws"
    told = run(str(person), "--order", ORDER, "--statement", str(nowhere), "--yes")
    assert told.exit_code == 1
    assert "The data is erased; the statement was not written." in told.output
    assert held(person) == set()
