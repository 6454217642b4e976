"""Documents read from bytes: whole and possible, or refused by place and reason."""

import hashlib
import json
from typing import Any

import pytest

from policies.deposit_document import DepositDocumentError, Stated
from tests.policies.test_deposit_document import CITY, document
from tests.vault.given import NOW, catalogue
from vault.stated import MAX_BYTES, read_document


def read(data: bytes) -> Stated:
    return read_document(data, catalogue(), now=NOW)


def written(**changed: Any) -> bytes:
    return json.dumps(document(**changed)).encode()


def test_the_digest_is_that_of_the_bytes_as_they_came() -> None:
    for data in (written(), written() + b"\n", b"  " + written()):
        assert read(data).document.digest == hashlib.sha256(data).digest()


@pytest.mark.parametrize(
    ("data", "pointer", "reason"),
    [
        (b"", "#", "not-json"),
        (b"\xff", "#", "not-utf-8"),
        (b'{"dataset":"a","dataset":"b"}', "#", "doubled-key"),
        (b"[" * 5 + b"]" * 5, "#", "too-deep"),
        (b" " * (MAX_BYTES + 1), "#", "too-long"),
        (b'{"facts":1.5}', "#", "not-an-integer"),
        (b'{"facts":"\\ud800"}', "#", "half-character"),
        (written(dataset=None), "#/dataset", "missing"),
        (written(dataset="person"), f"#/facts/{CITY}", "attribute-of-other-dataset"),
        (written(facts={CITY: {"value": 7}}), f"#/facts/{CITY}/value", "wrong-value-type"),
        (
            written(observed_at="2026-11-24T09:06:00Z"),
            f"#/facts/{CITY}",
            "observed-in-future",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_its_place(data: bytes, pointer: str, reason: str) -> None:
    with pytest.raises(DepositDocumentError) as refused:
        read(data)
    assert (refused.value.pointer, refused.value.reason) == (pointer, reason)


def test_a_fault_of_the_whole_has_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DepositDocumentError) as refused:
        read(b"{}")
    assert "missing" in str(refused.value)
