"""A random sample: drawn again by anybody, verified without us, and recorded before it is shown."""

import base64
import csv
import io
import json
from typing import Any
from uuid import UUID

import pytest

from audit.disclosure import check_committed, commitment, field_of, leaf
from audit.evidence import Evidence
from audit.model import Kind
from audit.sampling import Sample
from policies.vocabulary import Role
from service.auditor.fields import AuditQuestionError
from service.auditor.reasons import AuditReason, Stated
from service.auditor.sample_files import as_csv
from service.auditor.samples import Drawn, SampleQuestion, read_sample
from tests.proving import proven
from tests.service.auditor.asking import Auditor, rows
from tests.service.house import AINO, VALUES, VILLE, House, form_of, words_of


def test_a_sample_shows_its_seed_and_what_was_drawn(auditor: Auditor) -> None:
    html = auditor.sample(seed="dice-4-2-6", count="5").text
    assert "<code>dice-4-2-6</code>" in html
    assert len(rows(html)) == 5
    (look,) = auditor.looks(Kind.LOG_SAMPLED)
    assert look.get("reason") == "sample"
    assert (look.get("reference") or "").startswith("2026h2/")


def test_without_a_seed_one_is_made_up_and_shown(auditor: Auditor) -> None:
    first, second = (
        form_of(auditor.sample().text, "/en/audit/sample/file")["seed"] for _ in range(2)
    )
    assert len(first) == 32
    assert first != second


def document(auditor: Auditor, **fields: str) -> dict[str, Any]:
    sent = form_of(auditor.sample(**fields).text, "/en/audit/sample/file")
    answer = auditor.browser.post("/en/audit/sample/file", data={**sent, "format": "json"})
    assert answer.headers["content-type"] == "application/json"
    made: dict[str, Any] = json.loads(answer.text)
    return made


def test_anybody_draws_the_same_from_seed_and_size(auditor: Auditor) -> None:
    made = document(auditor, seed="x", count="4", start="2")
    drawn = Sample("x", made["size"], 4, 2).indexes()
    assert [each["index"] for each in made["entries"]] == drawn
    exported = auditor.looks(Kind.LOG_EXPORTED)
    sampled = auditor.looks(Kind.LOG_SAMPLED)
    assert [each.get("digest") for each in exported] == [each.get("digest") for each in sampled]


def test_every_entry_of_the_file_verifies_without_us(auditor: Auditor) -> None:
    made = document(auditor, count="1000")
    signers = auditor.house.runtime.log_signers
    verifiers = [each.verifier for each in signers.note_signers("2026h2")]
    entries = made["entries"]
    assert len(entries) == made["size"]
    for each in entries:
        digests = [base64.b64decode(digest) for digest in each["digests"]]
        entry = leaf(commitment(UUID(each["event_id"]), digests))
        checkpoint = proven(each["proof"], entry, verifiers)
        assert checkpoint.size == made["size"]
        disclosed = {}
        for disclosure in each["disclosures"]:
            name, value = field_of(disclosure)
            check_committed(name, disclosure, digests)
            disclosed[name] = value
        assert disclosed["kind"] == each["kind"]
        assert not {"subject", "actor"} & disclosed.keys()


def test_the_files_name_nobody_and_hold_no_value(auditor: Auditor) -> None:
    house = auditor.house
    sent = form_of(auditor.sample(count="1000").text, "/en/audit/sample/file")
    table = auditor.browser.post("/en/audit/sample/file", data={**sent, "format": "csv"}).text
    made = document(auditor, count="1000")
    opened = [field_of(each) for entry in made["entries"] for each in entry["disclosures"]]
    content = f"{table} {made} {opened}".replace("Esimerkkilä", "")
    texts = [each for each in VALUES.values() if isinstance(each, str) and len(each) > 5]
    for secret in (*texts, str(house.person()), str(house.person(VILLE)), AINO, VILLE):
        assert secret not in content


def test_the_table_has_a_line_for_each_entry(auditor: Auditor) -> None:
    sent = form_of(auditor.sample(seed="x", count="3").text, "/en/audit/sample/file")
    answer = auditor.browser.post("/en/audit/sample/file", data={**sent, "format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [each["seed"] for each in lines] == ["x"] * 3
    assert all(each["event_id"] and each["index"] and each["proof"] for each in lines)


def test_a_proof_that_begins_like_a_formula_is_none_in_a_spreadsheet(house: House) -> None:
    question = SampleQuestion(Stated(AuditReason.SAMPLE), "2026h2", Sample("x", 2, 1), "")
    proof = "c2sp.org/tlog-proof@v1\nindex 0\n+abc=\n\nnote\n"
    drawn = Drawn(question, b"note\n", [Evidence(0, None, (), (), proof)], [None])
    table = as_csv(house.runtime, drawn).removeprefix("\ufeff")
    (line,) = csv.DictReader(io.StringIO(table))
    assert line["proof"] == "'+abc="


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reason", ""),
        ("count", "0"),
        ("count", "1001"),
        ("count", "many"),
        ("start", "-1"),
        ("start", "99999999"),
        ("seed", "010199-9012"),
        ("seed", "two words"),
        ("log", "all"),
        ("size", "9999999999999999999"),
    ],
)
def test_a_sample_that_makes_no_sense_is_not_drawn(
    auditor: Auditor, field: str, value: str
) -> None:
    for path in ("/en/audit/sample", "/en/audit/sample/file"):
        answer = auditor.sample(path, **{field: value})
        assert answer.status_code == 422
        assert f'href="#sample-{field}"' in answer.text
    assert auditor.looks(Kind.LOG_SAMPLED) == auditor.looks(Kind.LOG_EXPORTED) == []


def test_of_a_size_that_was_never_signed_there_is_no_sample(auditor: Auditor) -> None:
    for path in ("/en/audit/sample", "/en/audit/sample/file"):
        assert auditor.sample(path, size="2").status_code == 303
    assert auditor.looks(Kind.LOG_SAMPLED) == auditor.looks(Kind.LOG_EXPORTED) == []


def test_an_empty_log_gives_no_sample(house: House) -> None:
    auditor = Auditor(house, house.signed_in(VILLE, role=Role.AUDITOR))
    assert auditor.sample().headers["location"] == "/en/audit"


def test_without_its_form_nothing_is_drawn(auditor: Auditor) -> None:
    for path in ("/en/audit/sample", "/en/audit/sample/file"):
        assert auditor.browser.post(path, data={"reason": "sample"}).status_code == 400
    assert auditor.looks(Kind.LOG_SAMPLED) == []


def test_the_first_entry_of_a_later_log_stands_for_no_event(auditor: Auditor) -> None:
    house = auditor.house
    house.clock.advance(days=60)
    again = Auditor(house, house.signed_in(VILLE))
    house.runtime.sequencer.run_once(house.clock())
    page = words_of(again.sample(count="1000").text)
    assert "No event was found here for these numbers: 0." in page
    made = document(again, count="1000")
    entries = made["entries"]
    assert entries[0]["event_id"] is None
    assert entries[0]["proof"].startswith("c2sp.org/tlog-proof@v1\nindex 0\n")


@pytest.mark.parametrize("log", ["0", "2026h2", "2026h2b"])
def test_every_log_can_be_sampled_also_one_that_was_begun_anew(auditor: Auditor, log: str) -> None:
    with auditor.house.runtime.ledger.read() as connection:
        asked = read_sample(connection, {"reason": "sample", "log": log, "size": "3"})
    assert (asked.log, asked.sample.size) == (log, 3)


@pytest.mark.parametrize("log", ["1", "2026h3", "2026h2B", "2026h2bb", "x2026h2"])
def test_what_is_no_name_of_a_log_is_told(auditor: Auditor, log: str) -> None:
    with auditor.house.runtime.ledger.read() as connection, pytest.raises(AuditQuestionError):
        read_sample(connection, {"reason": "sample", "log": log, "size": "3"})
