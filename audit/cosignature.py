"""Cosignatures (C2SP tlog-cosignature v1.1.0-rc.1): "this is the largest tree that I have seen".

Two signature types: Ed25519 (0x04), which signs a header, the time and the note's text, and
ML-DSA-44 (0x06), which signs a structure with the cosigner's name, the time, the log's origin and
the tree. Both carry the time in front of the signature. Witnesses make them, and the log itself
signs with ML-DSA-44, as C2SP tlog-checkpoint recommends. Extension lines in a checkpoint are
refused here as everywhere in this log, so both types sign all that the checkpoint says.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from audit.checkpoint import Checkpoint, CheckpointError
from audit.note import (
    NoteError,
    NoteVerifier,
    Verifier,
    check_name,
    format_line,
    key_id_of,
    split_vkey,
    vkey_of,
)

_ED25519_COSIGNATURE = 0x04
_ML_DSA_44_COSIGNATURE = 0x06
_TIME = struct.Struct(">Q")
_LABEL = b"subtree/v1\n\0"
_LONGEST_NAME = 255
_LATEST = 2**63 - 1


class Cosigner(Protocol):
    """A key that cosigns checkpoints at a time."""

    @property
    def vkey(self) -> str:
        """The verification key as text."""
        ...

    def cosign(self, text: str, at: int) -> str:
        """The signature line for the checkpoint; `at` in seconds since the epoch."""
        ...


class _Named:
    """How a cosigner's key is told, of either type."""

    __slots__ = ()

    TYPE: ClassVar[int]
    name: str
    key: Ed25519PublicKey | MLDSA44PublicKey

    @property
    def key_id(self) -> bytes:
        """Four bytes that, with the name, say which key a line is by."""
        return key_id_of(self.name, self._material)

    @property
    def vkey(self) -> str:
        """The verification key as text."""
        return vkey_of(self.name, self._material)

    @property
    def _material(self) -> bytes:
        return bytes([self.TYPE]) + self.key.public_bytes_raw()


@dataclass(frozen=True, slots=True)
class Ed25519CosignatureVerifier(_Named):
    """A cosigner's Ed25519 key (signature type 0x04)."""

    TYPE: ClassVar[int] = _ED25519_COSIGNATURE
    SIGNATURE_SIZE: ClassVar[int] = 64

    name: str
    key: Ed25519PublicKey

    def verify(self, text: str, signature: bytes) -> None:
        """Raises NoteError unless the signature is by this key, over a checkpoint."""
        _checkpoint(text)
        at, proper = _split(self, signature)
        _check(self.name, lambda: self.key.verify(proper, ed25519_message(text, at)))


@dataclass(frozen=True, slots=True)
class MlDsaCosignatureVerifier(_Named):
    """A cosigner's, or a log's, ML-DSA-44 key (signature type 0x06)."""

    TYPE: ClassVar[int] = _ML_DSA_44_COSIGNATURE
    SIGNATURE_SIZE: ClassVar[int] = 2420

    name: str
    key: MLDSA44PublicKey

    def verify(self, text: str, signature: bytes) -> None:
        """Raises NoteError unless the signature is by this key, over a checkpoint."""
        at, proper = _split(self, signature)
        message = ml_dsa_message(self.name, _checkpoint(text), at)
        _check(self.name, lambda: self.key.verify(proper, message))


CosignatureVerifier = Ed25519CosignatureVerifier | MlDsaCosignatureVerifier
AnyVerifier = NoteVerifier | CosignatureVerifier


class _Shown:
    """A private key of which only the public half is ever shown."""

    verifier: CosignatureVerifier

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.vkey!r})"

    @property
    def vkey(self) -> str:
        """The verification key as text."""
        return self.verifier.vkey


class Ed25519Cosigner(_Shown):
    """A witness's Ed25519 key. The message does not hold the cosigner's name: one key, one name."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        check_name(name)
        self._key = key
        self.verifier = Ed25519CosignatureVerifier(name, key.public_key())

    def cosign(self, text: str, at: int) -> str:
        """The signature line for the checkpoint; `at` in seconds since the epoch."""
        _checkpoint(text)
        signature = self._key.sign(ed25519_message(text, at))
        return _line(self.verifier, at, signature)


class MlDsaCosigner(_Shown):
    """An ML-DSA-44 key of a witness or a log."""

    def __init__(self, name: str, key: MLDSA44PrivateKey) -> None:
        _check_short(name)
        self._key = key
        self.verifier = MlDsaCosignatureVerifier(name, key.public_key())

    def cosign(self, text: str, at: int) -> str:
        """The signature line for the checkpoint; `at` in seconds since the epoch."""
        signature = self._key.sign(ml_dsa_message(self.verifier.name, _checkpoint(text), at))
        return _line(self.verifier, at, signature)


def parse_vkey(vkey: str) -> AnyVerifier:
    """The verifier that a verification key names, of one of our three types. Raises NoteError."""
    name, material = split_vkey(vkey)
    public = material[1:]
    if material[0] == _ED25519_COSIGNATURE and len(public) == 32:
        return Ed25519CosignatureVerifier(name, Ed25519PublicKey.from_public_bytes(public))
    if material[0] == _ML_DSA_44_COSIGNATURE and len(public) == 1312:
        _check_short(name)
        return MlDsaCosignatureVerifier(name, MLDSA44PublicKey.from_public_bytes(public))
    return NoteVerifier.parse(vkey)


def parse_cosigner(vkey: str) -> CosignatureVerifier:
    """The verifier of a witness: its signatures carry a time. Raises NoteError."""
    found = parse_vkey(vkey)
    if isinstance(found, NoteVerifier):
        raise NoteError("not a key of a cosigner")
    return found


def renamed(verifier: AnyVerifier, name: str) -> AnyVerifier:
    """The same key under another name: one log's key under the name of its next half-year."""
    if isinstance(verifier, NoteVerifier):
        return NoteVerifier.of(name, verifier.key)
    if isinstance(verifier, Ed25519CosignatureVerifier):
        return Ed25519CosignatureVerifier(name, verifier.key)
    return MlDsaCosignatureVerifier(name, verifier.key)


def cosigned_at(verifier: Verifier, signature: bytes) -> int | None:
    """When a VERIFIED signature was made, in seconds since the epoch.

    None when it says nothing of that: type 0x01 has no time, and a log may sign with the time 0.
    """
    if isinstance(verifier, Ed25519CosignatureVerifier | MlDsaCosignatureVerifier):
        return _split(verifier, signature)[0] or None
    return None


def ed25519_message(text: str, at: int) -> bytes:
    """What an Ed25519 cosignature signs."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def ml_dsa_message(cosigner: str, checkpoint: Checkpoint, at: int) -> bytes:
    """What an ML-DSA-44 cosignature signs: the structure `cosigned_message` with start 0."""
    _check_short(checkpoint.origin)
    return b"".join(
        (
            _LABEL,
            _opaque(cosigner),
            _TIME.pack(at),
            _opaque(checkpoint.origin),
            _TIME.pack(0),
            _TIME.pack(checkpoint.size),
            checkpoint.root,
        )
    )


def _opaque(value: str) -> bytes:
    """`opaque<1..2^8-1>` (RFC 8446 section 3.4)."""
    data = value.encode()
    return bytes([len(data)]) + data


def _check_short(name: str) -> None:
    check_name(name)
    if len(name.encode()) > _LONGEST_NAME:
        raise NoteError("name too long for ML-DSA-44 cosignatures")


def _checkpoint(text: str) -> Checkpoint:
    try:
        return Checkpoint.parse(text)
    except CheckpointError as error:
        raise NoteError("a cosignature of something that is no checkpoint") from error


def _split(verifier: CosignatureVerifier, signature: bytes) -> tuple[int, bytes]:
    if len(signature) != _TIME.size + verifier.SIGNATURE_SIZE:
        raise NoteError(f"signature by {verifier.name} has a wrong size")
    (at,) = _TIME.unpack(signature[: _TIME.size])
    if at > _LATEST:
        raise NoteError(f"signature by {verifier.name} has an impossible time")
    return at, signature[_TIME.size :]


def _line(verifier: CosignatureVerifier, at: int, signature: bytes) -> str:
    return format_line(verifier.name, verifier.key_id, _TIME.pack(at) + signature)


def _check(name: str, verify: Callable[[], None]) -> None:
    try:
        verify()
    except InvalidSignature as error:
        raise NoteError(f"signature by {name} is wrong") from error
