"""The transit engine of HashiCorp Vault and OpenBao: a key that never leaves its server.

Satisfies `vault.providers.service.KeyService`; the rooms do not know each other. A key that may
be exported or backed up in plain text is refused, since then it could leave the server after all.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any

from audit.key_errors import KeyProviderError
from connectors.transit_api import TransitApi, unintelligible

NAME = re.compile(r"[A-Za-z0-9_-]+")
_CIPHERTEXT = re.compile(r"vault:v([1-9][0-9]{0,8}):([A-Za-z0-9+/]+={0,2})")
_BOUND_TYPES = frozenset({"aes256-gcm96", "chacha20-poly1305", "xchacha20-poly1305"})
"""Types of keys that take associated data and have 256 bits."""


class UnsafeTransitKeyError(KeyProviderError):
    """The key could leave the server, or binds nothing."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"the transit key {name!r} {reason}",
            repair="name another one in CONSENT_VAULT_TRANSIT_KEY, or none: it is made then",
        )


class TransitKeys:
    """The versions of one named key."""

    kind = "transit"

    def __init__(self, api: TransitApi, name: str) -> None:
        self._api = api
        self._name = name

    def __repr__(self) -> str:
        return f"TransitKeys({self._name!r})"

    def close(self) -> None:
        """Let go of the connection; the next call makes another one."""
        self._api.close()

    def versions(self) -> tuple[int, ...]:
        """The versions that decrypt, oldest first; none without a key."""
        found = self._api.read(f"keys/{self._name}")
        return () if found is None else self._usable(found)

    def encrypt(self, plain: bytes, bound: bytes) -> tuple[int, bytes]:
        """The newest version's number, and what it made."""
        body = {"plaintext": _text(plain), "associated_data": _text(bound)}
        made = self._api.write(f"encrypt/{self._name}", body).get("ciphertext")
        found = _CIPHERTEXT.fullmatch(made) if isinstance(made, str) else None
        if found is None:
            raise unintelligible()
        return int(found[1]), _bytes(found[2])

    def decrypt(self, version: int, sealed: bytes, bound: bytes) -> bytes | None:
        """None for another key, another context and a version that is gone: one answer for all."""
        ciphertext = f"vault:v{version}:{_text(sealed)}"
        body = {"ciphertext": ciphertext, "associated_data": _text(bound)}
        opened = self._api.ask(f"decrypt/{self._name}", body)
        return None if opened is None else _bytes(opened.get("plaintext"))

    def rotate(self) -> int:
        """A new version, or the key where there is none."""
        if self.versions():
            # Once only: of two tries both may have been heard.
            self._api.write(f"keys/{self._name}/rotate", {}, tries=1)
        else:
            self._api.write(f"keys/{self._name}", {"type": "aes256-gcm96"})
        return self.versions()[-1]

    def destroy_through(self, version: int) -> None:
        """Trim this version and all before it."""
        # The minimums come first: the server trims nothing that could be used still. Run again
        # after a failure in between, it goes on where it was.
        least = version + 1
        minimums = {"min_decryption_version": least, "min_encryption_version": least}
        self._api.write(f"keys/{self._name}/config", minimums)
        self._api.write(f"keys/{self._name}/trim", {"min_available_version": least})

    def remove(self) -> None:
        """Delete the key with all its versions."""
        self._api.write(f"keys/{self._name}/config", {"deletion_allowed": True})
        self._api.delete(f"keys/{self._name}")

    def _usable(self, key: Mapping[str, Any]) -> tuple[int, ...]:
        if key.get("exportable") or key.get("allow_plaintext_backup"):
            raise UnsafeTransitKeyError(self._name, "may leave the server")
        if key.get("type") not in _BOUND_TYPES or key.get("derived"):
            raise UnsafeTransitKeyError(self._name, "is of a type that binds nothing")
        versions, least = key.get("keys"), key.get("min_decryption_version")
        if not isinstance(versions, dict) or not isinstance(least, int):
            raise unintelligible()
        numbers = sorted(int(each) for each in versions if str(each).isdecimal())
        return tuple(number for number in numbers if number >= least)


def _text(content: bytes) -> str:
    return b64encode(content).decode()


def _bytes(text: object) -> bytes:
    if not isinstance(text, str):
        raise unintelligible()
    try:
        return b64decode(text, validate=True)
    except Base64Error as error:
        raise unintelligible() from error
