"""Checkpoints: the published log's own, and everything that is not one."""

import base64
import json
from pathlib import Path

import pytest

from audit.checkpoint import Checkpoint, CheckpointError, open_checkpoint
from audit.edge import Edge
from audit.merkle import leaf_hash
from audit.note import NoteError, NoteVerifier
from tests.audit.sample import ORIGIN, signer

TESSERA = json.loads((Path(__file__).parents[1] / "vectors" / "tlog.json").read_text())[
    "tessera_test_log"
]
ROOT = base64.b64encode(bytes(32)).decode()
GOOD = f"{ORIGIN}\n7\n{ROOT}\n"


@pytest.mark.parametrize("size", range(16))
def test_the_published_log_has_our_roots(size: int) -> None:
    edge = Edge()
    edge.append(leaf_hash(entry.encode()) for entry in TESSERA["entries"][:size])
    assert base64.b64encode(edge.root()).decode() == TESSERA["roots_base64_by_size"][size]


def test_the_published_checkpoint_opens() -> None:
    text = f"{TESSERA['origin']}\n15\n{TESSERA['roots_base64_by_size'][15]}\n"
    verifier = NoteVerifier.parse(TESSERA["vkey"])
    blob = base64.b64decode(TESSERA["signature_size_15"])
    if len(blob) == 64:
        blob = verifier.key_id + blob
    note = f"{text}\n\N{EM DASH} {verifier.name} {base64.b64encode(blob).decode()}\n"
    opened = open_checkpoint(note.encode(), [verifier], origin=TESSERA["origin"])
    assert opened.size == 15


@pytest.mark.parametrize("size", [0, 7, 2**63 - 1])
def test_a_checkpoint_reads_back(size: int) -> None:
    text = f"{ORIGIN}\n{size}\n{ROOT}\n"
    assert Checkpoint.parse(text).size == size
    assert str(Checkpoint.parse(text)) == text


REFUSED = {
    "empty": "",
    "no origin": f"\n7\n{ROOT}\n",
    "no last newline": GOOD[:-1],
    "extension line": f"{GOOD}extra\n",
    "leading zero": f"{ORIGIN}\n07\n{ROOT}\n",
    "sign": f"{ORIGIN}\n+7\n{ROOT}\n",
    "negative": f"{ORIGIN}\n-7\n{ROOT}\n",
    "other digits": f"{ORIGIN}\n٧\n{ROOT}\n",
    "beyond 63 bits": f"{ORIGIN}\n{2**63}\n{ROOT}\n",
    "far beyond": f"{ORIGIN}\n{'9' * 50}\n{ROOT}\n",
    "short root": f"{ORIGIN}\n7\n{base64.b64encode(bytes(31)).decode()}\n",
    "no base64": f"{ORIGIN}\n7\n!!!!\n",
    "not ASCII": f"{ORIGIN}\n7\näää=\n",
    "free bits": f"{ORIGIN}\n7\n{ROOT[:-2]}B=\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_another_text_is_no_checkpoint(text: str) -> None:
    with pytest.raises(CheckpointError):
        Checkpoint.parse(text)


def test_a_checkpoint_of_another_log_is_refused() -> None:
    with pytest.raises(CheckpointError, match="another log"):
        open_checkpoint(signer().sign(GOOD), [signer().verifier], origin="other.example")


def test_a_checkpoint_by_another_key_is_refused() -> None:
    with pytest.raises(NoteError):
        open_checkpoint(signer(2).sign(GOOD), [signer().verifier], origin=ORIGIN)
