"""What a stranger finds out about a receipt: it is what it says, and anything changed is found."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from audit.disclosure import field_of
from audit.faults import BundleError, Fault
from audit.trust import Trust
from consent.receipt_check import check_file, check_sequence
from consent.receipt_file import ReceiptFile
from consent.receipt_jws import ReceiptError, unverified_payload
from tests.consent.receipted import ISSUER, JWKS, RULES, SIGNER, TRUST, given_and_withdrawn, house

Payload = dict[str, Any]


@pytest.fixture(scope="module")
def files() -> list[ReceiptFile]:
    """A consent that was given, and its withdrawal."""
    with house() as ledger:
        return given_and_withdrawn(ledger)


def check(file: ReceiptFile, trust: Trust = TRUST) -> Any:
    return check_file(str(file).encode(), JWKS, trust, file="receipt.json")


def signed_anew(file: ReceiptFile, change: Callable[[Payload], None]) -> ReceiptFile:
    """Another receipt by the same key."""
    payload = unverified_payload(file.jws)
    change(payload)
    return replace(file, jws=SIGNER.sign(payload))


def test_receipt_and_proof_hold_together(files: list[ReceiptFile]) -> None:
    given = check(files[0])
    assert (given.content.issuer, given.content.status) == (ISSUER, "active")
    assert given.content.case == "A/7"
    assert given.proven.event_id == given.content.event
    assert given.proven.fields["kind"] == "consent.given"
    assert given.proven.fields["digest"] == given.content.record_digest


def test_the_proof_discloses_nobody(files: list[ReceiptFile]) -> None:
    fields = check(files[0]).proven.fields
    assert not {"subject", "actor", "client", "n", "prev"} & set(fields)


def test_it_names_the_rules_and_the_receipt_before(files: list[ReceiptFile]) -> None:
    first, second = map(check, files)
    payload = unverified_payload(files[1].jws)
    assert payload["policy_set_hash"] == f"sha256:{RULES}"
    assert payload["previous_receipt"]["receipt_id"] == str(first.content.id)
    assert second.content.previous_receipt == first.digest
    assert first.content.previous_receipt is None
    check_sequence([second, first])


def test_without_a_key_of_the_log_the_receipt_is_checked_alone(files: list[ReceiptFile]) -> None:
    found = check(files[0], Trust())
    assert found.carries_proof
    assert found.proven is None


def test_the_compact_form_is_the_same_receipt(files: list[ReceiptFile]) -> None:
    bare = check(replace(files[0], proof=None))
    assert not bare.carries_proof
    assert bare.digest == check(files[0]).digest


def test_the_proof_of_another_receipt_does_not_pass(files: list[ReceiptFile]) -> None:
    with pytest.raises(ReceiptError, match="other-event"):
        check(replace(files[0], proof=files[1].proof))


@pytest.mark.parametrize("name", ["digest", "consent"])
def test_a_proof_that_does_not_say_of_which_record_does_not_pass(
    files: list[ReceiptFile], name: str
) -> None:
    proof = files[0].proof
    assert proof is not None
    hidden = tuple(each for each in proof.disclosures if field_of(each)[0] != name)
    assert len(hidden) == len(proof.disclosures) - 1
    with pytest.raises(ReceiptError, match="other-event"):
        check(replace(files[0], proof=replace(proof, disclosures=hidden)))


def test_a_proof_under_another_tree_does_not_pass(files: list[ReceiptFile]) -> None:
    first, second = (each.proof for each in files)
    assert first is not None
    assert second is not None
    moved = replace(first, proof=second.proof)
    with pytest.raises(BundleError) as error:
        check(replace(files[0], proof=moved))
    assert error.value.fault is Fault.PROOF


def test_a_record_that_has_another_digest_does_not_pass(files: list[ReceiptFile]) -> None:
    def change(payload: Payload) -> None:
        payload["record"]["processing"]["purposes"][0]["case"] = "A/8"

    with pytest.raises(ReceiptError, match="record-digest"):
        check(signed_anew(files[0], change))


@pytest.mark.parametrize("member", ["record", "receipt_id", "event_id", "record_hash"])
def test_a_signed_statement_without_what_a_receipt_says_does_not_pass(
    files: list[ReceiptFile], member: str
) -> None:
    with pytest.raises(ReceiptError, match="content"):
        check(signed_anew(files[0], lambda payload: payload.pop(member)))


def test_a_digest_of_another_kind_does_not_pass(files: list[ReceiptFile]) -> None:
    def change(payload: Payload) -> None:
        payload["record_hash"] = payload["record_hash"].replace("sha256:", "md5:")

    with pytest.raises(ReceiptError, match="content"):
        check(signed_anew(files[0], change))


def test_a_receipt_that_names_another_one_before_it_does_not_follow(
    files: list[ReceiptFile],
) -> None:
    def change(payload: Payload) -> None:
        payload["previous_receipt"]["digest"] = "sha256:" + "0" * 64

    first, second = check(files[0]), check(signed_anew(files[1], change))
    with pytest.raises(ReceiptError, match="sequence"):
        check_sequence([first, second])


def test_receipts_of_different_consents_need_not_follow(files: list[ReceiptFile]) -> None:
    with house() as ledger:
        others = given_and_withdrawn(ledger)
    check_sequence([check(files[0], Trust()), check(others[0], Trust())])
