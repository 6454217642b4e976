"""Documents read from bytes: whole and possible, or refused by place and reason."""

import hashlib
import json
from typing import Any

import pytest

from policies.deposit_document import DepositDocumentError, Stated
from policies.ids import OrganisationId
from tests.policies.test_deposit_document import CITY, OTHER, SIGNATURE, document
from tests.vault.given import NOW, catalogue
from vault.stated import MAX_BYTES, DepositSignatureError, read_document


class Signer:
    """Knows one signature, and remembers what it was asked about."""

    def __init__(self) -> None:
        self.asked: list[tuple[OrganisationId, bytes]] = []

    def __call__(self, organisation: OrganisationId, payload: bytes, signature: str) -> None:
        self.asked.append((organisation, payload))
        if signature != SIGNATURE:
            raise DepositSignatureError("signature-wrong")


def read(data: bytes, signer: Signer | None = None) -> Stated:
    return read_document(data, catalogue(), now=NOW, signatures=signer or Signer())


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
        (b"[" * 6 + b"]" * 6, "#", "too-deep"),
        (b" " * (MAX_BYTES + 1), "#", "too-long"),
        (b'{"facts":1.5}', "#", "not-an-integer"),
        (b'{"facts":"\\ud800"}', "#", "half-character"),
        (written(dataset=None), "#/dataset", "missing"),
        (written(dataset="person"), f"#/facts/{CITY}", "attribute-of-other-dataset"),
        (written(facts={CITY: {"value": 7}}), f"#/facts/{CITY}/value", "wrong-value-type"),
        (
            written(facts={CITY: {"value": "a", "also_about": [OTHER, {**OTHER, "id": "x"}]}}),
            f"#/facts/{CITY}/also_about/1/id",
            "wrong-form",
        ),
        (
            written(
                facts={
                    CITY: {
                        "value": "a",
                        "also_about": [{**OTHER, "scheme": "urn:oid:1.2.246.22", "id": " "}],
                    }
                }
            ),
            f"#/facts/{CITY}/also_about/0/id",
            "wrong-form",
        ),
        (written(signature="e30..b3RoZXI"), "#/signature", "signature-wrong"),
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


def test_the_signature_is_over_all_else_however_it_was_written_down() -> None:
    signer = Signer()
    for data in (written(signature=SIGNATURE), written(signature=SIGNATURE).replace(b",", b" ,\n")):
        assert read(data, signer).document.signature == SIGNATURE
    organisation, payload = signer.asked[0]
    assert signer.asked == [(organisation, payload)] * 2
    assert organisation == "dvv"
    assert (
        payload
        == (
            '{"dataset":"residence","facts":{"residence.city":{"value":"Esimerkkilä"}},'
            '"observed_at":"2026-11-20T07:30:00Z","subject":{"format":"national_id",'
            '"id":"010199-9012","scheme":"urn:oid:1.2.246.21"}}'
        ).encode()
    )


def test_nothing_but_a_whole_document_comes_to_the_check_of_its_signature() -> None:
    signer = Signer()
    with pytest.raises(DepositDocumentError):
        read(written(signature=SIGNATURE, facts={CITY: {"value": 7}}), signer)
    read(written(), signer)
    assert signer.asked == []


def test_a_fault_of_the_whole_has_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DepositDocumentError) as refused:
        read(b"{}")
    assert "missing" in str(refused.value)
