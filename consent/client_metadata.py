"""Client metadata of RFC 7591 section 2, read strictly for FAPI 2.0 (section 5.3.2.1, 5.4).

Only what the profile allows can be registered: `private_key_jwt`, sender-constrained tokens,
exact redirect addresses, public keys inside. A member that is not known is refused, since a client
that believes in a setting which nobody reads is not what its owner thinks it is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from consent import answer_seal, authorization_details, deposit_details
from consent.answer_seal import AnswerSeal, AnswerSealError, is_for_encryption
from consent.jwk import JwkError, check_public_key
from policies.ids import ClientId, OrganisationId

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
ALGORITHMS = ("ES256", "PS256", "EdDSA")
DETAILS_TYPES = (authorization_details.TYPE, deposit_details.TYPE)
READS = (authorization_details.TYPE,)
"""What a client is for that does not say it."""

_MEMBERS = frozenset(
    {
        "client_id",
        "client_name",
        "jwks",
        "redirect_uris",
        "grant_types",
        "response_types",
        "token_endpoint_auth_method",
        "token_endpoint_auth_signing_alg",
        "dpop_bound_access_tokens",
        "require_pushed_authorization_requests",
        "authorization_details_types",
        "organisation",
    }
    | answer_seal.MEMBERS
)
_FIXED: Mapping[str, object] = {
    "token_endpoint_auth_method": "private_key_jwt",
    "dpop_bound_access_tokens": True,
}
_FIXED_IF_THERE: Mapping[str, object] = {
    "response_types": ["code"],
    "require_pushed_authorization_requests": True,
}
Keys = tuple[Mapping[str, Any], ...]
_CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MEMBER_NAME = re.compile(r"[a-z_]{1,64}")
_LONGEST_NAME = 100
_PRINTABLE_ASCII = re.compile(r"[\x21-\x7e]{1,2000}")
_MAX_REDIRECTS = 20
_MAX_KEYS = 10


class ClientMetadataError(ValueError):
    """Metadata that cannot be registered; `member` says where, `reason` why."""

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member}: {reason}")
        self.member = member
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMetadata:
    """What a client said about itself, checked; whether the organisation exists is not."""

    id: ClientId | None
    organisation: OrganisationId
    name: str
    redirect_uris: tuple[str, ...]
    jwks: tuple[Mapping[str, Any], ...] = field(repr=False)
    grant_types: tuple[str, ...]
    token_endpoint_auth_signing_alg: str | None
    authorization_details_types: tuple[str, ...] = READS
    answer_seal: AnswerSeal | None = None


def parse_metadata(metadata: Mapping[str, object]) -> ClientMetadata:
    """The metadata, checked. Raises ClientMetadataError at the first fault."""
    for name in metadata:
        if name not in _MEMBERS:
            known_form = _MEMBER_NAME.fullmatch(name) is not None
            raise ClientMetadataError(name if known_form else "metadata", "unknown-member")
    _check_fixed(metadata)
    grants = _grant_types(metadata)
    signing, encryption = _keys(metadata)
    return ClientMetadata(
        id=_client_id(metadata),
        organisation=OrganisationId(_text(metadata, "organisation")),
        name=_name(metadata),
        redirect_uris=_redirect_uris(metadata, needed="authorization_code" in grants),
        jwks=signing,
        grant_types=grants,
        token_endpoint_auth_signing_alg=_algorithm(metadata),
        authorization_details_types=_details_types(metadata, grants),
        answer_seal=_answer_seal(metadata, encryption),
    )


def parse_keys(jwks: object, seal: AnswerSeal | None) -> tuple[Keys, AnswerSeal | None]:
    """Other keys for a client that stays as it is otherwise: those for its signatures, and how its
    answers are sealed from now on. Raises ClientMetadataError."""
    signing, encryption = _keys({"jwks": jwks})
    return signing, _answer_seal({} if seal is None else seal.wishes(), encryption)


def _check_fixed(metadata: Mapping[str, object]) -> None:
    there = {name: value for name, value in _FIXED_IF_THERE.items() if name in metadata}
    for name, expected in {**_FIXED, **there}.items():
        value = metadata.get(name)
        if value != expected or type(value) is not type(expected):
            raise ClientMetadataError(name, "not-supported")


def _text(metadata: Mapping[str, object], name: str) -> str:
    value = metadata.get(name)
    if not isinstance(value, str):
        raise ClientMetadataError(name, "not-a-string")
    return value


def _texts(metadata: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = metadata.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ClientMetadataError(name, "not-a-list-of-strings")
    if len(set(value)) != len(value):
        raise ClientMetadataError(name, "doubled")
    return tuple(value)


def _client_id(metadata: Mapping[str, object]) -> ClientId | None:
    if "client_id" not in metadata:
        return None
    client_id = _text(metadata, "client_id")
    if not _CLIENT_ID.fullmatch(client_id):
        raise ClientMetadataError("client_id", "wrong-form")
    return ClientId(client_id)


def _name(metadata: Mapping[str, object]) -> str:
    name = _text(metadata, "client_name")
    # It stands on the page that asks: no mark of direction, no line break, no half character.
    fits = 0 < len(name) <= _LONGEST_NAME and name.isprintable() and name == name.strip()
    if not fits:
        raise ClientMetadataError("client_name", "wrong-form")
    return name


def _grant_types(metadata: Mapping[str, object]) -> tuple[str, ...]:
    grants = _texts(metadata, "grant_types")
    if not grants or not set(grants) <= set(GRANT_TYPES):
        raise ClientMetadataError("grant_types", "not-supported")
    if "refresh_token" in grants and "authorization_code" not in grants:
        raise ClientMetadataError("grant_types", "refresh-without-code")
    return grants


def _redirect_uris(metadata: Mapping[str, object], *, needed: bool) -> tuple[str, ...]:
    uris = _texts(metadata, "redirect_uris")
    if needed and not 1 <= len(uris) <= _MAX_REDIRECTS:
        raise ClientMetadataError("redirect_uris", "wrong-number")
    if uris and not needed:
        raise ClientMetadataError("redirect_uris", "without-code-grant")
    for uri in uris:
        _check_redirect_uri(uri)
    return uris


def _check_redirect_uri(uri: str) -> None:
    if not _PRINTABLE_ASCII.fullmatch(uri) or "\\" in uri:
        raise ClientMetadataError("redirect_uris", "wrong-form")
    if "#" in uri:
        raise ClientMetadataError("redirect_uris", "fragment")
    try:
        parts = urlsplit(uri)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise ClientMetadataError("redirect_uris", "wrong-form") from error
    if not host or "@" in parts.netloc:
        raise ClientMetadataError("redirect_uris", "wrong-form")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise ClientMetadataError("redirect_uris", "not-https")


def _is_loopback(host: str) -> bool:
    """RFC 8252 section 7.3: plain http only where it never leaves the machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _keys(metadata: Mapping[str, object]) -> tuple[Keys, Keys]:
    """Those for signatures, of which there is one at least, and those for encryption."""
    match metadata.get("jwks"):
        case {"keys": [_, *_] as keys, **rest} if not rest and len(keys) <= _MAX_KEYS:
            signing = [key for key in keys if not is_for_encryption(key)]
            _check_keys(signing)
            return tuple(signing), tuple(key for key in keys if is_for_encryption(key))
        case _:
            raise ClientMetadataError("jwks", "wrong-form")


def _check_keys(keys: Sequence[object]) -> None:
    if not keys:
        raise ClientMetadataError("jwks", "not-for-signatures")
    seen: set[str] = set()
    for key in keys:
        try:
            kid = check_public_key(key)
        except JwkError as error:
            raise ClientMetadataError("jwks", error.reason) from error
        if kid in seen:
            # FAPI 2.0 section 5.4.2: with two keys of one name a verifier may pick the wrong one.
            raise ClientMetadataError("jwks", "doubled-kid")
        seen.add(kid)


def _answer_seal(metadata: Mapping[str, object], keys: Keys) -> AnswerSeal | None:
    try:
        return AnswerSeal.of(metadata, keys)
    except AnswerSealError as error:
        raise ClientMetadataError(error.member, error.reason) from error


def _details_types(metadata: Mapping[str, object], grants: Sequence[str]) -> tuple[str, ...]:
    """RFC 9396 section 10: what the client will ask for, and it gets nothing else."""
    if "authorization_details_types" not in metadata:
        return READS
    types = _texts(metadata, "authorization_details_types")
    if not types or not set(types) <= set(DETAILS_TYPES):
        raise ClientMetadataError("authorization_details_types", "not-supported")
    if deposit_details.TYPE in types and "client_credentials" not in grants:
        raise ClientMetadataError("authorization_details_types", "without-client-credentials")
    return types


def _algorithm(metadata: Mapping[str, object]) -> str | None:
    if "token_endpoint_auth_signing_alg" not in metadata:
        return None
    algorithm = _text(metadata, "token_endpoint_auth_signing_alg")
    if algorithm not in ALGORITHMS:
        raise ClientMetadataError("token_endpoint_auth_signing_alg", "not-supported")
    return algorithm
