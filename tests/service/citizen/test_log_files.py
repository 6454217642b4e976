"""The log as a file: the same words, all lines however many, safe to open, recorded before."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from starlette.testclient import TestClient

from audit.model import SYSTEM, Event, Kind
from audit.unit_of_work import begin
from consent.purposes import register_purpose
from policies.ids import PurposeId
from policies.text import Text
from policies.vocabulary import Language
from service.citizen.log_json import SCHEMA, joined
from service.citizen.own_log import PIECE
from service.spreadsheet import cell
from tests.service.citizen.changed import cut, erase, released, sequence
from tests.service.house import VILLE, House

TRACKER = json.loads(
    (Path(__file__).parents[2] / "vectors" / "data-tracker.json").read_text(encoding="utf-8")
)
FOUND = {"$ref": "#/components/schemas/FindUsageResponse", "components": TRACKER["components"]}
"""The published schema of an answer of findUsage."""
FILES = ["log.csv", "log.json", "log.tracker.json"]


def rows_of(browser: TestClient, language: str = "fi") -> list[dict[str, str]]:
    answer = browser.get(f"/{language}/log.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def document_of(browser: TestClient, language: str = "fi") -> dict[str, Any]:
    answer = browser.get(f"/{language}/log.json")
    assert answer.headers["content-type"] == "application/json"
    document: dict[str, Any] = answer.json()
    jsonschema_rs.validator_for(SCHEMA, validate_formats=True).validate(document)
    return document


def many(house: House, number: int) -> None:
    person = house.person()
    with begin(house.runtime.ledger, actor=SYSTEM, now=house.clock()) as uow:
        for _ in range(number):
            uow.record(Event(kind=Kind.DATA_RELEASED, subject=person, reason="law-allows"))


def test_a_table_says_what_the_page_says(each_house: House) -> None:
    event_id = released(each_house, each_house.person())
    sequence(each_house)
    (row,) = [r for r in rows_of(each_house.signed_in()) if r["kind"] == "data.released"]
    assert row["who"] == "Esimerkkilän talous- ja velkaneuvonta"
    assert row["ground"] == "suostumuksesi"
    assert row["attributes"] == "Kuukausipalkka ennen veroja"
    assert row["case"] == "2026/17"
    assert (row["state"], row["refused"], row["event_id"]) == ("readable", "no", str(event_id))
    assert row["check_at"] == f"https://vault.example.fi/fi/log/{event_id}"
    assert row["index"].isdigit()


@pytest.mark.parametrize("language", list(Language))
def test_the_document_has_words_fields_place_and_proof(
    each_house: House, language: Language
) -> None:
    event_id = released(each_house, each_house.person())
    sequence(each_house)
    browser = each_house.signed_in()
    document = document_of(browser, language)
    (told,) = [each for each in document["entries"] if each["event_id"] == str(event_id)]
    assert document["language"] == language
    assert told["words"]["event"]
    assert told["fields"]["purpose"] == "debt-advice"
    assert told["place"]["log"] == "2026h2"
    assert browser.get(told["proof"]).json()["event_id"] == str(event_id)


def test_no_word_of_a_line_is_a_code(each_house: House) -> None:
    released(each_house, each_house.person())
    for language in Language:
        for told in document_of(each_house.signed_in(language=language), language)["entries"]:
            words = [word for word in told["words"].values() if isinstance(word, str)]
            assert told["words"]["event"]
            assert told["fields"]["kind"] not in words
            assert told["fields"].get("reason", "-") not in words


@pytest.mark.parametrize("file", FILES)
def test_taking_the_log_out_is_written_before_it_leaves(each_house: House, file: str) -> None:
    browser = each_house.signed_in()
    browser.get(f"/en/{file}")
    newest = document_of(browser)["entries"][:2]
    assert [each["fields"]["kind"] for each in newest] == ["log.exported"] * 2
    assert newest[0]["words"]["reason"] == "Veit oman lokisi tiedostoon tai haettavaksi ohjelmalla."


@pytest.mark.parametrize("file", FILES)
def test_where_the_event_cannot_be_written_nothing_leaves(house: House, file: str) -> None:
    browser = house.signed_in()
    with house.runtime.ledger.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER planted BEFORE INSERT ON audit_event"
            " BEGIN SELECT RAISE(ABORT, 'planted fault'); END"
        )
    answer = browser.get(f"/en/{file}")
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/html")


def test_a_long_log_is_whole_in_each_file_and_sent_in_pieces(house: House) -> None:
    many(house, 2 * PIECE + 1)
    browser = house.signed_in()
    assert sum(row["kind"] == "data.released" for row in rows_of(browser)) == 2 * PIECE + 1
    document = document_of(browser)
    ids = [each["event_id"] for each in document["entries"]]
    assert len(ids) == len(set(ids)) > 2 * PIECE + 1
    with browser.stream("GET", "/en/log.tracker.json") as answer:
        assert "content-length" not in answer.headers
        usages = json.loads(answer.read())
    assert usages["totalUsages"] == len(usages["usages"])
    assert usages["totalUsages"] > 2 * PIECE


@pytest.mark.parametrize("file", FILES)
def test_a_log_that_cannot_be_read_is_an_answer_and_no_half_file(house: House, file: str) -> None:
    browser = house.signed_in()
    with house.runtime.ledger.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE audit_leaf")
    answer = browser.get(f"/en/{file}")
    assert answer.status_code == 500
    assert "content-disposition" not in answer.headers


def test_a_log_of_exactly_one_piece_is_whole(house: House) -> None:
    browser = house.signed_in()
    there = len(document_of(browser)["entries"])
    many(house, PIECE - there - 1)
    assert len(document_of(browser)["entries"]) == PIECE
    assert len(document_of(browser)["entries"]) == PIECE + 1


def test_nobody_takes_out_the_log_of_another(each_house: House) -> None:
    hers = released(each_house, each_house.person())
    browser = each_house.signed_in(VILLE)
    for file in FILES:
        text = browser.get(f"/en/{file}").text
        assert str(hers) not in text
        assert "debt" not in text.lower()


def test_an_erased_line_and_a_changed_one_are_told_as_such(each_house: House) -> None:
    person = each_house.person()
    changed = released(each_house, person)
    sequence(each_house)
    cut(each_house, changed)
    browser = each_house.signed_in()
    rows = {row["event_id"]: row for row in rows_of(browser, "en")}
    assert rows[str(changed)]["state"] == "damaged"
    assert rows[str(changed)]["event"] == "This line was changed"
    erase(each_house, person)
    later = document_of(browser)["entries"]
    assert {each["state"] for each in later} == {"readable", "erased", "damaged"}
    assert all(not each["fields"] for each in later if each["state"] != "readable")
    usages = browser.get("/en/log.tracker.json").json()
    jsonschema_rs.validator_for(FOUND, validate_formats=True).validate(usages)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Kela", "2026/17", "1-1", "a=b", " =1"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert cell(text) == text


def test_a_purpose_that_is_named_like_a_formula_comes_as_text(each_house: House) -> None:
    runtime = each_house.runtime
    declared = runtime.catalogue.purpose(PurposeId("debt-advice"))
    name = Text(fi="=HYPERLINK(1)", sv="=HYPERLINK(1)", en="=HYPERLINK(1)")
    with begin(runtime.ledger, actor=SYSTEM, now=datetime(2026, 11, 24, tzinfo=UTC)) as uow:
        register_purpose(
            uow, replace(declared, version=declared.version + 1, name=name), runtime.catalogue
        )
    released(each_house, each_house.person())
    named = [row["what_for"] for row in rows_of(each_house.signed_in()) if row["what_for"]]
    assert named == ["'=HYPERLINK(1)"]


def test_an_empty_piece_puts_no_comma_anywhere() -> None:
    parts = "".join(joined([[], [{"a": 1}], [], [{"a": 2}, {"a": 3}]]))
    assert json.loads(f"[{parts}]") == [{"a": 1}, {"a": 2}, {"a": 3}]
    assert json.loads(f"[{''.join(joined([]))}]") == []
