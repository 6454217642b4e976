"""Whom a reader believes: keys of the log, a quorum of witnesses, a cosignature young enough."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit.checkpoint import Checkpoint, CheckpointError
from audit.cosignature import Ed25519Cosigner
from audit.faults import BundleError, Fault
from audit.log_signers import LogSigners
from audit.note import NoteError
from audit.trust import QuorumError, StaleError, Trust, open_believed
from audit.trust_policy import parse_policy
from audit.verify_checkpoint import read_checkpoint, read_vkeys
from tests.audit.sample import LOG, LOG_NAME, NOW, ORIGIN

LOG_SIGNERS = LogSigners(
    LOG_NAME,
    [Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)],
    [MLDSA44PrivateKey.generate()],
)
BASE = LOG_SIGNERS.base_signers[0].vkey
CHECKPOINT = Checkpoint(ORIGIN, 7, bytes(32))
NOTE = LOG_SIGNERS.sign(LOG, str(CHECKPOINT), NOW)
WITNESSES = [
    Ed25519Cosigner(f"w{i}.example", Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32))
    for i in (2, 3, 4)
]
POLICY = parse_policy(
    "".join(
        [
            f"log {BASE}\n",
            *(f"witness w{i} {each.vkey}\n" for i, each in enumerate(WITNESSES)),
            "group two 2 w0 w1 w2\nquorum two\n",
        ]
    ).encode()
)


def cosigned(*which: int, at: datetime = NOW) -> bytes:
    """The note with lines of some witnesses, the first at that time and each a minute earlier."""
    lines = [
        WITNESSES[each].cosign(str(CHECKPOINT), int((at - timedelta(minutes=i)).timestamp()))
        for i, each in enumerate(which)
    ]
    return NOTE + "".join(lines).encode()


def test_one_key_of_the_log_is_enough_and_all_that_signed_are_told() -> None:
    signed = open_believed(NOTE, Trust.of(BASE))
    assert (signed.checkpoint, signed.log_keys) == (CHECKPOINT, (LOG_SIGNERS.vkeys(LOG)[0],))
    both = open_believed(NOTE, Trust.of(*LOG_SIGNERS.vkeys(LOG)))
    assert both.log_keys == LOG_SIGNERS.vkeys(LOG)
    assert both.cosigned == {}


@pytest.mark.parametrize("line", [0, 1])
def test_a_wrong_signature_of_a_trusted_key_is_refused_beside_a_right_one(line: int) -> None:
    text, lines = NOTE.decode().rsplit("\n\n", 1)
    damaged = lines.splitlines(keepends=True)
    damaged[line] = damaged[line][:-8] + "AAAA" + damaged[line][-4:]
    with pytest.raises(NoteError, match="wrong"):
        open_believed(f"{text}\n\n{''.join(damaged)}".encode(), Trust.of(*LOG_SIGNERS.vkeys(LOG)))


def test_a_key_that_came_with_the_log_counts_only_when_none_is_named() -> None:
    offered = LOG_SIGNERS.verifiers(LOG)
    assert open_believed(NOTE, Trust(), offered=offered).checkpoint == CHECKPOINT
    stranger = LogSigners(LOG_NAME, [Ed25519PrivateKey.generate()]).vkeys(LOG)[0]
    with pytest.raises(NoteError, match="no signature"):
        open_believed(NOTE, Trust.of(stranger), offered=offered)
    with pytest.raises(NoteError, match="no signature"):
        open_believed(NOTE, Trust())


def test_a_key_is_not_believed_for_another_log() -> None:
    other = LogSigners("another.example", [Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)])
    with pytest.raises(NoteError, match="no signature"):
        open_believed(NOTE, Trust.of(other.vkeys(LOG)[0]))
    with pytest.raises(NoteError, match="no signature"):
        open_believed(NOTE, Trust(), offered=other.verifiers(LOG))


def test_a_quorum_of_the_named_witnesses_is_believed() -> None:
    signed = open_believed(cosigned(0, 2), Trust(policy=POLICY))
    assert signed.cosigned == {"w0": NOW, "w2": NOW - timedelta(minutes=1)}
    assert open_believed(NOTE, Trust(policy=POLICY).in_the_log_alone()).cosigned == {}


@pytest.mark.parametrize("which", [(), (1,), (1, 1)])
def test_fewer_witnesses_than_the_policy_asks_for_are_not_enough(which: tuple[int, ...]) -> None:
    with pytest.raises(QuorumError):
        open_believed(cosigned(*which), Trust(policy=POLICY))


def test_the_newest_cosignature_must_be_young_enough() -> None:
    note = cosigned(0, 1)
    assert open_believed(note, Trust(policy=POLICY, since=NOW)).cosigned["w0"] == NOW
    with pytest.raises(StaleError, match="too old"):
        open_believed(note, Trust(policy=POLICY, since=NOW + timedelta(seconds=1)))
    with pytest.raises(StaleError, match="no witness"):
        open_believed(note, Trust(Trust.of(BASE).keys, since=NOW))


def test_no_cosignature_at_all_is_not_young_enough() -> None:
    nobody = parse_policy(f"log {BASE}\nquorum none\n".encode())
    assert open_believed(NOTE, Trust(policy=nobody)).cosigned == {}
    with pytest.raises(StaleError, match="too old"):
        open_believed(NOTE, Trust(policy=nobody, since=datetime(2000, 1, 1, tzinfo=UTC)))


def test_a_text_that_is_no_checkpoint_is_refused() -> None:
    note = LOG_SIGNERS.note_signers(LOG)[0].sign("hello\n")
    with pytest.raises(CheckpointError):
        open_believed(note, Trust.of(BASE))


REFUSED = [
    (b"", Trust.of(BASE), Fault.CHECKPOINT_SIGNATURE),
    (NOTE, Trust(), Fault.CHECKPOINT_SIGNATURE),
    (LOG_SIGNERS.note_signers(LOG)[0].sign("hello\n"), Trust.of(BASE), Fault.CHECKPOINT_FORM),
    (NOTE, Trust(policy=POLICY), Fault.QUORUM),
    (cosigned(0, 1), Trust(policy=POLICY, since=NOW + timedelta(1)), Fault.STALE),
]


@pytest.mark.parametrize(("note", "trust", "fault"), REFUSED, ids=range(len(REFUSED)))
def test_each_refusal_names_the_file(note: bytes, trust: Trust, fault: Fault) -> None:
    with pytest.raises(BundleError) as error:
        read_checkpoint(note, "checkpoint", trust)
    assert (error.value.fault, error.value.file) == (fault, "checkpoint")


@pytest.mark.parametrize("name", ["x\x9b2K", "älog"])
def test_an_origin_that_could_write_over_the_report_is_refused(name: str) -> None:
    strange = LogSigners(name, [Ed25519PrivateKey.generate()])
    note = strange.sign(LOG, str(Checkpoint(strange.origin(LOG), 1, bytes(32))), NOW)
    with pytest.raises(BundleError) as error:
        read_checkpoint(note, "checkpoint", Trust(), offered=strange.verifiers(LOG))
    assert error.value.fault is Fault.CHECKPOINT_FORM


def test_a_file_of_keys_reads_back() -> None:
    keys = read_vkeys("".join(f"{each}\n" for each in LOG_SIGNERS.vkeys(LOG)).encode(), "log.vkey")
    assert tuple(key.vkey for key in keys) == LOG_SIGNERS.vkeys(LOG)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        BASE.encode(),
        f"{BASE}\n\n".encode(),
        f" {BASE}\n".encode(),
        f"{BASE}\r\n".encode(),
        b"\xff\n",
        f"{BASE}\n".encode() * 21,
        BASE.replace("+", "-").encode() + b"\n",
    ],
)
def test_another_form_of_keys_is_refused(data: bytes) -> None:
    with pytest.raises(BundleError) as error:
        read_vkeys(data, "log.vkey")
    assert error.value.fault is Fault.VKEY_FORM
