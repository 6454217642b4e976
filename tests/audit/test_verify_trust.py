"""An export of a log with several keys and witnesses: what each reader may ask, and what fails."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit.bundle import write_bundle
from audit.bundle_files import manifest_text
from audit.checkpoint import Checkpoint
from audit.container import pack, unpack
from audit.cosignature import Ed25519Cosigner
from audit.database import open_engine
from audit.faults import BundleError, Fault
from audit.log_signers import LogSigners
from audit.merkle import leaf_hash
from audit.note import sign_note, split_note
from audit.sequencer import Sequencer
from audit.shards import link_entry
from audit.store import metadata
from audit.store.witnessing import CosignatureRow, insert_cosignatures
from audit.tiles import pack_entries
from audit.trust import Trust
from audit.trust_policy import parse_policy
from audit.unit_of_work import Ledger
from audit.verify import verify_bundle
from tests.audit.exported import Files
from tests.audit.sample import LOG, LOG_NAME, NOW, ORIGIN, record
from tests.wrapping import MemoryWrapper

OLD, NEW = (Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32) for seed in (1, 2))
SIGNERS = LogSigners(LOG_NAME, [NEW, OLD], [MLDSA44PrivateKey.generate()])
OLD_KEY, NEW_KEY = (LogSigners(LOG_NAME, [key]).vkeys(LOG)[0] for key in (OLD, NEW))
ML_DSA_KEY = SIGNERS.vkeys(LOG)[-1]
WITNESS = Ed25519Cosigner("w.example", Ed25519PrivateKey.from_private_bytes(bytes([3]) * 32))
STRANGER = Ed25519Cosigner("x.example", Ed25519PrivateKey.from_private_bytes(bytes([4]) * 32))
POLICY = f"log {NEW_KEY}\nwitness w {WITNESS.vkey}\nquorum w\n".encode()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three events, two Ed25519 keys while they rotate, an ML-DSA-44 key, two cosignatures."""
    folder = tmp_path_factory.mktemp("log")
    ledger = Ledger(open_engine(f"sqlite:///{folder / 'log.db'}"), MemoryWrapper())
    metadata.create_all(ledger.engine)
    record(ledger, 3)
    made = Sequencer(ledger, SIGNERS).run_once(NOW)
    assert made is not None
    moments = [NOW, NOW.replace(hour=10)]
    with ledger.writer.unaccounted_transaction() as connection:
        for each in (WITNESS, STRANGER):
            lines = [each.cosign(str(made), int(at.timestamp())).encode() for at in moments]
            rows = [
                CosignatureRow(LOG, 3, each.vkey.rpartition("+")[0], at, line)
                for at, line in zip(moments, lines, strict=True)
            ]
            insert_cosignatures(connection, rows)
    with ledger.read() as connection:
        written = write_bundle(connection, ledger, signers=SIGNERS, policy=POLICY)
    ledger.engine.dispose()
    return written


@pytest.fixture
def files(bundle: bytes) -> Files:
    return unpack(bundle)


def again(files: Files, *, by: LogSigners = SIGNERS) -> bytes:
    """The bundle with a manifest over what it is now."""
    rest = {name: data for name, data in files.items() if name != "manifest"}
    manifest = sign_note(manifest_text(ORIGIN, rest), by.note_signers(LOG))
    return pack(rest | {"manifest": manifest})


def fault(data: bytes, trust: Trust | None = None) -> tuple[Fault, str | None]:
    with pytest.raises(BundleError) as error:
        verify_bundle(data, trust=trust)
    return error.value.fault, error.value.file


@pytest.mark.parametrize("key", [OLD_KEY, NEW_KEY, ML_DSA_KEY], ids=["old", "new", "ML-DSA-44"])
def test_each_key_that_signs_is_enough(bundle: bytes, key: str) -> None:
    report = verify_bundle(bundle, vkey=key)
    assert report.signed.log_keys == (key,)
    assert not report.key_from_bundle


def test_without_a_key_all_that_signed_are_told(bundle: bytes) -> None:
    report = verify_bundle(bundle)
    assert report.signed.log_keys == (NEW_KEY, OLD_KEY, ML_DSA_KEY)
    assert report.quorum_of_log
    assert report.signed.cosigned == {}
    assert "The quorum of witnesses that the log itself names is reached" in str(report)


def test_a_quorum_is_taken_from_the_newest_cosignatures(bundle: bytes) -> None:
    report = verify_bundle(bundle, trust=Trust(policy=parse_policy(POLICY)))
    assert report.signed.cosigned == {"w": NOW.replace(hour=10)}
    assert report.to_json()["cosigned"] == {"w": "2026-11-24T10:00:00+00:00"}


def test_a_quorum_without_cosignatures_is_refused(files: Files) -> None:
    del files["cosignatures"]
    trust = Trust(policy=parse_policy(POLICY))
    assert fault(again(files), trust) == (Fault.QUORUM, "cosignatures")
    report = verify_bundle(again(files))
    assert report.quorum_of_log is False
    assert "is NOT reached" in str(report)


def test_a_log_without_a_policy_says_nothing_of_it(files: Files) -> None:
    del files["policy"]
    report = verify_bundle(again(files))
    assert report.quorum_of_log is None
    assert "quorum" not in str(report)


Change = Callable[[bytes], bytes]
CHANGED: dict[str, tuple[str, Change, Fault]] = {
    "no line": ("cosignatures", lambda data: data[:-1], Fault.COSIGNATURES_FORM),
    "a wrong line": (
        "cosignatures",
        lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:],
        Fault.COSIGNATURES_FORM,
    ),
    "no policy": ("policy", lambda _: b"hello\n", Fault.POLICY_FORM),
    "another key first": (
        "log.vkey",
        lambda data: b"".join(reversed(data.splitlines(keepends=True))),
        Fault.VKEY_FORM,
    ),
    "a key of another log": (
        "log.vkey",
        lambda data: data + f"{LogSigners('other', [NEW]).vkeys(LOG)[0]}\n".encode(),
        Fault.VKEY_FORM,
    ),
}


@pytest.mark.parametrize("how", CHANGED.values(), ids=CHANGED)
def test_what_is_wrong_in_them_is_named(files: Files, how: tuple[str, Change, Fault]) -> None:
    name, change, found = how
    files[name] = change(files[name])
    assert fault(again(files)) == (found, name)


@pytest.mark.parametrize("name", ["cosignatures", "policy", "timestamps/3/checkpoint"])
def test_what_the_manifest_does_not_name_was_put_in_by_somebody_else(
    files: Files, name: str
) -> None:
    added = files.pop(name, files["checkpoint"])
    without = unpack(again(files))
    assert fault(pack(without | {name: added})) == (Fault.UNKNOWN_FILE, name)


def test_a_wrong_signature_of_a_witness_of_the_log_is_found(files: Files) -> None:
    other = WITNESS.cosign(
        f"{ORIGIN}\n4\n{split_note(files['checkpoint'])[0].splitlines()[2]}\n", 9
    )
    files["cosignatures"] = other.encode()
    assert fault(again(files)) == (Fault.COSIGNATURES_FORM, "cosignatures")


def test_a_manifest_by_a_key_that_is_not_trusted_is_refused(files: Files) -> None:
    by_old = again(files, by=LogSigners(LOG_NAME, [OLD]))
    assert verify_bundle(by_old, vkey=OLD_KEY).size == 3
    assert fault(by_old, Trust.of(NEW_KEY)) == (Fault.MANIFEST_SIGNATURE, "manifest")


def test_a_manifest_signed_twice_by_one_key_is_refused(files: Files) -> None:
    text, lines = files["manifest"].decode().rsplit("\n\n", 1)
    line = lines.splitlines(keepends=True)[0]
    files["manifest"] = f"{text}\n\n{line}{line}".encode()
    assert fault(pack(files)) == (Fault.MANIFEST_SIGNATURE, "manifest")


def test_a_checkpoint_by_one_of_two_keys_is_of_no_use_to_who_trusts_the_other(
    files: Files,
) -> None:
    text, _ = split_note(files["checkpoint"])
    files["checkpoint"] = LogSigners(LOG_NAME, [OLD]).sign(LOG, text, NOW)
    assert verify_bundle(again(files), vkey=OLD_KEY).size == 3
    assert fault(again(files), Trust.of(NEW_KEY)) == (Fault.CHECKPOINT_SIGNATURE, "checkpoint")


def test_keys_of_one_log_do_not_vouch_for_the_checkpoint_of_another(files: Files) -> None:
    signers = LogSigners(LOG_NAME, [NEW, OLD])
    other = "2027h1"
    text = f"{LOG_NAME}/{other}\n" + split_note(files["checkpoint"])[0].split("\n", 1)[1]
    files["checkpoint"] = signers.sign(other, text, NOW)
    assert fault(again(files)) == (Fault.CHECKPOINT_SIGNATURE, "checkpoint")
    base = Trust.of(LogSigners(LOG_NAME, [NEW]).base_signers[0].vkey)
    assert fault(again(files), base) == (Fault.CHECKPOINT_FORM, "checkpoint")


ROOT = "A" * 43 + "="


@pytest.mark.parametrize(
    "text", ["hello\n", f"ä\n1\n{ROOT}\n", f"a\x1b[2K\n1\n{ROOT}\n"], ids=range(3)
)
def test_a_first_entry_that_ties_the_log_to_nothing_is_named(text: str) -> None:
    entry = link_entry(text)
    root = leaf_hash(entry)
    checkpoint = SIGNERS.sign(LOG, str(Checkpoint(ORIGIN, 1, root)), NOW)
    vkeys = "".join(f"{key}\n" for key in SIGNERS.vkeys(LOG)).encode()
    forged = {
        "checkpoint": checkpoint,
        "log.vkey": vkeys,
        "events.jsonl": b"",
        "tile/0/000.p/1": root,
        "tile/entries/000.p/1": pack_entries([entry]),
    }
    with pytest.raises(BundleError) as error:
        verify_bundle(again(forged))
    assert error.value.fault is Fault.LINK_FORM
    assert (error.value.file, error.value.entry) == ("tile/entries/000.p/1", 0)
