"""Keys inside a PKCS#11 token: they are made there, never leave it, and end there.

Every key-encryption key is an AES-256 key, SENSITIVE and not EXTRACTABLE, with the installation's
label as CKA_LABEL and its number (u32 big-endian) as CKA_ID. Needs the extra `pkcs11`.
"""

from collections.abc import Mapping
from typing import Any

import pkcs11
from pkcs11 import Attribute, KeyType, ObjectClass

from audit.key_errors import KeyProviderError
from vault.envelope import UnknownFormatError
from vault.keys import (
    NoKeyError,
    UnknownKeyError,
    WrapFormat,
    check_destructible,
    read_header,
)
from vault.providers.pkcs11_key import TokenKey
from vault.providers.pkcs11_token import TokenSession

_FORMATS = {WrapFormat.TOKEN_GCM, WrapFormat.TOKEN_KEY_WRAP}


class SameNumberError(KeyProviderError):
    """Two keys of the token have one number."""

    def __init__(self, key_id: str, repair: str) -> None:
        super().__init__(f"the token has two keys {key_id}", repair=repair)
        self.key_id = key_id


class Pkcs11KeyProvider:
    """Key-encryption keys of one label in a token. Satisfies `vault.keys.KeyProvider`."""

    def __init__(self, session: TokenSession, label: str) -> None:
        """Nothing is asked of the token before the first call."""
        self._session = session
        self._label = label
        self._found: tuple[object, Mapping[int, TokenKey]] = (None, {})

    def __repr__(self) -> str:
        return f"Pkcs11KeyProvider({self._session!r}, {self._label!r})"

    @property
    def key_id(self) -> str:
        return _id(self._session.run(self._newest).number)

    def key_ids(self) -> tuple[str, ...]:
        return tuple(_id(number) for number in sorted(self._session.run(self._listed)))

    def wrap(self, key: bytes, context: bytes) -> bytes:
        return self._session.run(lambda session: self._newest(session).wrap(key, context))

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        number = _number_in(blob)
        return self._session.run(
            lambda session: self._numbered(session, number).unwrap(blob, context)
        )

    def wrapped_under(self, blob: bytes) -> str:
        return _id(_number_in(blob))

    def add_key(self) -> str:
        return self._session.change(self._added)

    def destroy(self, key_id: str) -> None:
        self._session.change(lambda session: self._destroyed(session, key_id))

    def leave(self) -> None:
        """See `vault.providers.moving`."""
        self._session.change(self._left)

    def close(self) -> None:
        """Log out of the token."""
        self._session.close()

    def _added(self, session: pkcs11.Session) -> str:
        number = max(self._listed(session), default=0) + 1
        made = TokenKey.made(session, self._label, number)
        if len(self._objects(session, number)) > 1:
            # Another process was at the same: whoever sees two takes back its own.
            made.key.destroy()
            raise SameNumberError(_id(number), "run the command again, on one machine only")
        return _id(number)

    def _destroyed(self, session: pkcs11.Session, key_id: str) -> None:
        keys = self._listed(session)
        check_destructible(key_id, [_id(number) for number in sorted(keys)])
        keys[min(keys)].key.destroy()

    def _left(self, session: pkcs11.Session) -> None:
        (key,) = self._listed(session).values()
        key.key.destroy()

    def _numbered(self, session: pkcs11.Session, number: int) -> TokenKey:
        of, keys = self._found
        known = keys.get(number) if of is session else None
        found = known or self._listed(session).get(number)
        if found is None:
            raise UnknownKeyError(_id(number))
        return found

    def _newest(self, session: pkcs11.Session) -> TokenKey:
        of, keys = self._found
        # The one that wraps is there as long as there is none with the next number: it is not
        # destroyed before. To ask for that one alone is ten times faster than to list them all.
        if of is session and keys and not self._has(session, max(keys) + 1):
            return keys[max(keys)]
        keys = self._listed(session)
        if not keys:
            raise NoKeyError(
                f"the token has no key with the label {self._label!r}",
                repair="restore it from the token's backup, or correct CONSENT_VAULT_PKCS11_TOKEN"
                " and CONSENT_VAULT_PKCS11_KEY",
            )
        return keys[max(keys)]

    def _listed(self, session: pkcs11.Session) -> Mapping[int, TokenKey]:
        """The keys as they stand in the token now. Raises KeyProviderError."""
        listed: dict[int, TokenKey] = {}
        for found in self._objects(session):
            key = TokenKey.found(found, self._label)
            if key.number in listed:
                repair = "remove the one that was made last: no key is wrapped under it"
                raise SameNumberError(_id(key.number), repair)
            listed[key.number] = key
        self._found = (session, listed)
        return listed

    def _has(self, session: pkcs11.Session, number: int) -> bool:
        return bool(self._objects(session, number))

    def _objects(self, session: pkcs11.Session, number: int | None = None) -> list[Any]:
        template = {
            Attribute.CLASS: ObjectClass.SECRET_KEY,
            Attribute.KEY_TYPE: KeyType.AES,
            Attribute.LABEL: self._label,
        }
        if number is not None:
            template[Attribute.ID] = number.to_bytes(4, "big")
        return list(session.get_objects(template))


def _id(number: int) -> str:
    return f"pkcs11:{number}"


def _number_in(blob: bytes) -> int:
    wrap_format, number = read_header(blob)
    if wrap_format not in _FORMATS:
        raise UnknownFormatError
    return number
