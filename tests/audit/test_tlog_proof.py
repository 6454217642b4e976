"""Proofs as text: what a receipt holds, and every way in which it is not one."""

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint, CheckpointError
from audit.merkle import ProofError, fold, inclusion_proof, leaf_hash, tree_hash
from audit.note import NoteError
from audit.tlog_proof import TlogProof, TlogProofError, verify_tlog_proof
from tests.audit.sample import ORIGIN, signer

ENTRIES = [f"entry {i}".encode() for i in range(9)]
HASHES = [leaf_hash(entry) for entry in ENTRIES]


def node(level: int, index: int) -> bytes:
    return fold(HASHES[index << level : (index + 1) << level])


NOTE = signer().sign(str(Checkpoint(ORIGIN, 9, tree_hash(node, 0, 9))))
TEXTS = [str(TlogProof(i, tuple(inclusion_proof(node, i, 9)), NOTE)) for i in range(9)]
TEXT = TEXTS[5]


def verify(text: str, entry: bytes = ENTRIES[5], **other: Any) -> Checkpoint:
    given = {"verifiers": [signer().verifier], "origin": ORIGIN} | other
    return verify_tlog_proof(text, entry, **given)


def test_every_entry_is_proven_by_its_text() -> None:
    for entry, text in zip(ENTRIES, TEXTS, strict=True):
        assert text.startswith("c2sp.org/tlog-proof@v1\nindex ")
        assert verify(text, entry).size == 9


def test_another_entry_is_not_proven() -> None:
    with pytest.raises(ProofError):
        verify(TEXT, ENTRIES[4])


def test_another_index_is_not_proven() -> None:
    with pytest.raises(ProofError):
        verify(TEXT.replace("index 5", "index 4"))


def test_a_proof_by_another_key_is_refused() -> None:
    with pytest.raises(NoteError):
        verify(TEXT, verifiers=[signer(2).verifier])


def test_a_proof_of_another_log_is_refused() -> None:
    with pytest.raises(CheckpointError):
        verify(TEXT, origin="other.example")


HASH = base64.b64encode(HASHES[0]).decode()
REFUSED = {
    "empty": "",
    "another version": TEXT.replace("@v1", "@v2"),
    "no index": TEXT.replace("index 5\n", ""),
    "only a header": "c2sp.org/tlog-proof@v1\n\n",
    "leading zero": TEXT.replace("index 5", "index 05"),
    "negative": TEXT.replace("index 5", "index -5"),
    "huge": TEXT.replace("index 5", f"index {10**20}"),
    "extra line": TEXT.replace("index 5", "extra AAAA\nindex 5"),
    "no empty line": TEXT.replace("\n\n", "\n"),
    "short hash": TEXT.replace("index 5\n", "index 5\nAAAA\n"),
    "no base64": TEXT.replace("index 5\n", "index 5\n****\n"),
    "not ASCII": TEXT.replace("index 5\n", "index 5\nää\n"),
    "free bits": TEXT.replace("index 5\n", f"index 5\n{HASH[:-2]}{chr(ord(HASH[-2]) + 1)}=\n"),
    "too many hashes": TEXT.replace("index 5\n", "index 5\n" + f"{HASH}\n" * 64),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_another_text_is_no_proof(text: str) -> None:
    with pytest.raises(TlogProofError):
        verify(text)


@settings(max_examples=300)
@given(st.integers(0, len(TEXT) - 1), st.integers(0, 6))
def test_a_text_with_a_changed_bit_never_proves(place: int, bit: int) -> None:
    raw = bytearray(TEXT.encode())
    raw[place] ^= 1 << bit
    with pytest.raises(
        (TlogProofError, NoteError, CheckpointError, ProofError, UnicodeDecodeError)
    ):
        verify(raw.decode())
