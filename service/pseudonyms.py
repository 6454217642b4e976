"""What auditors see instead of a person: a pseudonym, the same at every look, and only here.

The person's id is sealed with AES-SIV (RFC 5297), which gives the same text for the same person
and none without the key: so two entries about one person can be told from two about two, and a
pseudonym can be searched for, yet it leads to nobody outside this installation. It is one for all
auditors, so that a second one can repeat the first one's work. In an address it never stands.
"""

import base64
import binascii
import hmac
import re
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from policies.ids import PersonId

_PURPOSE = b"consent-vault/auditor-pseudonym/v1"
_TEXT = re.compile(r"p-[a-z2-7]{52}")


class UnknownPseudonymError(ValueError):
    """A text that is no pseudonym of this installation."""


class Pseudonyms:
    """Makes and reads pseudonyms; `key` has 32 bytes. Its repr hides the key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(hmac.digest(key, _PURPOSE, "sha512"))

    def of(self, person: PersonId) -> str:
        """The person's pseudonym: `p-` and 52 characters of base32 (RFC 4648) in lower case."""
        sealed = self._cipher.encrypt(person.bytes, [_PURPOSE])
        return "p-" + base64.b32encode(sealed).decode("ascii").rstrip("=").lower()

    def person(self, pseudonym: str) -> PersonId:
        """The person again. Raises UnknownPseudonymError."""
        if _TEXT.fullmatch(pseudonym) is None:
            raise UnknownPseudonymError
        try:
            sealed = base64.b32decode(pseudonym[2:].upper() + "====")
            person = PersonId(UUID(bytes=self._cipher.decrypt(sealed, [_PURPOSE])))
        except (binascii.Error, InvalidTag) as error:
            raise UnknownPseudonymError from error
        if self.of(person) != pseudonym:  # base32 leaves bits over; only one spelling is right
            raise UnknownPseudonymError
        return person
