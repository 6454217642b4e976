"""The check of a line: proven, waiting, changed, erased; hers only; and the same answer offline."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.cosignature import Ed25519Cosigner
from audit.note import split_note
from audit.proofs import checkpoints, current_log
from audit.store.witnessing import CosignatureRow, insert_cosignatures
from audit.timestamping import Stamped, keep
from audit.trust_policy import parse_policy
from policies.ids import EventId, new_uuid
from policies.vocabulary import Language
from service.app import create_app
from service.cli.main import main
from tests.service.citizen.changed import change, cut, erase, released, sequence
from tests.service.house import VILLE, House, words_of

WITNESS = Ed25519Cosigner("w.example", Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32))
PLACED = "This line is proven"
WAITS = "Not yet placed: try again in a minute"
LATE = "This line should have its place by now"
RED = "This line is not proven"


@pytest.fixture
def line(each_house: House) -> EventId:
    """Something that was fetched, with its place in the log."""
    event_id = released(each_house, each_house.person())
    sequence(each_house)
    return event_id


def page(house: House, event_id: EventId, language: str = "en") -> str:
    answer = house.signed_in().get(f"/{language}/log/{event_id}")
    assert answer.status_code == 200, answer.text
    return words_of(answer.text)


def test_a_proven_line_says_place_signature_and_what_to_do(
    each_house: House, line: EventId
) -> None:
    words = page(each_house, line)
    assert PLACED in words
    assert re.search(r"Place \d+ in a tree of \d+ lines", words)
    assert "Signed 24/11/2026 11.00" in words
    assert "For: Financial and debt counselling" in words
    assert "This service has no witnesses outside yet." in words
    assert "Office of the Data Protection Ombudsman" in words


@pytest.mark.parametrize("language", list(Language))
def test_the_title_and_the_address_tell_nothing_of_the_person(
    each_house: House, line: EventId, language: Language
) -> None:
    html = each_house.signed_in().get(f"/{language}/log/{line}").text
    title = re.search(r"<title>(.*?)</title>", html, re.DOTALL)
    assert title is not None
    assert str(line) not in title[1]
    assert str(each_house.person()) not in html


def test_a_line_that_waits_can_be_tried_again(each_house: House) -> None:
    event_id = released(each_house, each_house.person())
    assert WAITS in page(each_house, event_id)
    each_house.clock.advance(minutes=11)
    assert LATE in page(each_house, event_id)
    sequence(each_house)
    assert PLACED in page(each_house, event_id)


@pytest.mark.parametrize("what", ["", "/proof.json", "/entry.txt"])
def test_a_line_about_another_is_answered_like_one_that_there_is_not(
    each_house: House, line: EventId, what: str
) -> None:
    browser = each_house.signed_in(VILLE)
    theirs, none = (browser.get(f"/en/log/{each}{what}") for each in (line, EventId(new_uuid())))
    assert theirs.status_code == none.status_code == 404
    assert re.sub(r"[0-9a-f-]{36}", "", theirs.text) == re.sub(r"[0-9a-f-]{36}", "", none.text)


@pytest.mark.parametrize("what", ["/proof.json", "/entry.txt"])
def test_a_line_that_waits_has_no_file(each_house: House, what: str) -> None:
    event_id = released(each_house, each_house.person())
    assert each_house.signed_in().get(f"/en/log/{event_id}{what}").status_code == 404


def test_an_erased_line_is_proven_all_the_same(each_house: House, line: EventId) -> None:
    erase(each_house, each_house.person())
    words = page(each_house, line)
    assert PLACED in words
    assert "Details erased" in words
    assert "Financial" not in words


def test_a_cut_line_is_red_on_its_page_and_named_in_the_list(
    each_house: House, line: EventId
) -> None:
    cut(each_house, line)
    assert RED in page(each_house, line)
    browser = each_house.signed_in()
    words = words_of(browser.get("/en/log").text)
    assert "One line on this page is not what was written." in words
    assert "This line was changed" in words
    assert browser.get("/en/").status_code == 200


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("audit_leaf", "UPDATE audit_leaf SET leaf_hash = substr(leaf_hash, 2)"),
        ("audit_leaf", 'UPDATE audit_leaf SET "index" = 0 - "index"'),
        ("audit_leaf", 'DELETE FROM audit_leaf WHERE "index" = 0'),
        ("audit_checkpoint", "UPDATE audit_checkpoint SET note = substr(note, 2)"),
        ("audit_checkpoint", "UPDATE audit_checkpoint SET size = size - 1"),
        ("audit_checkpoint", "DELETE FROM audit_checkpoint"),
    ],
    ids=["leaf", "index", "gap", "note", "size", "no checkpoint"],
)
def test_whatever_of_the_tree_was_changed_the_page_is_red(
    each_house: House, line: EventId, table: str, statement: str
) -> None:
    change(each_house, table, statement)
    assert RED in page(each_house, line)


def test_the_file_of_a_line_is_checked_offline_by_the_command_on_the_page(
    each_house: House, line: EventId, tmp_path: Path
) -> None:
    browser = each_house.signed_in()
    html = browser.get(f"/en/log/{line}").text
    vkey = re.search(r"--vkey &#39;([^&]+)&#39;", html)
    assert vkey is not None
    (tmp_path / "proof.json").write_bytes(browser.get(f"/en/log/{line}/proof.json").content)
    (tmp_path / "p.tlog-proof").write_bytes(browser.get(f"/audit/proof/{line}").content)
    (tmp_path / "entry.txt").write_bytes(browser.get(f"/en/log/{line}/entry.txt").content)
    for typed in (
        ["proof.json"],
        ["p.tlog-proof", "--entry", "entry.txt"],
    ):
        files = [each if each.startswith("--") else str(tmp_path / each) for each in typed]
        result = CliRunner().invoke(main, ["audit", "verify", *files, "--vkey", vkey[1]])
        assert result.exit_code == 0, result.output
    told = json.loads((tmp_path / "proof.json").read_text())
    spoiled = {**told, "disclosures": told["disclosures"][1:] + told["disclosures"][:1] * 2}
    (tmp_path / "proof.json").write_text(json.dumps(spoiled))
    result = CliRunner().invoke(
        main, ["audit", "verify", str(tmp_path / "proof.json"), "--vkey", vkey[1]]
    )
    assert result.exit_code == 1


def test_the_file_opens_her_own_part_only(each_house: House, line: EventId) -> None:
    told = each_house.signed_in().get(f"/en/log/{line}/proof.json").json()
    assert told["format"] == "consent-vault/event-proof/v1"
    assert len(told["disclosures"]) < len(told["digests"])


def test_the_page_names_the_witnesses_and_when_they_cosigned(
    each_house: House, line: EventId
) -> None:
    policy = parse_policy(f"witness W {WITNESS.vkey}\nquorum W\n".encode())
    watch = replace(each_house.runtime.log_watch, policy=policy)
    runtime = replace(each_house.runtime, log_watch=watch)
    house = House(runtime, create_app(runtime), each_house.clock, each_house.provider, {})
    words = page(house, line)
    assert "No witness has signed this tree yet." in words
    assert "So far only we have signed that log" in words
    assert "Nobody has changed it since" not in words
    at = house.clock()
    with runtime.ledger.engine.begin() as connection:
        log = current_log(connection) or ""
        for each in checkpoints(connection, log, after=0, limit=9):
            cosigned = WITNESS.cosign(split_note(each.note)[0], int(at.timestamp())).encode()
            insert_cosignatures(
                connection, [CosignatureRow(log, each.size, WITNESS.vkey, at, cosigned)]
            )
    words = page(house, line)
    assert "W, 24/11/2026 11.00" in words
    assert "Nobody has changed it since, we included." in words
    assert PLACED in words


def test_the_page_tells_the_first_stamp_on_a_tree_that_has_the_line(
    each_house: House, line: EventId
) -> None:
    assert "No clock outside has stamped a tree with this line yet." in page(each_house, line)
    with each_house.runtime.ledger.read() as connection:
        log = current_log(connection) or ""
        size = checkpoints(connection, log, after=0, limit=1)[0].size
    for minute, stamped in enumerate((size - 1, size, size + 1)):
        at = each_house.clock() + timedelta(minutes=minute)
        keep(each_house.runtime.ledger, Stamped(log, stamped, "TSA", at), b"token")
    assert "TSA, 24/11/2026 11.01" in page(each_house, line)


def test_a_cosignature_that_is_wrong_is_red(each_house: House, line: EventId) -> None:
    policy = parse_policy(f"witness W {WITNESS.vkey}\nquorum W\n".encode())
    watch = replace(each_house.runtime.log_watch, policy=policy)
    runtime = replace(each_house.runtime, log_watch=watch)
    house = House(runtime, create_app(runtime), each_house.clock, each_house.provider, {})
    with runtime.ledger.engine.begin() as connection:
        log = current_log(connection) or ""
        (found,) = checkpoints(connection, log, after=0, limit=9)
        other = split_note(found.note)[0].replace(f"\n{found.size}\n", f"\n{found.size + 1}\n")
        wrong = WITNESS.cosign(other, int(house.clock().timestamp())).encode()
        insert_cosignatures(
            connection, [CosignatureRow(log, found.size, WITNESS.vkey, house.clock(), wrong)]
        )
    assert RED in page(house, line)
