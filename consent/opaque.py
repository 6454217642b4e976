"""Opaque handles: request addresses, codes and tokens that say nothing and cannot be guessed.

256 random bits in base64url; only their SHA-256 is stored, so that a stolen database holds no
handle that works (FAPI 2.0 section 5.4.1 asks for 128 bits). Lookup by digest compares in the
index, never byte by byte against a secret.
"""

import hashlib
import secrets


def new_handle() -> str:
    """43 characters of base64url over 32 random bytes."""
    return secrets.token_urlsafe(32)


def stored_digest(handle: str) -> bytes:
    """SHA-256 of the handle: what is stored instead of it."""
    return hashlib.sha256(handle.encode()).digest()


def logged_digest(stored: bytes) -> str:
    """What the log says of a handle: another hash, so that no event tells which row it is about
    to somebody who has the handle's digest from a stolen database."""
    return hashlib.sha256(stored).hexdigest()
