"""Signed notes (C2SP signed-note v1.0.0) with Ed25519 keys (signature type 0x01).

A note is a text, an empty line, and one line for each signature. A reader ignores signatures by
keys unknown to it and refuses the whole note when the signature of a known key is wrong. Other
signature types (cosignatures 0x04, ML-DSA-44 0x06: `audit.cosignature`) stand beside these as
lines of other keys.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = 0x01
_KEY_SIZE = 33
_KEY_ID_SIZE = 4
_DASH = "\N{EM DASH} "
_MAX_NOTE_BYTES = 1_000_000
_MAX_SIGNATURES = 100
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteError(ValueError):
    """A note, key or name that is not in canonical form, or not signed as it must be."""


class SignatureLines(Protocol):
    """Something that can sign a note's text."""

    def signature_line(self, text: str) -> str:
        """The line for this signature, with its newline."""
        ...


class Verifier(Protocol):
    """A public key with its name, of whatever signature type."""

    @property
    def name(self) -> str:
        """The key's name; a log's is its origin."""
        ...

    @property
    def key_id(self) -> bytes:
        """Four bytes that, with the name, say which key a line is by."""
        ...

    @property
    def vkey(self) -> str:
        """The verification key as text."""
        ...

    def verify(self, text: str, signature: bytes) -> None:
        """Raises NoteError unless the signature is by this key."""
        ...


@dataclass(frozen=True, slots=True)
class VerifiedLine:
    """A signature that a known key has made."""

    verifier: Verifier
    signature: bytes


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """A public key with its name."""

    name: str
    key_id: bytes
    key: Ed25519PublicKey

    @classmethod
    def parse(cls, vkey: str) -> "NoteVerifier":
        """From `<name>+<key id, hex>+<base64 of type and key>`. Raises NoteError."""
        name, material = split_vkey(vkey)
        if len(material) != _KEY_SIZE or material[0] != _ED25519:
            raise NoteError("not an Ed25519 verification key")
        return cls.of(name, Ed25519PublicKey.from_public_bytes(material[1:]))

    @classmethod
    def of(cls, name: str, key: Ed25519PublicKey) -> "NoteVerifier":
        """The verifier of this key under this name. Raises NoteError for a malformed name."""
        check_name(name)
        return cls(name, key_id_of(name, _material(key)), key)

    @property
    def vkey(self) -> str:
        """The verification key as text."""
        return vkey_of(self.name, _material(self.key))

    def verify(self, text: str, signature: bytes) -> None:
        """Raises NoteError unless the signature is by this key."""
        try:
            self.key.verify(signature, text.encode())
        except InvalidSignature as error:
            raise NoteError(f"signature by {self.name} is wrong") from error


class NoteSigner:
    """A private key with its name. Its repr shows the public half only."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self.verifier = NoteVerifier.of(name, key.public_key())
        self.name = name
        self.key_id = self.verifier.key_id
        self._key = key

    def __repr__(self) -> str:
        return f"NoteSigner({self.vkey!r})"

    @property
    def vkey(self) -> str:
        """The verification key as text."""
        return self.verifier.vkey

    def signature_line(self, text: str) -> str:
        """The line for this key's signature over the text."""
        return format_line(self.name, self.key_id, self._key.sign(text.encode()))

    def sign(self, text: str) -> bytes:
        """The note with this one signature."""
        return sign_note(text, [self])


def sign_note(text: str, signers: Iterable[SignatureLines]) -> bytes:
    """The note with a line by each signer. Raises NoteError for a text no note may hold."""
    _check_text(text)
    return (text + "\n" + "".join(each.signature_line(text) for each in signers)).encode()


def open_note(note: bytes, verifiers: Collection[Verifier]) -> str:
    """The text of a note that at least one of the verifiers' keys has signed.

    Raises NoteError, also when a known key's signature is wrong beside a right one.
    """
    text, verified = verified_lines(note, verifiers)
    if not verified:
        raise NoteError("no signature by a known key")
    return text


def verified_lines(
    note: bytes, verifiers: Collection[Verifier]
) -> tuple[str, tuple[VerifiedLine, ...]]:
    """The text and what the known keys have signed of it, which may be nothing at all.

    Raises NoteError when the signature of a known key is wrong.
    """
    text, signatures = split_note(note)
    known = {(each.name, each.key_id): each for each in verifiers}
    found = []
    for name, key_id, signature in signatures:
        verifier = known.get((name, key_id))
        if verifier is not None:
            verifier.verify(text, signature)
            found.append(VerifiedLine(verifier, signature))
    return text, tuple(found)


def split_note(note: bytes) -> tuple[str, Sequence[tuple[str, bytes, bytes]]]:
    """Text and signatures (name, key id, bytes), read strictly but NOT verified."""
    if len(note) > _MAX_NOTE_BYTES:
        raise NoteError("too long")
    try:
        whole = note.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteError("not UTF-8") from error
    head, separator, tail = whole.rpartition("\n\n")
    text = head + "\n"
    if not separator or not tail.endswith("\n"):
        raise NoteError("no signature lines after an empty line")
    _check_text(text)
    lines = tail[:-1].split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise NoteError("too many signatures")
    return text, [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes, bytes]:
    if not line.startswith(_DASH):
        raise NoteError("malformed signature line")
    name, separator, encoded = line.removeprefix(_DASH).partition(" ")
    blob = _decode(encoded)
    check_name(name)
    if not separator or len(blob) <= _KEY_ID_SIZE:
        raise NoteError("malformed signature line")
    return name, blob[:_KEY_ID_SIZE], blob[_KEY_ID_SIZE:]


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteError("text without its last newline")
    if _CONTROL.search(text):
        raise NoteError("control character")


def check_name(name: str) -> None:
    """Raises NoteError unless a key may have this name."""
    if not name or "+" in name or any(c.isspace() or ord(c) < 0x20 for c in name):
        raise NoteError("malformed key name")


def format_line(name: str, key_id: bytes, signature: bytes) -> str:
    """A signature line, with its newline."""
    return f"{_DASH}{name} {_encode(key_id + signature)}\n"


def key_id_of(name: str, material: bytes) -> bytes:
    """The key id; `material` is the type byte and the public key."""
    return hashlib.sha256(name.encode() + b"\n" + material).digest()[:_KEY_ID_SIZE]


def vkey_of(name: str, material: bytes) -> str:
    """The text form of a verification key."""
    return f"{name}+{key_id_of(name, material).hex()}+{_encode(material)}"


def split_vkey(vkey: str) -> tuple[str, bytes]:
    """Name, and type byte with public key, of a verification key. Raises NoteError."""
    name, _, rest = vkey.partition("+")
    key_id, separator, encoded = rest.partition("+")
    material = _decode(encoded)
    if not separator or not material:
        raise NoteError("not a verification key")
    check_name(name)
    if key_id != key_id_of(name, material).hex():
        raise NoteError("key id and key differ")
    return name, material


def _material(key: Ed25519PublicKey) -> bytes:
    return bytes([_ED25519]) + key.public_bytes_raw()


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decode(text: str) -> bytes:
    """Standard base64 in its one canonical spelling. Raises NoteError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("not base64") from error
    if _encode(data) != text:
        raise NoteError("base64 not in canonical form")
    return data
