"""The port to key providers.

Hierarchy: key-encryption key (never leaves its provider) → a random key for each person, kept
wrapped in our database → a key for each record, derived by the envelope. Person keys are not
remembered: unwrapping costs less than the exposure is worth.

Key-encryption keys are numbered from 1. The highest number wraps, all of them unwrap until they
are destroyed, and a number is never given twice. Every wrapped key begins with the same header:
format (1 byte, `WrapFormat`), number of the key-encryption key (u32 big-endian). Format and number
are bound to the rest, so a header that was rewritten does not open.
"""

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol

from audit.key_errors import KeyProviderError
from vault.envelope import SealError, TruncatedError

KEY_BYTES = 32
WRAP_HEADER = struct.Struct(">BI")


class WrapFormat(IntEnum):
    """The first byte of a wrapped key: how the rest was made."""

    SOFTWARE = 1
    """Cobblestone-256 by a key in this process's memory."""
    TOKEN_KEY_WRAP = 2
    """AES key wrap with padding (RFC 5649) inside a PKCS#11 token."""
    TOKEN_GCM = 3
    """AES-256-GCM inside a PKCS#11 token."""
    SERVICE = 4
    """By a remote key service."""
    SEALED = 5
    """As SOFTWARE, by a key that a token or a service keeps sealed while nobody serves."""


class UnknownKeyError(SealError):
    """Wrapped under a key-encryption key that the provider does not have."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"no key-encryption key {key_id} in this provider")
        self.key_id = key_id


class CurrentKeyError(KeyProviderError):
    """The key that wraps now is not destroyed: add another one first."""

    def __init__(self, key_id: str) -> None:
        repair = "add another key first, and let everything be wrapped under it"
        super().__init__(f"{key_id} wraps now", repair=repair)
        self.key_id = key_id


class OlderKeysError(KeyProviderError):
    """Tokens and services end their keys from the oldest on."""

    def __init__(self, oldest: str) -> None:
        repair = f"let nothing need {oldest} any more, and destroy it first"
        super().__init__(f"{oldest} is older and still there", repair=repair)
        self.oldest = oldest


class OutsideKeysError(KeyProviderError):
    """The provider's keys come from outside, so only the operator can add or destroy one."""


class NoKeyError(KeyProviderError):
    """The provider has no key-encryption key at all."""


class KeyProvider(Protocol):
    """Holds key-encryption keys and wraps other keys under them (`audit.keys.KeyWrapper` too).

    Any method can raise KeysUnavailableError where the keys are not in this process.
    """

    @property
    def key_id(self) -> str:
        """The key-encryption key that wraps now."""
        ...

    def key_ids(self) -> tuple[str, ...]:
        """All that can unwrap, oldest first; the last one is the one that wraps."""
        ...

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """The key, sealed and bound to the context, under the key that wraps as of this call."""
        ...

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        """The key again. Raises a SealError."""
        ...

    def wrapped_under(self, blob: bytes) -> str:
        """The key-encryption key named in the header, whether it is here or not.

        Raises TruncatedError or UnknownFormatError; nothing is decrypted.
        """
        ...

    def add_key(self) -> str:
        """Make the next key-encryption key, which wraps from now on. Raises KeyProviderError."""
        ...

    def destroy(self, key_id: str) -> None:
        """Destroy a key-encryption key for good: what is wrapped under it never opens again.

        A transaction that is not committed yet may hold a key wrapped under it a moment ago, so
        give the last ones time before you look whether anything needs the key still. The oldest
        goes first. Raises CurrentKeyError, UnknownKeyError or another KeyProviderError.
        """
        ...

    def close(self) -> None:
        """Let go of what the provider holds open. It opens again when it is used."""
        ...


def read_header(blob: bytes) -> tuple[int, int]:
    """Format and number in the header of a wrapped key. Raises TruncatedError."""
    if len(blob) < WRAP_HEADER.size:
        raise TruncatedError
    wrap_format, number = WRAP_HEADER.unpack_from(blob)
    return wrap_format, number


def check_destructible(key_id: str, key_ids: Sequence[str]) -> None:
    """Raises UnknownKeyError, CurrentKeyError or OlderKeysError unless it is the oldest of some."""
    if key_id not in key_ids:
        raise UnknownKeyError(key_id)
    if key_id == key_ids[-1]:
        raise CurrentKeyError(key_id)
    if key_id != key_ids[0]:
        raise OlderKeysError(key_ids[0])


def wipe(key: bytearray) -> None:
    """Overwrite a key. Copies that the library or the interpreter made are beyond our reach."""
    key[:] = bytes(len(key))
