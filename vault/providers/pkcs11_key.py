"""One key-encryption key inside a token, and what it can do.

Wrapped key, format `03`: the header of `vault.keys`, a random IV (12 bytes), AES-256-GCM of the
key and its tag (16 bytes), with header and context as associated data. Format `02`, for tokens
that take no IV from outside: the header, then AES key wrap with padding (RFC 5649) of the key and
the SHA-256 of header and context. Key wrap has no associated data, but what it opens has come out
of it in one piece, so the digest inside binds as well.
"""

import hmac
import os
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11 import exceptions as fault
from pkcs11.mechanisms import GCMParams

from audit.key_errors import KeyProviderError
from vault.envelope import MisplacedError, TruncatedError, join_parts
from vault.keys import WRAP_HEADER, WrapFormat, read_header
from vault.providers.pkcs11_token import LOST

_IV = 12
_TAG = 16
_DIGEST = 32
_WRAP_OVERHEAD = 8
_PROBE = b"consent-vault probe, thirty-two."
_KINDS = (
    ({Mechanism.AES_GCM}, MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT),
    (
        {Mechanism.AES_KEY_WRAP_KWP, Mechanism.AES_KEY_WRAP_PAD},
        MechanismFlag.WRAP | MechanismFlag.UNWRAP,
    ),
)
"""What a key can be made for: the mechanisms of which the token must have one, and its use."""
_NOT_FOR_THIS_TOKEN = (
    fault.FunctionNotSupported,
    fault.MechanismInvalid,
    fault.MechanismParamInvalid,
)


class UnsafeTokenKeyError(KeyProviderError):
    """A key in the token that could leave it, or that is not one of ours."""

    def __init__(self, label: str, reason: str) -> None:
        super().__init__(
            f"a key with the label {label!r} {reason}",
            repair="remove it from the token, or set CONSENT_VAULT_PKCS11_KEY to another label",
        )


class NoMechanismError(KeyProviderError):
    """The token has neither AES-GCM with an IV from outside nor AES key wrap with padding."""

    def __init__(self) -> None:
        super().__init__(
            "the token can neither AES-GCM with our IV nor AES key wrap with padding",
            repair="allow one of them to this user of the token, or take another token",
        )


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key of the token, for as long as the session that found it."""

    number: int
    key: Any
    by_gcm: bool
    """Whether it encrypts; else it wraps. No key does both, or one could be made to open itself."""

    @classmethod
    def found(cls, key: Any, label: str) -> "TokenKey":
        """The key as it stands in the token. Raises UnsafeTokenKeyError."""
        if not key[Attribute.SENSITIVE] or key[Attribute.EXTRACTABLE]:
            raise UnsafeTokenKeyError(label, "may leave the token")
        number = key[Attribute.ID]
        if len(number) != 4 or key[Attribute.VALUE_LEN] != 32:
            raise UnsafeTokenKeyError(label, "is not one of ours")
        return cls(int.from_bytes(number, "big"), key, bool(key[Attribute.ENCRYPT]))

    @classmethod
    def made(cls, session: pkcs11.Session, label: str, number: int) -> "TokenKey":
        """A new key in the token, of the first kind that works there. Raises NoMechanismError."""
        known = session.token.slot.get_mechanisms()
        for mechanisms, capabilities in _KINDS:
            if mechanisms.isdisjoint(known):
                continue
            key = cls.found(_generated(session, label, number, capabilities), label)
            if key.suits():
                return key
            key.key.destroy()
        raise NoMechanismError

    def wrap(self, plain: bytes, context: bytes) -> bytes:
        """The plain key, wrapped; see the module."""
        wrap_format = WrapFormat.TOKEN_GCM if self.by_gcm else WrapFormat.TOKEN_KEY_WRAP
        header = WRAP_HEADER.pack(wrap_format, self.number)
        bound = join_parts(header, context)
        return header + (self._sealed if self.by_gcm else self._wrapped)(plain, bound)

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        """The plain key again. Raises a SealError, or what the token says when it is at fault."""
        wrap_format, _ = read_header(blob)
        header, sealed = blob[: WRAP_HEADER.size], blob[WRAP_HEADER.size :]
        if wrap_format != (WrapFormat.TOKEN_GCM if self.by_gcm else WrapFormat.TOKEN_KEY_WRAP):
            raise MisplacedError
        open_ = self._opened if self.by_gcm else self._unwrapped
        try:
            return open_(sealed, join_parts(header, context))
        except LOST:
            raise
        except fault.PKCS11Error as error:
            # Tokens differ in what they say of a tag that is wrong, and some say no more than
            # that something was: so see whether the key does what it should.
            if self.works():
                raise MisplacedError from error
            raise

    def works(self) -> bool:
        """Whether a round trip gives back what went in."""
        bound = os.urandom(_DIGEST)
        if self.by_gcm:
            return self._opened(self._sealed(_PROBE, bound), bound) == _PROBE
        return self._unwrapped(self._wrapped(_PROBE, bound), bound) == _PROBE

    def suits(self) -> bool:
        """Whether the token lets the key do what it was made for."""
        try:
            return self.works()
        except _NOT_FOR_THIS_TOKEN:
            return False

    def _sealed(self, plain: bytes, bound: bytes) -> bytes:
        iv = os.urandom(_IV)
        return iv + bytes(self.key.encrypt(plain, **_gcm(iv, bound)))

    def _opened(self, sealed: bytes, bound: bytes) -> bytes:
        if len(sealed) < _IV + _TAG:
            raise TruncatedError
        return bytes(self.key.decrypt(sealed[_IV:], **_gcm(sealed[:_IV], bound)))

    def _wrapped(self, plain: bytes, bound: bytes) -> bytes:
        session = self.key.session
        content = plain + sha256(bound).digest()
        passing = session.create_object(_PASSING | {Attribute.VALUE: content})
        try:
            return bytes(self.key.wrap_key(passing, mechanism=key_wrap(session)))
        finally:
            passing.destroy()

    def _unwrapped(self, wrapped: bytes, bound: bytes) -> bytes:
        if len(wrapped) < _WRAP_OVERHEAD + _DIGEST:
            raise TruncatedError
        passing = self.key.unwrap_key(
            ObjectClass.SECRET_KEY,
            KeyType.GENERIC_SECRET,
            wrapped,
            mechanism=key_wrap(self.key.session),
            template=_IN_PASSING,
        )
        try:
            content = bytes(passing[Attribute.VALUE])
        finally:
            passing.destroy()
        if not hmac.compare_digest(content[-_DIGEST:], sha256(bound).digest()):
            raise MisplacedError
        return content[:-_DIGEST]


_IN_PASSING = {
    Attribute.TOKEN: False,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: False,
    Attribute.EXTRACTABLE: True,
}
_PASSING = _IN_PASSING | {
    Attribute.CLASS: ObjectClass.SECRET_KEY,
    Attribute.KEY_TYPE: KeyType.GENERIC_SECRET,
}
"""A key on its way through the token, in the session's memory only."""


def _generated(
    session: pkcs11.Session, label: str, number: int, capabilities: MechanismFlag
) -> Any:
    return session.generate_key(
        KeyType.AES,
        256,
        id=number.to_bytes(4, "big"),
        label=label,
        store=True,
        capabilities=capabilities,
        template={
            Attribute.PRIVATE: True,
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
            Attribute.MODIFIABLE: False,
        },
    )


def _gcm(iv: bytes, bound: bytes) -> dict[str, Any]:
    return {"mechanism": Mechanism.AES_GCM, "mechanism_param": GCMParams(iv, bound, _TAG * 8)}


def key_wrap(session: pkcs11.Session) -> Mechanism:
    """RFC 5649 by the number of PKCS #11 3.0 where the token has it, else by the older one."""
    if Mechanism.AES_KEY_WRAP_KWP in session.token.slot.get_mechanisms():
        return Mechanism.AES_KEY_WRAP_KWP
    return Mechanism.AES_KEY_WRAP_PAD
