"""The state of the log on top of the page: verified how far, and red with the first bad entry."""

import re
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from sqlalchemy import text

from audit.cosignature import MlDsaCosigner
from audit.health import LogChecker
from audit.log_signers import LogSigners
from audit.model import SYSTEM, Kind
from audit.note import split_note
from audit.proofs import latest_checkpoint, log_state
from audit.store.witnessing import CosignatureRow, insert_cosignatures
from audit.timestamping import Stamped, keep
from audit.trust_policy import parse_policy
from connectors.timestamping import TimestampClient
from policies.vocabulary import Role
from service.completeness import check_installation
from service.timestamping import Asked, TimestampJob
from tests.service.auditor.asking import Auditor
from tests.service.house import VILLE, House, form_of, words_of
from tests.unguarded import unguard


def page(auditor: Auditor) -> str:
    return words_of(auditor.browser.get("/en/audit").text)


def size(house: House) -> int:
    with house.runtime.ledger.read() as connection:
        return log_state(connection).size


def damage(house: House, number: int) -> None:
    with house.runtime.ledger.engine.begin() as connection:
        unguard(connection, "audit_event")
        change = text("UPDATE audit_event SET digests = :other WHERE number = :number")
        connection.execute(change, {"other": bytes(768), "number": number})


def test_before_the_first_entry_is_signed_the_page_says_so(house: House) -> None:
    words = words_of(house.signed_in(VILLE, role=Role.AUDITOR).get("/en/audit").text)
    assert "Entries signed 0 Root None yet Verified Not read again yet" in words


def test_until_the_checker_has_read_it_nothing_is_called_verified(auditor: Auditor) -> None:
    words = page(auditor)
    assert "Name of the log vault.example.fi/audit/2026h2" in words
    assert re.search(r"Entries signed \d+, 24/11/2026 11\.00 Root [0-9a-f]{64}", words)
    assert "Verified Not read again yet" in words


def test_what_was_read_again_is_verified_with_number_and_time(auditor: Auditor) -> None:
    assert auditor.house.runtime.log_check.run_once(auditor.house.clock())
    signed = size(auditor.house)
    words = page(auditor)
    assert f"Verified Up to entry {signed}, 24/11/2026 11.00 Entries, tree and signature" in words
    assert f"0 of {signed} in this round. Last whole round: 24/11/2026 11.00" in words
    auditor.house.runtime.sequencer.run_once(auditor.house.clock())
    assert "The newest are read in a moment" in page(auditor)


def test_a_changed_event_is_told_in_red_with_its_entry_and_row(auditor: Auditor) -> None:
    damage(auditor.house, 7)
    assert not auditor.house.runtime.log_check.run_once(auditor.house.clock())
    words = page(auditor)
    assert "The log is broken First bad entry: number 6 in the log 2026h2." in words
    assert "Row 7 of the table audit_event. The event was changed after it was written." in words
    assert "Verified Up to entry 6, 24/11/2026 11.00 Broken" in words
    assert "Entries, tree and signature agree" not in words


def test_the_button_reads_again_what_was_good_before(auditor: Auditor) -> None:
    for _ in range(2):
        auditor.house.runtime.log_check.run_once(auditor.house.clock())
    damage(auditor.house, 7)
    assert "The log is broken" not in page(auditor)
    form = form_of(auditor.browser.get("/en/audit").text, "/en/audit/check")
    answer = auditor.browser.post("/en/audit/check", data=form)
    assert answer.headers["location"] == "/en/audit"
    assert "First bad entry: number 6" in page(auditor)
    (event,) = auditor.looks(Kind.LOG_REREAD)
    assert event.get("actor") == f"person:{auditor.house.person(VILLE)}"


def test_the_button_needs_its_form(auditor: Auditor) -> None:
    assert auditor.browser.post("/en/audit/check").status_code == 400
    assert auditor.looks(Kind.LOG_REREAD) == []


def test_a_checkpoint_that_our_key_did_not_sign_is_told_in_red(auditor: Auditor) -> None:
    runtime = auditor.house.runtime
    stranger = LogSigners(runtime.settings.log_origin, [Ed25519PrivateKey.generate()])
    LogChecker(runtime.ledger, stranger).run_once(auditor.house.clock())
    assert "The newest signature is not one of this log's keys." in page(auditor)


def test_what_waits_is_told_with_the_oldest(auditor: Auditor) -> None:
    waiting = r"Waiting for a place \d+ \(the oldest since 24/11/2026 11\.00\)"
    assert re.search(waiting, page(auditor))


def test_logs_of_earlier_half_years_are_listed(auditor: Auditor) -> None:
    house = auditor.house
    house.clock.advance(days=60)
    house.app.state.runtime = replace(house.runtime)
    again = Auditor(house, house.signed_in(VILLE))
    house.runtime.sequencer.run_once(house.clock())
    house.runtime.log_check.run_once(house.clock())
    words = page(again)
    assert "Name of the log vault.example.fi/audit/2027h1" in words
    assert re.search(r"Logs of earlier half-years 2026h2 \(up to entry \d+\)", words)


def test_without_witnesses_and_stamps_the_page_says_so_plainly(auditor: Auditor) -> None:
    words = page(auditor)
    assert "No witnesses are configured. Nobody outside confirms this log." in words
    assert "Last time stamp from outside None yet Completeness Not checked yet" in words


def test_the_last_check_for_completeness_is_told(auditor: Auditor) -> None:
    runtime = auditor.house.runtime
    check_installation(runtime.ledger, actor=SYSTEM, now=auditor.house.clock())
    assert re.search(r"Completeness 24/11/2026 11\.00 : \w+ is missing", page(auditor))
    state = auditor.browser.get("/api/v1/audit/state").json()
    assert state["completeness"]["at"] == "2026-11-24T09:00:00Z"


def test_a_check_that_is_too_old_is_late(auditor: Auditor) -> None:
    house = auditor.house
    check_installation(house.runtime.ledger, actor=SYSTEM, now=house.clock())
    assert "is missing Late" not in page(auditor)
    house.clock.advance(hours=37)
    assert "is missing Late" in page(Auditor(house, house.signed_in(VILLE)))


def test_a_time_stamp_that_should_be_there_is_late(auditor: Auditor) -> None:
    house = auditor.house
    asked = Asked(TimestampClient("dvv", "https://tsa.example/"))
    job = TimestampJob(house.runtime.ledger, [asked], [], signs=lambda: True)
    house.app.state.runtime = replace(house.runtime, timestamp_job=job)
    assert "from outside None yet Completeness" in page(auditor)
    assert auditor.browser.get("/api/v1/audit/state").json()["time_stamp_late"] is False
    house.clock.advance(hours=2)
    again = Auditor(house, house.signed_in(VILLE))
    assert "from outside None yet Late" in page(again)
    assert again.browser.get("/api/v1/audit/state").json()["time_stamp_late"] is True


def test_the_last_time_stamp_is_told(auditor: Auditor) -> None:
    runtime = auditor.house.runtime
    at = auditor.house.clock()
    keep(runtime.ledger, Stamped("2026h2", size(auditor.house), "dvv", at), b"a token")
    assert re.search(
        r"Last time stamp from outside 24/11/2026 11\.00 , dvv, up to entry \d+", page(auditor)
    )
    stamp = auditor.browser.get("/api/v1/audit/state").json()["time_stamp"]
    assert (stamp["authority"], stamp["at"]) == ("dvv", "2026-11-24T09:00:00Z")


WITNESS = MlDsaCosigner("witness.example/w1", MLDSA44PrivateKey.from_seed_bytes(bytes(32)))
SLOW = MlDsaCosigner("witness.example/w2", MLDSA44PrivateKey.from_seed_bytes(bytes([1]) * 32))


def watched(auditor: Auditor, quorum: str) -> None:
    """Two witnesses are configured, and the first has cosigned the newest checkpoint."""
    runtime = auditor.house.runtime
    lines = [
        *(f"log {vkey}" for vkey in runtime.log_signers.vkeys("2026h2")),
        f"witness one {WITNESS.verifier.vkey}",
        f"witness two {SLOW.verifier.vkey}",
        f"group both {quorum} one two",
        "quorum both",
    ]
    policy = parse_policy("\n".join([*lines, ""]).encode())
    auditor.house.app.state.runtime = replace(
        runtime, log_watch=replace(runtime.log_watch, policy=policy)
    )
    with runtime.ledger.read() as connection:
        note = latest_checkpoint(connection)
        signed = log_state(connection).size
    assert note is not None
    at = auditor.house.clock()
    line = WITNESS.cosign(split_note(note)[0], int(at.timestamp())).encode()
    name = f"{WITNESS.verifier.name}+{WITNESS.verifier.key_id.hex()}"
    with runtime.ledger.engine.begin() as connection:
        insert_cosignatures(connection, [CosignatureRow("2026h2", signed, name, at, line)])


def test_witnesses_are_told_with_what_they_have_confirmed_and_when(auditor: Auditor) -> None:
    watched(auditor, "any")
    words = page(auditor)
    signed = size(auditor.house)
    assert f"Confirmed up to entry {signed} by as many as needed, 24/11/2026 11.00" in words
    assert "one , 24/11/2026 11.00" in words
    assert "two , has not confirmed" in words
    witnesses = auditor.browser.get("/api/v1/audit/state").json()["witnesses"]
    assert witnesses["cosigned_size"] == signed
    assert witnesses["missing"] == ["two"]


def test_a_quorum_that_was_never_reached_is_told_in_red(auditor: Auditor) -> None:
    watched(auditor, "all")
    words = page(auditor)
    assert "Not yet confirmed by as many as needed Late" in words
