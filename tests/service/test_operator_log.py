"""What the operator sees of the log's signature: on the page and in the numbers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.cosignature import Ed25519Cosigner
from audit.note import split_note
from audit.proofs import latest_checkpoint
from audit.store.witnessing import CosignatureRow, insert_cosignatures
from audit.trust_policy import parse_policy
from policies.vocabulary import Role
from tests.service.house import House, open_house

WITNESS = Ed25519Cosigner("w.example", Ed25519PrivateKey.from_private_bytes(bytes(32)))
POLICY = parse_policy(f"witness W {WITNESS.vkey}\nquorum W\n".encode())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = open_house(tmp_path)
    opened.runtime.sequencer.run_once(opened.clock())
    yield opened
    opened.runtime.close()


def with_policy(house: House) -> None:
    watch = replace(house.runtime.log_watch, policy=POLICY)
    house.app.state.runtime = replace(house.runtime, log_watch=watch)


def cosign(house: House) -> None:
    with house.runtime.ledger.writer.unaccounted_transaction() as connection:
        note = latest_checkpoint(connection)
        assert note is not None
        text = split_note(note)[0]
        origin, size, _ = text.split("\n", 2)
        line = WITNESS.cosign(text, int(house.clock().timestamp()))
        name = f"w.example+{WITNESS.verifier.key_id.hex()}"
        log = origin.rpartition("/")[2]
        row = CosignatureRow(log, int(size), name, house.clock(), line.encode())
        insert_cosignatures(connection, [row])


def page_and_numbers(house: House) -> tuple[str, str]:
    browser = house.signed_in(role=Role.OPERATOR)
    return browser.get("/en/operator").text, browser.get("/metrics").text


def test_without_a_policy_nothing_is_said_of_witnesses(house: House) -> None:
    page, numbers = page_and_numbers(house)
    assert "Witnesses of the log" not in page
    assert "Signature of the log" not in page
    assert "consent_vault_log_refused 0" in numbers
    assert "consent_vault_log_witnesse" not in numbers


def test_a_quorum_that_is_missing_is_an_alarm_until_it_is_there(house: House) -> None:
    with_policy(house)
    page, numbers = page_and_numbers(house)
    assert "0 have signed, 1 are missing" in page
    assert "consent_vault_log_witnessed 0" in numbers
    cosign(house)
    page, numbers = page_and_numbers(house)
    assert "1 have signed, 0 are missing" in page
    assert "consent_vault_log_witnessed 1" in numbers
    assert "consent_vault_log_witnesses 1" in numbers
    house.clock.advance(seconds=timedelta(hours=2).total_seconds() + 1)
    assert "consent_vault_log_witnessed 0" in house.visitor().get("/metrics").text


def test_a_log_that_is_not_signed_is_an_alarm(house: House) -> None:
    copy = house.runtime.settings.data_folder / "log-checkpoint"
    copy.write_bytes(b"nothing")
    page, numbers = page_and_numbers(house)
    assert "Nothing is signed" in page
    assert "consent_vault_log_refused 1" in numbers
