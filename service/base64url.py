"""Base64url without padding, in its one canonical form (RFC 7515 section 2, RFC 4648 section 5)."""

import base64
import binascii


class Base64UrlError(ValueError):
    """Text that is not base64url, or not the form that encoding gives."""


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes again. Raises Base64UrlError."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise Base64UrlError from error
    # Python's reader skips foreign characters and takes any last bits: two texts for the same
    # bytes, so a copy of a proof could look like a new one.
    if encode(data) != text:
        raise Base64UrlError
    return data
