"""What a witness decides: the published requests with their answers, and each way to refuse."""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint
from audit.cosignature import Ed25519Cosigner, MlDsaCosigner
from audit.log_family import FollowedLogs
from audit.note import NoteVerifier, open_note, split_note
from audit.witness import (
    InconsistentError,
    MalformedRequestError,
    OtherSizeError,
    UnknownLogError,
    UnsignedCheckpointError,
    WitnessRefusalError,
    check,
    cosign,
    read,
)
from tests.audit.growing import NOW, GrowingLog

PUBLISHED = json.loads((Path(__file__).parents[1] / "vectors" / "witness.json").read_text())
STATUS = {
    400: MalformedRequestError,
    403: UnsignedCheckpointError,
    404: UnknownLogError,
    409: OtherSizeError,
    422: InconsistentError,
}
AT = int(NOW.timestamp())
COSIGNERS = (
    Ed25519Cosigner("w.example", Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)),
    MlDsaCosigner("w.example", MLDSA44PrivateKey.from_seed_bytes(bytes([9]) * 32)),
)
LOG = GrowingLog()
FOLLOWED = FollowedLogs.parse(LOG.signers.vkeys("2026h2"))
HASH = base64.b64encode(bytes(32)).decode()


def known(size: int, log: GrowingLog = LOG) -> Checkpoint:
    return Checkpoint(log.origin, size, log.root(size))


def decide(
    body: bytes, before: Checkpoint | None = None, followed: FollowedLogs = FOLLOWED
) -> bytes:
    """The witness's answer over what it knows."""
    request = read(body, followed)
    check(request, before)
    return cosign(request, COSIGNERS, AT).answer


def test_the_published_requests_get_the_published_answers() -> None:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(PUBLISHED["log_key"]))
    followed = FollowedLogs.parse([NoteVerifier.of(PUBLISHED["origin"], key).vkey])
    last: Checkpoint | None = None
    for case in PUBLISHED["requests"]:
        body = case["body"].encode()
        if case["status"] == 200:
            decide(body, last, followed)
            last = read(body, followed).checkpoint
            continue
        with pytest.raises(STATUS[case["status"]]) as refused:
            decide(body, last, followed)
        if isinstance(refused.value, OtherSizeError):
            assert f"{refused.value.known}\n" == case["answer"], case["name"]
    assert last is not None
    assert last.size == 5


@pytest.mark.parametrize(
    ("old", "new"), [(0, 1), (0, 9), (1, 2), (3, 7), (4, 8), (7, 300), (8, 8), (255, 257)]
)
def test_growth_is_cosigned_by_both_keys(old: int, new: int) -> None:
    answer = decide(LOG.request(old, new), known(old) if old else None)
    note = LOG.note(new) + answer
    for cosigner in COSIGNERS:
        assert open_note(note, [cosigner.verifier]).startswith(f"{LOG.origin}\n{new}\n")
    assert answer.count("\N{EM DASH}".encode()) == 2


def test_the_answer_does_not_repeat_the_logs_own_lines() -> None:
    assert LOG.origin.encode() not in decide(LOG.request(0, 3))


def test_the_empty_tree_is_cosigned_and_may_grow_without_a_proof() -> None:
    decide(LOG.request(0, 0))
    decide(LOG.request(0, 5), known(0))


def test_any_one_trusted_key_of_the_log_suffices() -> None:
    for vkey in LOG.signers.vkeys("2026h2"):
        decide(LOG.request(0, 3), None, FollowedLogs.parse([vkey]))


# Status 404, 403


def test_another_origin_is_unknown_even_by_the_same_key() -> None:
    with pytest.raises(UnknownLogError):
        decide(LOG.request(0, 3, note=LOG.note(3, log="2026h2b")))


def test_a_log_is_unknown_before_anything_of_its_proof_is_looked_at() -> None:
    with pytest.raises(UnknownLogError):
        decide(LOG.request(0, 3), None, FollowedLogs.parse([]))


def test_a_checkpoint_by_another_key_is_unsigned() -> None:
    thief = GrowingLog(seed=2)
    with pytest.raises(UnsignedCheckpointError, match="no signature by a key"):
        decide(thief.request(0, 3))


def test_a_wrong_signature_beside_a_right_one_refuses() -> None:
    lines = LOG.note(4).decode().splitlines(keepends=True)
    note = LOG.note(3).decode().rsplit("\N{EM DASH}", 1)[0] + lines[-1]
    with pytest.raises(UnsignedCheckpointError, match="is wrong"):
        decide(LOG.request(0, 3, note=note.encode()))


def test_a_changed_size_is_unsigned() -> None:
    note = LOG.note(3).replace(b"\n3\n", b"\n4\n")
    with pytest.raises(UnsignedCheckpointError, match="is wrong"):
        decide(LOG.request(0, 4, note=note))


def test_a_key_that_the_witness_does_not_follow_yet_is_ignored() -> None:
    stranger = GrowingLog(seed=2).note(3).decode().splitlines(keepends=True)[-1]
    decide(LOG.request(0, 3, note=LOG.note(3) + stranger.encode()))


UNREADABLE = {
    "no last newline": LOG.note(3)[:-1],
    "another dash": LOG.note(3).replace("\N{EM DASH}".encode(), b"-"),
    "free bits in a signature": LOG.note(3)[:-2] + b"B=\n",
    "no text": LOG.note(3)[:-1] + b"\xff\n",
    "a hundred and one lines": LOG.note(3) + LOG.note(3).split(b"\n\n")[1] * 50,
}


@pytest.mark.parametrize("note", UNREADABLE.values(), ids=UNREADABLE)
def test_signature_lines_that_cannot_be_read_sign_nothing(note: bytes) -> None:
    with pytest.raises(UnsignedCheckpointError):
        decide(LOG.request(0, 3, note=note))


# Status 400


MALFORMED = {
    "empty": b"",
    "no empty line": b"old 0\n",
    "no checkpoint": b"old 0\n\n",
    "no old size": LOG.request(0, 3).replace(b"old 0\n", b""),
    "upper case": LOG.request(0, 3).replace(b"old", b"Old"),
    "no number": LOG.request(0, 3).replace(b"old 0", b"old"),
    "leading zero": LOG.request(0, 3).replace(b"old 0", b"old 00"),
    "sign": LOG.request(0, 3).replace(b"old 0", b"old +0"),
    "negative": LOG.request(0, 3).replace(b"old 0", b"old -1"),
    "two spaces": LOG.request(0, 3).replace(b"old 0", b"old  0"),
    "a space behind": LOG.request(0, 3).replace(b"old 0", b"old 0 "),
    "carriage returns": LOG.request(0, 3).replace(b"\n", b"\r\n"),
    "other digits": LOG.request(0, 3).replace(b"old 0", "old ٣".encode()),
    "huge": LOG.request(0, 3).replace(b"old 0", b"old " + b"9" * 20),
    "no base64": LOG.request(2, 3, proof=["!" * 44]),
    "a short hash": LOG.request(2, 3, proof=[base64.b64encode(bytes(31)).decode()]),
    "a long hash": LOG.request(2, 3, proof=[base64.b64encode(bytes(33)).decode()]),
    "free bits": LOG.request(2, 3, proof=[HASH[:-2] + "B="]),
    "not ASCII": LOG.request(2, 3, proof=["ä" * 43 + "="]),
    "bytes that are no text": LOG.request(2, 3).replace(b"old 2", b"old \xff"),
    "sixty-four lines": LOG.request(2, 3, proof=[HASH] * 64),
    "an origin that is no text": b"old 0\n\n\xff\n3\n" + LOG.note(3).split(b"\n", 2)[2],
    "a checkpoint without signatures": LOG.request(0, 3).partition(b"=\n\n")[0] + b"=\n",
    "a checkpoint that is no text": LOG.request(0, 3).replace(b"=\n\n", b"=\xff\n\n"),
    "a checkpoint with an extension": LOG.request(0, 3).replace(b"=\n\n", b"=\nextra\n\n"),
    "a size that is no number": LOG.request(0, 3).replace(b"\n3\n", b"\nthree\n"),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_request_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedRequestError):
        decide(body)


def test_an_old_size_beyond_the_checkpoint_is_malformed_whatever_is_known() -> None:
    with pytest.raises(MalformedRequestError, match="beyond"):
        decide(LOG.request(5, 3, proof=[]), known(5))
    with pytest.raises(MalformedRequestError, match="beyond"):
        decide(LOG.request(5, 3, proof=[]), None)


def test_sixty_three_lines_are_read_and_then_prove_nothing() -> None:
    with pytest.raises(InconsistentError):
        decide(LOG.request(2, 3, proof=[HASH] * 63), known(2))


# Status 409


@pytest.mark.parametrize(("old", "size"), [(0, 3), (2, 3), (4, 3), (4, 0)])
def test_another_old_size_than_the_known_one_conflicts_and_names_it(old: int, size: int) -> None:
    with pytest.raises(OtherSizeError) as refused:
        decide(LOG.request(old, 7), known(size) if size else None)
    assert refused.value.known == size


def test_a_smaller_checkpoint_than_the_known_one_is_never_cosigned() -> None:
    for old in (0, 1, 2):
        with pytest.raises(OtherSizeError):
            decide(LOG.request(old, 2), known(3))


# Status 422


OTHER = GrowingLog("two")


def test_a_fork_is_not_cosigned_whatever_its_proof() -> None:
    for proof in (LOG.proof(3, 7), OTHER.proof(3, 7), [], [HASH]):
        with pytest.raises(InconsistentError):
            decide(OTHER.request(3, 7, proof=proof), known(3))


def test_another_root_at_the_same_size_is_not_cosigned() -> None:
    with pytest.raises(InconsistentError, match="root"):
        decide(OTHER.request(3, 3), known(3))


def test_a_proof_for_the_same_size_is_refused() -> None:
    with pytest.raises(InconsistentError):
        decide(LOG.request(3, 3, proof=[HASH]), known(3))


def test_a_missing_proof_is_refused() -> None:
    with pytest.raises(InconsistentError, match="short"):
        decide(LOG.request(3, 7, proof=[]), known(3))


@pytest.mark.parametrize("before", [None, known(0)])
def test_a_proof_from_the_empty_tree_is_refused(before: Checkpoint | None) -> None:
    with pytest.raises(InconsistentError, match="empty tree"):
        decide(LOG.request(0, 5, proof=[HASH]), before)


@pytest.mark.parametrize("before", [None, known(0)])
def test_an_empty_tree_with_another_root_is_refused(before: Checkpoint | None) -> None:
    with pytest.raises(InconsistentError, match="empty tree"):
        decide(LOG.request(0, 0, note=LOG.note(0, root=bytes(32))), before)


@given(st.integers(1, 300), st.data())
def test_no_changed_proof_is_cosigned(old: int, data: st.DataObject) -> None:
    new = data.draw(st.integers(old + 1, 301))
    proof = LOG.proof(old, new)
    place = data.draw(st.integers(0, len(proof) - 1))
    changed = bytearray(base64.b64decode(proof[place]))
    changed[data.draw(st.integers(0, 31))] ^= data.draw(st.integers(1, 255))
    proof[place] = base64.b64encode(changed).decode()
    with pytest.raises(InconsistentError):
        decide(LOG.request(old, new, proof=proof), known(old))


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_by_name(body: bytes) -> None:
    with pytest.raises(WitnessRefusalError):
        decide(body)


# What is kept


def forged_line() -> bytes:
    """A line under the witness's own name and key id, with nothing right in it."""
    own = COSIGNERS[0].verifier
    blob = base64.b64encode(own.key_id + bytes(72)).decode()
    return f"\N{EM DASH} {own.name} {blob}\n".encode()


def test_a_forged_line_under_our_own_name_is_not_kept() -> None:
    request = read(LOG.request(0, 3, note=LOG.note(3) + forged_line()), FOLLOWED)
    kept = cosign(request, COSIGNERS, AT).note
    assert open_note(kept, [each.verifier for each in COSIGNERS]) == str(known(3))
    assert open_note(kept, LOG.signers.verifiers("2026h2")) == str(known(3))
    assert len(split_note(kept)[1]) == 4


def test_a_hundred_lines_are_not_kept() -> None:
    note = LOG.note(3)
    line = note.decode().splitlines(keepends=True)[4]
    request = read(LOG.request(0, 3, note=note + line.encode() * 90), FOLLOWED)
    assert len(split_note(cosign(request, COSIGNERS, AT).note)[1]) == 4


# Which logs are followed


BASE = FollowedLogs.parse(signer.vkey for signer in LOG.signers.base_signers)


@pytest.mark.parametrize("half_year", ["2026h2", "2027h1", "2030h2"])
def test_a_key_under_the_base_name_follows_every_half_year(half_year: str) -> None:
    decide(LOG.request(0, 3, note=LOG.note(3, log=half_year)), None, BASE)


def test_a_key_under_the_base_name_follows_the_log_from_before_there_were_half_years() -> None:
    decide(LOG.request(0, 3, note=LOG.note(3, log="0")), None, BASE)


@pytest.mark.parametrize(
    "log", ["2026h2b", "2026h3", "2026h0", "26h1", "2026h2/2026h2", "2026H2", "2026h2\u2028", "x"]
)
def test_any_other_ending_has_to_be_followed_by_name(log: str) -> None:
    origin = f"{LOG.signers.base_origin}/{log}"
    assert BASE.verifiers(origin) == ()


def test_a_key_of_one_half_year_follows_no_other() -> None:
    with pytest.raises(UnknownLogError):
        decide(LOG.request(0, 3, note=LOG.note(3, log="2027h1")))


def test_the_keys_of_a_base_name_include_the_post_quantum_one() -> None:
    pq = MlDsaCosigner(LOG.signers.base_origin, MLDSA44PrivateKey.from_seed_bytes(bytes([1]) * 32))
    decide(LOG.request(0, 3), None, FollowedLogs.parse([pq.vkey]))
