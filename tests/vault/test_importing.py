"""Imports: every line once, refused lines by number and reason, and on from where it stopped."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BufferedRandom
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from audit.model import SYSTEM, Event, Kind
from audit.reader import search
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from policies.ids import DatasetId
from tests.policies.test_deposit_document import CITY, OTHER, document
from tests.vault.given import AINO, NOW, VILLE, new_vault
from tests.vault.test_stated import Signer
from vault.importing import ElsewhereImportedError, Importer, Progress, ReportError
from vault.people import IDENTITY_SCHEME, find_person
from vault.stated import MAX_BYTES
from vault.store import tables, unwanted
from vault.vault import Vault

PEOPLE = (AINO, VILLE, "170269-938M")


def line(number: int = 0, **changed: Any) -> bytes:
    """A good line about one of three people; each number is another document."""
    subject = {
        "format": "national_id",
        "scheme": "urn:oid:1.2.246.21",
        "id": PEOPLE[number % len(PEOPLE)],
    }
    facts = {CITY: {"value": f"Esimerkkilä {number}"}}
    return json.dumps(document(**({"subject": subject, "facts": facts} | changed))).encode() + b"\n"


class Bench:
    """A file, its report and an importer."""

    def __init__(self, ledger: Ledger, vault: Vault, folder: Path) -> None:
        self.ledger = ledger
        self.file = folder / "register.jsonl"
        self.report = folder / "register.refused"
        self.importer = Importer(
            ledger=ledger,
            vault=vault,
            actor=SYSTEM,
            clock=lambda: NOW,
            signatures=Signer(),
            enrols=True,
            batch=2,
        )

    def write(self, *written: bytes) -> None:
        self.file.write_bytes(b"".join(written))

    def run(self, *, pieces: int | None = None) -> Progress:
        """So many pieces, or all of them."""
        with self.file.open("rb") as file, self.opened() as report:
            progress = self.importer.find(file)
            for done, after in enumerate(self.importer.run(file, report, progress), 1):
                progress = after
                if done == pieces:
                    break
        return progress

    @contextmanager
    def opened(self) -> Iterator[BufferedRandom]:
        self.report.touch()
        with self.report.open("r+b") as report:
            yield report

    def refused(self) -> list[tuple[int, str, str]]:
        heading, *rest = [json.loads(each) for each in self.report.read_text().splitlines()]
        assert set(heading) == {"import"}
        return [(each["line"], each["pointer"], each["reason"]) for each in rest]

    def count(self, table: str) -> int:
        of = tables.metadata.tables[f"vault_{table}"]
        with self.ledger.read() as connection:
            return connection.execute(select(func.count()).select_from(of)).scalar_one()


@pytest.fixture
def bench(ledger: Ledger, vault: Vault, tmp_path: Path) -> Bench:
    return Bench(ledger, vault, tmp_path)


def counts(progress: Progress) -> tuple[int, int, int, int]:
    return progress.lines, progress.kept, progress.known, progress.refused


def test_every_line_is_kept(bench: Bench) -> None:
    bench.write(*(line(number) for number in range(7)))
    progress = bench.run()
    assert counts(progress) == (7, 7, 0, 0)
    assert progress.ended_at == NOW
    assert (bench.count("deposit"), bench.count("person")) == (7, 3)
    assert bench.refused() == []
    with bench.ledger.read() as connection:
        pieces = search(connection, bench.ledger, kind=Kind.DATA_IMPORTED)
    assert len(pieces) == 4
    assert {each.get("reference") for each in pieces} == {progress.id.hex()}


@pytest.mark.parametrize("number", [0, 2, 4])
def test_a_file_of_whole_pieces_comes_to_its_end(bench: Bench, number: int) -> None:
    bench.write(*(line(each) for each in range(number)))
    progress = bench.run()
    assert (progress.lines, progress.ended_at) == (number, NOW)


def test_it_goes_on_where_it_stopped(bench: Bench) -> None:
    bench.write(*(line(number) for number in range(7)))
    assert counts(bench.run(pieces=2)) == (4, 4, 0, 0)
    assert counts(bench.run()) == (7, 7, 0, 0)
    assert bench.count("deposit") == 7


def test_a_finished_import_does_nothing_more(bench: Bench) -> None:
    bench.write(line(0))
    first = bench.run()
    assert bench.run() == first
    assert bench.count("import") == 1


def test_another_file_does_not_go_on_where_this_one_stopped(bench: Bench) -> None:
    bench.write(*(line(number) for number in range(5)))
    bench.run(pieces=2)
    bench.report.unlink()
    bench.write(*(line(number) for number in range(6)))
    progress = bench.run()
    assert counts(progress) == (6, 2, 4, 0)
    assert bench.count("deposit") == 6


def test_refused_lines_are_told_by_number_and_reason_only(bench: Bench) -> None:
    bench.importer = replace(bench.importer, enrols=False)
    bench.write(
        line(0),
        b"{\n",
        b"\n",
        line(1, dataset="no-such"),
        line(2, facts={CITY: {"value": 7}}),
        b" " * (3 * MAX_BYTES) + b"\n",
        line(0, subject={"format": "national_id", "scheme": "urn:oid:1.2.246.21", "id": "x"}),
        line(0, signature="e30..b3RoZXI"),
        line(0)[:-1],
    )
    assert counts(bench.run()) == (9, 0, 0, 9)
    assert bench.refused() == [
        (1, "#/subject/id", "unknown-person"),
        (2, "#", "not-json"),
        (3, "#", "not-json"),
        (4, "#/dataset", "unknown-dataset"),
        (5, f"#/facts/{CITY}/value", "wrong-value-type"),
        (6, "#", "too-long"),
        (7, "#/subject/id", "wrong-form"),
        (8, "#/signature", "signature-wrong"),
        (9, "#", "breaks-off"),
    ]
    report = bench.report.read_text()
    assert AINO not in report
    assert "Esimerkkil" not in report


def test_a_line_about_somebody_unknown_besides_is_refused(bench: Bench) -> None:
    bench.write(line(0))
    bench.run()
    bench.importer = replace(bench.importer, enrols=False)
    bench.report.unlink()
    bench.write(line(3, facts={CITY: {"value": "Esimerkkilä", "also_about": [OTHER]}}))
    assert counts(bench.run()) == (1, 0, 0, 1)
    assert bench.refused() == [(1, "#/facts", "unknown-other")]


def test_what_the_person_wants_no_copy_of_is_refused(bench: Bench) -> None:
    bench.write(line(0))
    bench.run()
    with begin(bench.ledger, actor=SYSTEM, now=NOW, about=EVERYONE) as uow:
        vault = bench.importer.vault
        person = find_person(uow.connection, vault, scheme=IDENTITY_SCHEME, identifier=AINO)
        assert person is not None
        event_id = uow.record(Event(kind=Kind.DATA_ERASED, subject=person))
        residence = DatasetId("residence")
        unwanted.add(uow.connection, person, residence, now=NOW, event_id=event_id)
    bench.write(line(3))
    bench.report.unlink()
    assert counts(bench.run()) == (1, 0, 0, 1)
    assert bench.refused() == [(1, "#/dataset", "not-wanted-here")]


def test_a_long_line_that_breaks_off_is_one_line(bench: Bench) -> None:
    bench.write(line(0), b"x" * (2 * MAX_BYTES))
    assert counts(bench.run()) == (2, 1, 0, 1)
    assert bench.refused() == [(2, "#", "breaks-off")]


def test_what_the_report_says_beyond_the_last_commit_is_cut_off(bench: Bench) -> None:
    bench.write(line(0), b"{\n", line(1), b"{\n", line(2))
    bench.run(pieces=1)
    with bench.report.open("ab") as report:
        report.write(b'{"line": 4, "pointer": "#", "reason": "not-json"}\n{"li')
    bench.run()
    assert [number for number, _, _ in bench.refused()] == [2, 4]


def test_a_report_begun_before_the_first_commit_is_taken_up(bench: Bench) -> None:
    bench.write(b"{\n", line(1))
    with bench.file.open("rb") as file:
        begun = bench.importer.find(file)
    heading = json.dumps({"import": begun.id.hex()}).encode() + b"\n"
    bench.report.write_bytes(heading + b'{"line": 1, "pointer": "#", "reason": "not-json"}\n')
    bench.run()
    assert bench.refused() == [(1, "#", "not-json")]


@pytest.mark.parametrize("content", [b"a letter to a friend\n", b'{"import": "00"}\n'])
def test_another_file_is_never_taken_for_the_report(bench: Bench, content: bytes) -> None:
    bench.write(line(0))
    bench.report.write_bytes(content)
    with pytest.raises(ReportError):
        bench.run()
    assert bench.report.read_bytes() == content
    assert bench.count("deposit") == 0


def test_a_report_that_lost_lines_stops_the_import(bench: Bench) -> None:
    bench.write(b"{\n", b"{\n", line(0))
    bench.run(pieces=1)
    bench.report.write_bytes(bench.report.read_bytes()[:-1])
    with pytest.raises(ReportError):
        bench.run()


@pytest.mark.parametrize("pieces", [0, 1])
def test_who_imports_the_same_file_elsewhere_stops_this_one(bench: Bench, pieces: int) -> None:
    bench.write(*(line(number) for number in range(7)))
    with bench.file.open("rb") as file, bench.opened() as report:
        stale = bench.importer.find(file)
        for _ in range(pieces):
            stale = next(bench.importer.run(file, report, stale))
        bench.run()
        with pytest.raises(ElsewhereImportedError):
            next(bench.importer.run(file, report, stale))
    assert bench.count("deposit") == 7


def test_a_piece_that_does_not_commit_leaves_nothing(bench: Bench) -> None:
    bench.write(line(0), line(1), line(2), line(0))
    bench.run(pieces=1)
    with bench.ledger.engine.begin() as connection:
        connection.execute(text("UPDATE vault_import SET position = position + 1"))
    with bench.file.open("rb") as file, bench.opened() as report:
        stale = replace(bench.importer.find(file), position=len(line(0) + line(1)))
        with pytest.raises(ElsewhereImportedError):
            next(bench.importer.run(file, report, stale))
    assert bench.count("deposit") == 2


def test_the_progress_is_found_by_no_plain_digest(bench: Bench) -> None:
    bench.write(line(0))
    elsewhere = replace(bench.importer, vault=new_vault())
    with bench.file.open("rb") as file:
        here = bench.importer.find(file)
        file.seek(0)
        assert elsewhere.find(file).id != here.id
