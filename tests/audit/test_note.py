"""Signed notes against the published example, and one test for each way to be refused."""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit.note import NoteError, NoteSigner, NoteVerifier, open_note, sign_note

PUBLISHED = json.loads((Path(__file__).parents[1] / "vectors" / "tlog.json").read_text())[
    "signed_note"
]
PUBLISHED_NOTE = f"{PUBLISHED['text']}\n{PUBLISHED['signature_line']}".encode()
OURS = NoteSigner("vault.example/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))
OTHER = NoteSigner("witness.example", Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
TEXT = "vault.example/log\n7\nroot\n"
NOTE = OURS.sign(TEXT)


def line(name: str = "witness.example", blob: bytes = bytes(68)) -> str:
    return f"\N{EM DASH} {name} {base64.b64encode(blob).decode()}\n"


def with_lines(*lines: str) -> bytes:
    return NOTE + "".join(lines).encode()


def test_the_published_note_opens() -> None:
    verifier = NoteVerifier.parse(PUBLISHED["vkey"])
    note = PUBLISHED_NOTE if PUBLISHED_NOTE.endswith(b"\n") else PUBLISHED_NOTE + b"\n"
    assert open_note(note, [verifier]) == PUBLISHED["text"]
    assert verifier.key_id.hex() == PUBLISHED["key_id"]


def test_our_key_reads_back_from_its_text() -> None:
    assert open_note(NOTE, [NoteVerifier.parse(OURS.vkey)]) == TEXT


def test_the_text_may_hold_empty_lines_since_the_last_one_divides() -> None:
    text = "first\n\nsecond\n\nthird\n"
    assert open_note(OURS.sign(text), [OURS.verifier]) == text


def test_signatures_by_unknown_keys_are_ignored() -> None:
    note = with_lines(line(), line("another.example"))
    assert open_note(note, [OURS.verifier]) == TEXT


def test_sixteen_signatures_and_more_are_read() -> None:
    note = with_lines(*[line(f"witness{i}.example") for i in range(40)])
    assert open_note(note, [OURS.verifier]) == TEXT


def test_several_known_signers_sign_one_text() -> None:
    note = sign_note(TEXT, [OURS, OTHER])
    assert open_note(note, [OTHER.verifier, OURS.verifier]) == TEXT


def test_a_wrong_signature_by_a_known_key_refuses_the_note() -> None:
    note = with_lines(line(OTHER.name, OTHER.key_id + bytes(64)))
    with pytest.raises(NoteError, match="wrong"):
        open_note(note, [OURS.verifier, OTHER.verifier])


def test_a_known_key_signing_another_text_refuses_the_note() -> None:
    note = NOTE.replace(b"\n7\n", b"\n8\n")
    with pytest.raises(NoteError, match="wrong"):
        open_note(note, [OURS.verifier])


def test_a_note_without_a_known_signature_is_refused() -> None:
    with pytest.raises(NoteError, match="known key"):
        open_note(NOTE, [OTHER.verifier])


def test_the_same_name_with_another_key_is_another_signer() -> None:
    twin = NoteSigner(OURS.name, Ed25519PrivateKey.from_private_bytes(bytes([2]) * 32))
    with pytest.raises(NoteError, match="known key"):
        open_note(NOTE, [twin.verifier])


MALFORMED = {
    "nothing": b"",
    "no empty line": TEXT.encode(),
    "no signatures": f"{TEXT}\n".encode(),
    "no last newline": NOTE[:-1],
    "a tab in the text": OURS.sign(TEXT).replace(b"root", b"ro\tt"),
    "a carriage return": NOTE.replace(b"\n", b"\r\n"),
    "a null byte": NOTE.replace(b"root", b"ro\x00t"),
    "not UTF-8": NOTE.replace(b"root", b"ro\xfft"),
    "no dash": NOTE.replace("\N{EM DASH}".encode(), b"-"),
    "no name": with_lines("\N{EM DASH}  AAAAAAAA\n"),
    "no base64": with_lines("\N{EM DASH} witness.example ****\n"),
    "no signature": with_lines("\N{EM DASH} witness.example\n"),
    "a signature of four bytes": with_lines(line(blob=bytes(4))),
    "a plus in a name": with_lines(line("a+b")),
    "free bits in base64": with_lines("\N{EM DASH} witness.example AAAAAAB=\n"),
    "base64 in two lines": with_lines("\N{EM DASH} witness.example AAAA\nAAAA\n"),
    "too many signatures": with_lines(*[line(f"w{i}") for i in range(100)]),
    "too long": OURS.sign("x" * 1_000_000 + "\n"),
}


@pytest.mark.parametrize("note", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_note_is_refused(note: bytes) -> None:
    with pytest.raises(NoteError):
        open_note(note, [OURS.verifier])


VKEYS = {
    "empty": "",
    "no key": "vault.example/log+01020304",
    "another key id": OURS.vkey.replace(OURS.key_id.hex(), "00000000"),
    "upper-case key id": OURS.vkey.replace(OURS.key_id.hex(), OURS.key_id.hex().upper()),
    "another type": "x+01020304+" + base64.b64encode(b"\x02" + bytes(32)).decode(),
    "a short key": "x+01020304+" + base64.b64encode(b"\x01" + bytes(31)).decode(),
    "no base64": "x+01020304+Ä",
    "a space in the name": OURS.vkey.replace("vault", "va ult"),
    "a line end after it": OURS.vkey + "\n",
}


@pytest.mark.parametrize("vkey", VKEYS.values(), ids=VKEYS)
def test_a_malformed_verification_key_is_refused(vkey: str) -> None:
    with pytest.raises(NoteError):
        NoteVerifier.parse(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\x00b"])
def test_no_signer_has_a_malformed_name(name: str) -> None:
    with pytest.raises(NoteError):
        NoteSigner(name, Ed25519PrivateKey.generate())


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n"])
def test_no_text_is_signed_that_no_note_may_hold(text: str) -> None:
    with pytest.raises(NoteError):
        OURS.sign(text)


def test_the_repr_of_a_signer_shows_the_public_half_only() -> None:
    assert repr(OURS) == f"NoteSigner({OURS.vkey!r})"


@given(st.integers(0, len(NOTE) - 1), st.integers(0, 7))
def test_a_note_with_a_changed_bit_never_opens(place: int, bit: int) -> None:
    changed = bytearray(NOTE)
    changed[place] ^= 1 << bit
    with pytest.raises(NoteError):
        open_note(bytes(changed), [OURS.verifier])
