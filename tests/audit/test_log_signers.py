"""The log's keys: every one signs, a known one suffices, a wrong line by a known one refuses."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit.checkpoint import CheckpointError, open_checkpoint
from audit.cosignature import cosigned_at, parse_vkey
from audit.log_signers import LogSigners
from audit.note import NoteError, open_note, sign_note, verified_lines

BASE = "vault.example/audit"
LOG = "2026h2"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ROOT = base64.b64encode(bytes(32)).decode()
TEXT = f"{BASE}/{LOG}\n7\n{ROOT}\n"


def ed25519(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def ml_dsa(seed: int) -> MLDSA44PrivateKey:
    return MLDSA44PrivateKey.from_seed_bytes(bytes([seed]) * 32)


OLD = LogSigners(BASE, [ed25519(1)], [ml_dsa(1)])
BOTH = LogSigners(BASE, [ed25519(2), ed25519(1)], [ml_dsa(2), ml_dsa(1)])
NEW = LogSigners(
    BASE,
    [ed25519(2)],
    [ml_dsa(2)],
    retired=[ed25519(1).public_key(), ml_dsa(1).public_key()],
)


def test_a_checkpoint_has_a_line_by_each_key_with_the_origin_as_its_name() -> None:
    _, lines = verified_lines(BOTH.sign(LOG, TEXT, NOW), BOTH.verifiers(LOG))
    assert [line.verifier.vkey for line in lines] == list(BOTH.vkeys(LOG))
    assert {line.verifier.name for line in lines} == {f"{BASE}/{LOG}"}
    times = [cosigned_at(line.verifier, line.signature) for line in lines]
    assert times == [None, None, int(NOW.timestamp()), int(NOW.timestamp())]


@pytest.mark.parametrize("vkey", BOTH.vkeys(LOG))
def test_during_a_rotation_any_one_key_verifies(vkey: str) -> None:
    note = BOTH.sign(LOG, TEXT, NOW)
    assert open_checkpoint(note, [parse_vkey(vkey)], origin=f"{BASE}/{LOG}").size == 7


@pytest.mark.parametrize("signers", [OLD, BOTH, NEW], ids=["before", "during", "after"])
def test_after_a_rotation_checkpoints_of_every_time_verify(signers: LogSigners) -> None:
    assert open_note(signers.sign(LOG, TEXT, NOW), NEW.verifiers(LOG)) == TEXT


def test_an_old_key_does_not_verify_what_was_signed_after_it_was_retired() -> None:
    with pytest.raises(NoteError, match="known key"):
        open_note(NEW.sign(LOG, TEXT, NOW), OLD.verifiers(LOG))


def test_retired_keys_are_named_apart_and_sign_nothing() -> None:
    assert NEW.retired_vkeys(LOG) == OLD.vkeys(LOG)
    assert not set(NEW.vkeys(LOG)) & set(NEW.retired_vkeys(LOG))
    assert NEW.sign(LOG, TEXT, NOW).count("\N{EM DASH}".encode()) == 2


def test_a_wrong_line_by_one_known_key_refuses_the_checkpoint() -> None:
    other = BOTH.sign(LOG, TEXT.replace("\n7\n", "\n8\n"), NOW).decode().splitlines(keepends=True)
    note = OLD.sign(LOG, TEXT, NOW) + other[4].encode()
    assert open_note(note, OLD.verifiers(LOG)) == TEXT
    with pytest.raises(NoteError, match="is wrong"):
        open_note(note, BOTH.verifiers(LOG))


@pytest.mark.parametrize(
    "text", [TEXT.replace(LOG, "2027h1"), TEXT.replace(f"/{LOG}", ""), "hello\n", TEXT + "more\n"]
)
def test_nothing_is_signed_but_a_checkpoint_of_the_log_that_is_named(text: str) -> None:
    with pytest.raises(CheckpointError):
        OLD.sign(LOG, text, NOW)


def test_the_keys_of_one_log_do_not_verify_the_next_one() -> None:
    note = OLD.sign("2027h1", TEXT.replace(LOG, "2027h1"), NOW)
    with pytest.raises(NoteError, match="known key"):
        open_note(note, OLD.verifiers(LOG))


def test_what_belongs_to_no_log_is_signed_under_the_base_name() -> None:
    note = sign_note("promise\n", BOTH.base_signers)
    verifiers = [signer.verifier for signer in BOTH.base_signers]
    assert {verifier.name for verifier in verifiers} == {BASE}
    assert open_note(note, verifiers) == "promise\n"


def test_a_log_without_an_ed25519_key_is_refused() -> None:
    with pytest.raises(ValueError, match="Ed25519"):
        LogSigners(BASE, [], [ml_dsa(1)])


def test_the_repr_counts_the_keys_and_shows_none() -> None:
    assert repr(BOTH) == f"LogSigners('{BASE}', 2 + 2 keys)"
