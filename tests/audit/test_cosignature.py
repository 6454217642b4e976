"""Cosignatures against published ones, against a message built by hand, and each way to fail.

`vectors/cosignature/cosigned.txt` was signed by torchwood v0.10.0 (Go): a log, three Ed25519
witnesses and one with ML-DSA-44. The cosigned checkpoints in `vectors/witness.json` are sunlight's.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit.cosignature import (
    Ed25519Cosigner,
    MlDsaCosigner,
    cosigned_at,
    parse_cosigner,
    parse_vkey,
    renamed,
)
from audit.note import NoteError, NoteSigner, open_note, split_note, verified_lines

VECTORS = Path(__file__).parents[1] / "vectors"
COSIGNED = (VECTORS / "cosignature" / "cosigned.txt").read_bytes()
KEYS = [
    parse_vkey(words[2] if words[0] == "witness" else words[1])
    for line in (VECTORS / "cosignature" / "policy.txt").read_text().splitlines()
    if (words := line.split())[0] in {"log", "witness"}
]
PUBLISHED = json.loads((VECTORS / "witness.json").read_text())["cosigned"]
AT = 1_790_866_138
ROOT = bytes(range(32))
TEXT = f"vault.example/audit/2026h2\n7\n{base64.b64encode(ROOT).decode()}\n"
ED25519 = Ed25519Cosigner("w.example/ed", Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32))
ML_DSA = MlDsaCosigner("w.example/pq", MLDSA44PrivateKey.from_seed_bytes(bytes([7]) * 32))
BOTH = pytest.mark.parametrize("cosigner", [ED25519, ML_DSA], ids=["Ed25519", "ML-DSA-44"])
Cosigner = Ed25519Cosigner | MlDsaCosigner


def signed(cosigner: Cosigner, text: str = TEXT, at: int = AT) -> bytes:
    return (text + "\n" + cosigner.cosign(text, at)).encode()


def spoiled(cosigner: Cosigner, change: Callable[[bytes], bytes]) -> bytes:
    """The note whose one signature (time and signature proper) was changed."""
    _, [(name, key_id, signature)] = split_note(signed(cosigner))
    blob = base64.b64encode(key_id + change(signature)).decode()
    return f"{TEXT}\n\N{EM DASH} {name} {blob}\n".encode()


def test_every_line_of_the_checkpoint_that_torchwood_signed_verifies() -> None:
    text, lines = verified_lines(COSIGNED, KEYS)
    assert [line.verifier.name.rpartition("/")[2] for line in lines] == [
        "log", "w1", "w2", "w3", "pq",
    ]  # fmt: skip
    assert text.startswith("example.com/log\n20852163\n")
    assert [cosigned_at(line.verifier, line.signature) for line in lines] == [None] + [AT] * 4


@pytest.mark.parametrize("key", KEYS, ids=[key.name for key in KEYS])
def test_no_published_line_verifies_over_another_size(key: object) -> None:
    with pytest.raises(NoteError, match="is wrong"):
        open_note(COSIGNED.replace(b"20852163", b"20852164"), [key])  # type: ignore[list-item]


@pytest.mark.parametrize("case", PUBLISHED, ids=[case["path"][:12] for case in PUBLISHED])
def test_the_checkpoints_that_sunlight_cosigned_verify(case: dict[str, str]) -> None:
    text, [line] = verified_lines(case["note"].encode(), [parse_cosigner(case["vkey"])])
    assert cosigned_at(line.verifier, line.signature) == 1_767_139_200
    assert hashlib.sha256(text.splitlines()[0].encode()).hexdigest() in case["path"]


@pytest.mark.parametrize("key", KEYS, ids=[key.name for key in KEYS])
def test_published_keys_read_back_as_their_text(key: object) -> None:
    lines = (VECTORS / "cosignature" / "policy.txt").read_text()
    assert key.vkey in lines  # type: ignore[attr-defined]


def test_an_ed25519_cosignature_signs_header_time_and_text() -> None:
    _, [(_, _, signature)] = split_note(signed(ED25519))
    assert signature[:8] == struct.pack(">Q", AT)
    message = b"cosignature/v1\ntime 1790866138\n" + TEXT.encode()
    key = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
    assert signature[8:] == key.sign(message)


def test_an_ml_dsa_cosignature_signs_the_structure_of_the_standard() -> None:
    _, [(_, _, signature)] = split_note(signed(ML_DSA))
    name, origin = b"w.example/pq", b"vault.example/audit/2026h2"
    message = b"subtree/v1\n\x00" + struct.pack(
        f">B{len(name)}sQB{len(origin)}sQQ32s", len(name), name, AT, len(origin), origin, 0, 7, ROOT
    )
    assert signature[:8] == struct.pack(">Q", AT)
    key = MLDSA44PrivateKey.from_seed_bytes(bytes([7]) * 32).public_key()
    key.verify(signature[8:], message)


@BOTH
def test_a_cosignature_opens_with_the_key_that_its_text_names(cosigner: Cosigner) -> None:
    assert open_note(signed(cosigner), [parse_cosigner(cosigner.vkey)]) == TEXT


@BOTH
def test_a_log_may_sign_with_the_time_zero_which_says_nothing_of_freshness(
    cosigner: Cosigner,
) -> None:
    _, [line] = verified_lines(signed(cosigner, at=0), [cosigner.verifier])
    assert cosigned_at(line.verifier, line.signature) is None


@BOTH
def test_a_changed_time_fails(cosigner: Cosigner) -> None:
    later = struct.pack(">Q", AT + 1)
    with pytest.raises(NoteError, match="is wrong"):
        open_note(spoiled(cosigner, lambda made: later + made[8:]), [cosigner.verifier])


@BOTH
def test_a_time_beyond_63_bits_fails_by_name(cosigner: Cosigner) -> None:
    note = spoiled(cosigner, lambda made: b"\x80" + made[1:])
    with pytest.raises(NoteError, match="impossible time"):
        open_note(note, [cosigner.verifier])


@BOTH
@pytest.mark.parametrize(
    "change", [lambda made: made[:-1], lambda made: made + b"\0", lambda made: made[:8]]
)
def test_a_signature_of_another_size_fails_by_name(
    cosigner: Cosigner, change: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(NoteError, match="wrong size"):
        open_note(spoiled(cosigner, change), [cosigner.verifier])


@BOTH
@given(st.data())
def test_a_flipped_bit_fails(cosigner: Cosigner, data: st.DataObject) -> None:
    def flip(made: bytes) -> bytes:
        position = data.draw(st.integers(0, 8 * len(made) - 1))
        changed = bytearray(made)
        changed[position // 8] ^= 1 << position % 8
        return bytes(changed)

    with pytest.raises(NoteError):
        open_note(spoiled(cosigner, flip), [cosigner.verifier])


@BOTH
@pytest.mark.parametrize("text", ["no checkpoint\n", TEXT + "extension\n", TEXT.replace("7", "07")])
def test_only_checkpoints_without_extensions_are_cosigned(cosigner: Cosigner, text: str) -> None:
    with pytest.raises(NoteError, match="no checkpoint"):
        cosigner.cosign(text, AT)


@BOTH
def test_a_note_with_an_extension_line_fails_although_ml_dsa_would_not_cover_it(
    cosigner: Cosigner,
) -> None:
    note = signed(cosigner).replace(b"=\n\n", b"=\nextra\n\n")
    with pytest.raises(NoteError, match="no checkpoint"):
        open_note(note, [cosigner.verifier])


def test_one_ml_dsa_key_under_another_name_does_not_verify() -> None:
    renamed = MlDsaCosigner("w.example/other", MLDSA44PrivateKey.from_seed_bytes(bytes([7]) * 32))
    _, [(_, _, signature)] = split_note(signed(ML_DSA))
    with pytest.raises(NoteError, match="is wrong"):
        renamed.verifier.verify(TEXT, signature)


def test_the_same_key_has_another_id_for_each_type() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
    plain, cosigner = NoteSigner("w.example/ed", key), Ed25519Cosigner("w.example/ed", key)
    assert plain.key_id != cosigner.verifier.key_id
    with pytest.raises(NoteError, match="known key"):
        open_note(signed(cosigner), [plain.verifier])


@pytest.mark.parametrize("length", [256, 300])
def test_a_name_that_no_structure_can_hold_is_refused(length: int) -> None:
    key = MLDSA44PrivateKey.from_seed_bytes(bytes(32))
    with pytest.raises(NoteError, match="too long"):
        MlDsaCosigner("n" * length, key)
    with pytest.raises(NoteError, match="too long"):
        ML_DSA.cosign(TEXT.replace("vault.example", "v" * length), AT)


def test_a_name_of_255_bytes_is_the_longest() -> None:
    longest = MlDsaCosigner("n" * 255, MLDSA44PrivateKey.from_seed_bytes(bytes(32)))
    assert open_note(signed(longest), [parse_vkey(longest.vkey)]) == TEXT


@pytest.mark.parametrize("name", ["", "two words", "a+b", "tab\there"])
def test_a_malformed_name_is_refused(name: str) -> None:
    with pytest.raises(NoteError, match="name"):
        Ed25519Cosigner(name, Ed25519PrivateKey.generate())
    with pytest.raises(NoteError, match="name"):
        MlDsaCosigner(name, MLDSA44PrivateKey.generate())


def material(kind: int, key: bytes, name: str = "w.example") -> str:
    blob = bytes([kind]) + key
    key_id = hashlib.sha256(name.encode() + b"\n" + blob).hexdigest()[:8]
    return f"{name}+{key_id}+{base64.b64encode(blob).decode()}"


@pytest.mark.parametrize(
    "vkey",
    [
        material(0x02, bytes(32)),
        material(0x04, bytes(31)),
        material(0x04, bytes(33)),
        material(0x06, bytes(32)),
        material(0x06, bytes(1311)),
        material(0xFF, bytes(32)),
        ED25519.vkey.replace("+", "+0", 1),
        ED25519.vkey + "\n",
        "w.example",
        "w.example+00000000+",
    ],
)
def test_a_verification_key_of_no_known_form_is_refused(vkey: str) -> None:
    with pytest.raises(NoteError):
        parse_vkey(vkey)


def test_an_ml_dsa_key_under_a_name_that_is_too_long_is_refused() -> None:
    public = MLDSA44PrivateKey.from_seed_bytes(bytes(32)).public_key().public_bytes_raw()
    with pytest.raises(NoteError, match="too long"):
        parse_vkey(material(0x06, public, "n" * 256))


def test_a_key_without_a_time_is_no_cosigners() -> None:
    plain = NoteSigner("w.example", Ed25519PrivateKey.generate())
    assert parse_vkey(plain.vkey).vkey == plain.vkey
    with pytest.raises(NoteError, match="cosigner"):
        parse_cosigner(plain.vkey)


PLAIN = NoteSigner("w.example", Ed25519PrivateKey.generate())


@pytest.mark.parametrize("vkey", [PLAIN.vkey, ED25519.vkey, ML_DSA.vkey], ids=[1, 4, 6])
def test_a_key_under_another_name_is_the_same_key_with_another_id(vkey: str) -> None:
    verifier = parse_vkey(vkey)
    other = renamed(verifier, "other.example")
    assert other.name == "other.example"
    assert other.key_id != verifier.key_id
    assert renamed(other, verifier.name).vkey == vkey
    assert type(other) is type(verifier)


@BOTH
def test_the_repr_shows_the_public_half_only(cosigner: Cosigner) -> None:
    assert repr(cosigner) == f"{type(cosigner).__name__}({cosigner.vkey!r})"
