"""A promise says one thing in one form, is believed by the log's keys only, and can be broken."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint, CheckpointError
from audit.log_signers import LogSigners
from audit.note import NoteError, NoteSigner, NoteVerifier, open_note, split_note
from audit.promise import (
    Promise,
    PromiseError,
    PromiseSigner,
    from_header,
    open_promise,
    to_header,
)
from tests.audit.sample import LOG_NAME, NOW, signers

EVENT = UUID("0f8c2f2e-6c1b-4a44-9f0a-0000000000e1")
COMMITMENT = bytes(range(32))
PROMISE = Promise(LOG_NAME, EVENT, COMMITMENT, NOW)
TEXT = (
    "consent-vault/event-promise/v1\n"
    "vault.example/log\n"
    "0f8c2f2e-6c1b-4a44-9f0a-0000000000e1\n"
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    "2026-11-24T09:00:00.000000+00:00\n"
)
BASE = NoteSigner(LOG_NAME, Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
NOTE = PromiseSigner([BASE]).sign(EVENT, COMMITMENT, NOW)
KEYS = [BASE.verifier]


def test_the_form_is_as_it_is_described() -> None:
    assert str(PROMISE) == TEXT
    assert Promise.parse(TEXT) == PROMISE


def test_the_note_is_signed_under_the_bare_name_of_the_log() -> None:
    text, signatures = split_note(NOTE)
    assert text == TEXT
    assert [name for name, _, _ in signatures] == [LOG_NAME]
    assert open_note(NOTE, KEYS) == TEXT
    assert open_promise(NOTE, KEYS) == PROMISE


def test_the_signature_is_over_the_text_as_it_stands() -> None:
    line = NOTE.decode().splitlines()[-1]
    assert line.startswith("\N{EM DASH} vault.example/log ")
    signed = base64.b64decode(line.rpartition(" ")[2])
    assert len(signed) == 4 + 64
    key = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32).public_key()
    key.verify(signed[4:], TEXT.encode())


def test_the_keys_of_a_log_open_its_promises_by_each_of_their_names() -> None:
    log = signers()
    note = PromiseSigner(log.base_signers).sign(EVENT, COMMITMENT, NOW)
    assert open_promise(note, [each.verifier for each in log.base_signers]) == PROMISE
    for half_year in ("0", "2026h2", "2027h1"):
        assert open_promise(note, log.verifiers(half_year)) == PROMISE


def test_while_keys_change_either_of_them_opens_a_promise() -> None:
    old, new = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (3, 4))
    log = LogSigners(LOG_NAME, [new, old])
    note = PromiseSigner(log.base_signers).sign(EVENT, COMMITMENT, NOW)
    for key in (old, new):
        assert open_promise(note, [NoteVerifier.of(LOG_NAME, key.public_key())]) == PROMISE


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT[:-1],
        TEXT + "\n",
        TEXT.replace("v1", "v2"),
        TEXT.replace("vault.example/log", ""),
        TEXT.replace("0f8c2f2e", "0F8C2F2E"),
        TEXT.replace("0f8c2f2e-", "0f8c2f2e"),
        TEXT.replace("0f8c2f2e", "nothing"),
        TEXT.replace("Hh8=", "Hh8"),
        TEXT.replace("Hh8=", "Hh9="),
        TEXT.replace("AAEC", ""),
        TEXT.replace("AAEC", "!!!!"),
        TEXT.replace("+00:00", "Z"),
        TEXT.replace("+00:00", ""),
        TEXT.replace("+00:00", "+02:00"),
        TEXT.replace(".000000", ""),
        TEXT.replace("T", " "),
        TEXT.replace("2026-11-24", "2026-13-24"),
        TEXT.replace("\n", "\r\n"),
    ],
)
def test_another_form_is_no_promise(text: str) -> None:
    with pytest.raises(PromiseError):
        Promise.parse(text)


def test_a_time_of_another_zone_is_refused_although_it_is_written_in_full() -> None:
    elsewhere = replace(PROMISE, at=NOW.astimezone(timezone(timedelta(hours=2))))
    with pytest.raises(PromiseError, match="UTC"):
        Promise.parse(str(elsewhere))


def test_a_checkpoint_is_no_promise_and_a_promise_no_checkpoint() -> None:
    """They are signed by one key, so neither may ever pass for the other."""
    with pytest.raises(PromiseError):
        Promise.parse(str(Checkpoint(LOG_NAME, 1, bytes(32))))
    with pytest.raises(CheckpointError):
        Checkpoint.parse(TEXT)


@pytest.mark.parametrize(
    "key",
    [
        NoteSigner(LOG_NAME, Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)).verifier,
        NoteSigner(
            "other.example/log", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
        ).verifier,
        NoteSigner(f"{LOG_NAME}/x", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)).verifier,
    ],
)
def test_a_key_of_another_log_opens_nothing(key: NoteVerifier) -> None:
    with pytest.raises(NoteError):
        open_promise(NOTE, [key])
    with pytest.raises(NoteError):
        open_promise(NOTE, [])


@given(st.integers(0, len(NOTE) - 1), st.integers(1, 255))
def test_a_changed_byte_opens_nothing(place: int, change: int) -> None:
    changed = bytearray(NOTE)
    changed[place] ^= change
    with pytest.raises((PromiseError, NoteError)):
        open_promise(bytes(changed), KEYS)


def test_a_promise_is_due_after_the_merge_delay() -> None:
    assert PROMISE.due == NOW + timedelta(seconds=60)


@given(st.binary(max_size=600))
def test_a_header_gives_the_note_back(note: bytes) -> None:
    assert from_header(to_header(note)) == note


@pytest.mark.parametrize("value", ["A", "QQ==", "Q Q", "QR", "é", "+/", "A" * 9000])
def test_a_header_in_another_form_is_refused(value: str) -> None:
    with pytest.raises(PromiseError):
        from_header(value)


def test_the_header_holds_no_character_that_a_header_may_not() -> None:
    value = to_header(NOTE)
    assert value.isascii()
    assert value.replace("-", "").replace("_", "").isalnum()
    assert len(value) < 512
    assert datetime.fromisoformat(str(open_promise(from_header(value), KEYS).at)).tzinfo == UTC
