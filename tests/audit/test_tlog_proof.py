"""Proofs as text: what a receipt holds, and every way in which it is not one."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint
from audit.event_proof import verify_entry
from audit.faults import BundleError, Fault
from audit.merkle import fold, inclusion_proof, leaf_hash, tree_hash
from audit.note import NoteSigner
from audit.tlog_proof import TlogProof, TlogProofError
from audit.trust import Trust
from tests.audit.sample import ORIGIN, signer

ENTRIES = [f"entry {i}".encode() for i in range(9)]
HASHES = [leaf_hash(entry) for entry in ENTRIES]


def node(level: int, index: int) -> bytes:
    return fold(HASHES[index << level : (index + 1) << level])


NOTE = signer().sign(str(Checkpoint(ORIGIN, 9, tree_hash(node, 0, 9))))
TEXTS = [str(TlogProof(i, tuple(inclusion_proof(node, i, 9)), NOTE)) for i in range(9)]
TEXT = TEXTS[5]


TRUST = Trust.of(signer().vkey)


def fault(text: str, entry: bytes = ENTRIES[5], trust: Trust = TRUST) -> Fault:
    with pytest.raises(BundleError) as error:
        verify_entry(text, entry, trust, file="x.tlog-proof")
    return error.value.fault


def test_every_entry_is_proven_by_its_text() -> None:
    for index, (entry, text) in enumerate(zip(ENTRIES, TEXTS, strict=True)):
        assert text.startswith("c2sp.org/tlog-proof@v1\nindex ")
        found, signed = verify_entry(text, entry, TRUST, file="x.tlog-proof")
        assert (found, signed.checkpoint.size) == (index, 9)


def test_another_entry_is_not_proven() -> None:
    assert fault(TEXT, ENTRIES[4]) is Fault.PROOF


def test_another_index_is_not_proven() -> None:
    assert fault(TEXT.replace("index 5", "index 4")) is Fault.PROOF


def test_a_proof_by_another_key_is_refused() -> None:
    assert fault(TEXT, trust=Trust.of(signer(2).vkey)) is Fault.CHECKPOINT_SIGNATURE


def test_a_proof_of_another_log_is_refused() -> None:
    other = NoteSigner("other.example", Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
    assert fault(TEXT, trust=Trust.of(other.vkey)) is Fault.CHECKPOINT_SIGNATURE


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
        TlogProof.parse(text)
    assert fault(text) is Fault.PROOF_FORM


@settings(max_examples=300)
@given(st.integers(0, len(TEXT) - 1), st.integers(0, 6))
def test_a_text_with_a_changed_bit_never_proves(place: int, bit: int) -> None:
    raw = bytearray(TEXT.encode())
    raw[place] ^= 1 << bit
    try:
        changed = raw.decode()
    except UnicodeDecodeError:
        return  # no text at all
    fault(changed)
