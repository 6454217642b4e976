"""From the claims of the Finnish trust network and eIDAS to one `IdentityAssertion`.

Names of claims: Traficom recommendation 213/2023 S and Implementing Regulation (EU) 2015/1501.
A person is looked up by SATU, then identity code, then eIDAS identifier; the provider's `sub` is
never used, since it is the provider's and not the person's.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.id_token import instant
from connectors.oidc_settings import OidcSettings
from connectors.ports import EIDAS_SCHEME, IDENTITY_CODE_SCHEME, SATU_SCHEME, IdentityAssertion
from connectors.scalars import ScalarError, checked_text
from connectors.sign_in_errors import AssuranceError, IdTokenError, NoIdentifierError
from policies.identity_code import (
    InvalidIdentityCodeError,
    check_character,
    parse_identity_code,
)
from policies.vocabulary import LevelOfAssurance

PROTECTED_CLAIM = "urn:oid:1.2.246.517.2002.2.27"
DISPLAY_NAME_CLAIM = "urn:oid:2.16.840.1.113730.3.1.241"
GIVEN_NAMES_CLAIM = "urn:oid:1.2.246.575.1.14"
FAMILY_NAME_CLAIM = "urn:oid:2.5.4.4"

_SATU = re.compile(r"([0-9]{8})([0-9A-FHJ-NPR-Y])")
_EIDAS = re.compile(r"[A-Z]{2}/[A-Z]{2}/[\x21-\x7e]{1,256}")
_LONGEST_NAME = 200


def identity_assertion(
    claims: Mapping[str, Any], settings: OidcSettings, *, loa: LevelOfAssurance
) -> IdentityAssertion:
    """Who signed in and how surely; an error when either is not certain enough."""
    reached = _level(claims.get("acr"), settings)
    if reached < loa:
        raise AssuranceError(reached)
    return IdentityAssertion(
        subject_ids=_subject_ids(claims, settings),
        name=_name(claims),
        loa=reached,
        auth_time=_auth_time(claims),
        issuer=settings.issuer,
        method=_method(claims),
        # Whatever is not a clear no protects: an address that was told cannot be taken back.
        protected=claims.get(PROTECTED_CLAIM, "0") != "0",
    )


def _level(acr: object, settings: OidcSettings) -> LevelOfAssurance:
    level = settings.acr_levels.get(acr) if isinstance(acr, str) else None
    if level is None:
        raise AssuranceError(None)
    return level


def _subject_ids(claims: Mapping[str, Any], settings: OidcSettings) -> tuple[tuple[str, str], ...]:
    normalisers = {
        SATU_SCHEME: _satu,
        IDENTITY_CODE_SCHEME: lambda text: _identity_code(text, settings),
        EIDAS_SCHEME: _eidas,
    }
    found = tuple(
        (scheme, normal(_text(claims, scheme)))
        for scheme, normal in normalisers.items()
        if scheme in claims
    )
    if not found:
        raise NoIdentifierError
    return found


def _satu(text: str) -> str:
    found = _SATU.fullmatch(text.upper()) if text.isascii() else None
    if found is None or check_character(found[1]) != found[2]:
        raise IdTokenError(SATU_SCHEME)
    return found[0]


def _identity_code(text: str, settings: OidcSettings) -> str:
    try:
        code = parse_identity_code(text)
    except InvalidIdentityCodeError as error:
        raise IdTokenError(IDENTITY_CODE_SCHEME) from error
    # In production an artificial code is a sign that a test provider is connected.
    if code.is_artificial and not settings.accept_artificial:
        raise IdTokenError(IDENTITY_CODE_SCHEME)
    return code.value


def _eidas(text: str) -> str:
    if not _EIDAS.fullmatch(text):
        raise IdTokenError(EIDAS_SCHEME)
    return text


def _name(claims: Mapping[str, Any]) -> str:
    """The name to greet with, of the first of the three ways in which providers give it."""
    if DISPLAY_NAME_CLAIM in claims:
        return _text(claims, DISPLAY_NAME_CLAIM)
    if GIVEN_NAMES_CLAIM in claims and FAMILY_NAME_CLAIM in claims:
        return f"{_text(claims, GIVEN_NAMES_CLAIM)} {_text(claims, FAMILY_NAME_CLAIM)}"
    return _text(claims, "name")


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        raise IdTokenError(name)
    try:
        return checked_text(value)
    except ScalarError as error:
        raise IdTokenError(name) from error


def _auth_time(claims: Mapping[str, Any]) -> datetime:
    return instant(claims, "auth_time" if "auth_time" in claims else "iat")


def _method(claims: Mapping[str, Any]) -> str:
    """The first method; that `amr` is an array is checked with the other claims of the token."""
    methods = claims.get("amr")
    return _text({"amr": methods[0]}, "amr") if methods else _text(claims, "acr")
