"""`consent-vault receipt verify`: a receipt is checked with its file and public keys alone."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from consent import receipt_check, receipt_content, receipt_file, receipt_jws
from consent.receipt_file import ReceiptFile
from consent.receipt_jws import unverified_payload
from service.cli.main import main
from service.cli.receipt import WHY
from tests.audit.sample import signer
from tests.consent.receipted import JWKS, SIGNER, given_and_withdrawn, house


@pytest.fixture(scope="module")
def receipts() -> list[ReceiptFile]:
    """A consent that was given, and its withdrawal."""
    with house() as ledger:
        return given_and_withdrawn(ledger)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where somebody has put what she was given."""

    folder: Path

    def verify(self, *arguments: str) -> tuple[int, str]:
        keys = str(self.folder / "jwks.json")
        result = CliRunner().invoke(main, ["receipt", "verify", "--jwks", keys, *arguments])
        return result.exit_code, result.output

    def file(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture
def desk(tmp_path: Path, receipts: list[ReceiptFile]) -> Desk:
    (tmp_path / "jwks.json").write_text(json.dumps(JWKS))
    for name, each in zip(("given.json", "withdrawn.json"), receipts, strict=True):
        (tmp_path / name).write_text(str(each))
    (tmp_path / "given.jws").write_text(receipts[0].jws)
    return Desk(tmp_path)


def test_it_says_what_was_given_and_where_the_log_holds_it(desk: Desk) -> None:
    code, text = desk.verify(desk.file("given.json"), "--vkey", signer().vkey)
    assert code == 0, text
    for told in [
        "signed by https://vault.example",
        "debt-advice of debt-counsel",
        "given: income.monthly_gross, income.benefit_monthly, residence.household_size",
        "not given: income.yearly_total",
        "in force until",
        "in a signed tree",
    ]:
        assert told in text


def test_several_are_checked_together(desk: Desk) -> None:
    files = [desk.file("withdrawn.json"), desk.file("given.json")]
    code, text = desk.verify(*files, "--vkey", signer().vkey, "--json")
    told = json.loads(text)
    assert (code, told["verified"]) == (0, True)
    assert [each["status"] for each in told["receipts"]] == ["withdrawn", "active"]
    assert all(each["log"]["size"] > each["log"]["index"] for each in told["receipts"])


def test_it_says_what_it_has_not_checked(desk: Desk) -> None:
    assert "name a key of the log" in desk.verify(desk.file("given.json"))[1]
    code, text = desk.verify(desk.file("given.jws"), "--vkey", signer().vkey)
    assert code == 0
    assert "carries no proof" in text
    told = json.loads(desk.verify(desk.file("given.jws"), "--json")[1])["receipts"][0]
    assert (told["carries_proof"], told["log"]) == (False, None)


def test_a_changed_receipt_does_not_verify(desk: Desk, receipts: list[ReceiptFile]) -> None:
    head, payload, signature = receipts[0].jws.split(".")
    Path(desk.file("given.jws")).write_text(f"{head}.{payload[:-1]}A.{signature}")
    code, text = desk.verify(desk.file("given.jws"))
    assert code == 1
    assert "does not verify" in text
    assert "Repair:" in text
    code, text = desk.verify(desk.file("given.jws"), "--json")
    assert code == 1
    assert json.loads(text)["verified"] is False


def test_a_log_that_is_signed_by_another_key_does_not_verify(desk: Desk) -> None:
    code, text = desk.verify(desk.file("given.json"), "--vkey", signer(2).vkey)
    assert code == 1
    assert "given.json" in text


def test_receipts_that_do_not_follow_upon_each_other_are_told(
    desk: Desk, receipts: list[ReceiptFile]
) -> None:
    payload = unverified_payload(receipts[1].jws) | {"previous_receipt": None}
    Path(desk.file("withdrawn.json")).write_text(SIGNER.sign(payload))
    code, text = desk.verify(desk.file("given.json"), desk.file("withdrawn.json"))
    assert code == 1
    assert "one between them is missing" in text


@pytest.mark.parametrize(
    "content", ["{}", "[]", '{"keys": [1]}', "keys", '{"keys": [], "keys": []}']
)
def test_keys_that_are_none_are_said_to_be_none(desk: Desk, content: str) -> None:
    Path(desk.file("jwks.json")).write_text(content)
    code, text = desk.verify(desk.file("given.json"))
    assert code == 1
    assert "is not a key set" in text


def test_a_key_of_the_log_that_is_none_is_a_wrong_use(desk: Desk) -> None:
    assert desk.verify(desk.file("given.json"), "--vkey", "x")[0] == 2


def test_each_reason_has_its_words() -> None:
    said = set()
    for module in (receipt_check, receipt_content, receipt_file, receipt_jws):
        source = Path(str(module.__file__)).read_text()
        said |= set(re.findall(r'ReceiptError\("([a-z-]+)"\)', source))
    assert said == set(WHY)
