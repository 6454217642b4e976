"""The state of the log on top of the page: verified how far, and red with the first bad entry."""

import re
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from audit.health import LogChecker
from audit.log_signers import LogSigners
from audit.proofs import log_state
from policies.vocabulary import Role
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


def test_the_button_needs_its_form(auditor: Auditor) -> None:
    assert auditor.browser.post("/en/audit/check").status_code == 400


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
