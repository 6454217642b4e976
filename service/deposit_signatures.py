"""Signatures of sources under what they hand in: a JWS whose payload is the document itself.

The payload is taken out of the JWS (RFC 7515 appendix F), since it is what stands around it. Steps,
in order:

1. form: a compact JWS with nothing between its two full stops
2. header: of our own `typ`, so that nothing else that the key has signed counts here (RFC 8725
   section 3.11), with the name of the key and nothing that brings a key along
3. the keys of that name and algorithm, of active clients that hand in for the organisation
4. the signature, by one of them
"""

from collections.abc import Callable, Sequence
from functools import cache

from sqlalchemy import Connection

from audit.unit_of_work import Ledger
from consent.depositing import depositing
from policies.ids import OrganisationId
from service.base64url import Base64UrlError, decode, encode
from service.jose import Jws, JwsError
from service.jwk import VerificationKey, import_key
from vault.stated import DepositSignatureError, SignatureCheck

TYPE = "deposit+jws"
_MEMBERS = frozenset({"alg", "typ", "kid"})
_PARTS = 3

KeysOf = Callable[[OrganisationId], Sequence[VerificationKey]]


def keys_of(connection: Connection, organisation: OrganisationId) -> list[VerificationKey]:
    """The keys that count under what the organisation's sources say."""
    return [
        import_key(jwk) for client in depositing(connection, organisation) for jwk in client.jwks
    ]


def checked_by(keys: KeysOf) -> SignatureCheck:
    """The check, by the keys that `keys` finds."""

    def check(organisation: OrganisationId, payload: bytes, signature: str) -> None:
        jws = _taken_apart(signature, payload)  # step 1
        fitting = _fitting(jws, keys(organisation))  # steps 2 and 3
        if not any(_is_by(jws, key) for key in fitting):  # step 4
            raise DepositSignatureError("signature-wrong")

    return check


def remembering(ledger: Ledger) -> SignatureCheck:
    """The check for many documents: the keys of an organisation are read once."""

    @cache
    def keys(organisation: OrganisationId) -> list[VerificationKey]:
        with ledger.read() as connection:
            return keys_of(connection, organisation)

    return checked_by(keys)


def _taken_apart(signature: str, payload: bytes) -> Jws:
    parts = signature.split(".")
    if len(parts) != _PARTS or parts[1]:
        raise DepositSignatureError("signature-form")
    try:
        return Jws(parts[0], encode(payload), decode(parts[2]))
    except Base64UrlError as error:
        raise DepositSignatureError("signature-form") from error


def _fitting(jws: Jws, keys: Sequence[VerificationKey]) -> list[VerificationKey]:
    try:
        header = jws.header()
    except JwsError as error:
        raise DepositSignatureError("signature-form") from error
    if header.typ != TYPE or header.members != _MEMBERS:
        raise DepositSignatureError("signature-form")
    # Each client names its own keys, so two of one organisation may have one name.
    fitting = [key for key in keys if key.kid == header.kid and header.alg in key.algorithms]
    if not fitting:
        raise DepositSignatureError("signature-key")
    return fitting


def _is_by(jws: Jws, key: VerificationKey) -> bool:
    try:
        jws.open_with(key)
    except JwsError:
        return False
    return True
