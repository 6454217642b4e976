"""Documents as sources hand them in: read from bytes, and checked before anything is stored."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from consent.strict_json import StrictJsonError, parse_strict
from policies.canonical import canonical_json
from policies.catalogue import Catalogue
from policies.deposit_document import DepositDocumentError, Stated, place_of_other, read_stated
from policies.identity_code import InvalidIdentityCodeError
from policies.ids import OrganisationId
from vault.documents import Refusal, RefusedDocumentError, check_document
from vault.people import InvalidIdentifierError, check_identifier

MAX_BYTES = 65_536
"""No person's data set needs more."""
_DEEPEST = 5
_SIGNATURE = "signature"


class DepositSignatureError(ValueError):
    """A signature that does not count; `reason` is one of a few fixed words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SignatureCheck(Protocol):
    """Knows the keys of the organisations that keep sources."""

    def __call__(self, organisation: OrganisationId, payload: bytes, signature: str) -> None:
        """Raise DepositSignatureError unless the organisation signed the payload."""


def read_document(
    data: bytes, catalogue: Catalogue, *, now: datetime, signatures: SignatureCheck
) -> Stated:
    """What the bytes state, checked as every document is. Raises DepositDocumentError."""
    try:
        value = parse_strict(data, max_bytes=MAX_BYTES, max_depth=_DEEPEST)
    except StrictJsonError as error:
        # Not chained: the cause may carry the text along.
        raise DepositDocumentError("#", error.reason) from None
    digest = hashlib.sha256(data).digest()
    stated = read_stated(value, digest=digest, catalogue=catalogue)
    try:
        check_document(stated.document, catalogue, now=now)
    except RefusedDocumentError as error:
        raise DepositDocumentError(_pointer(error), error.reason) from error
    _check_others(stated)
    if stated.document.signature is not None:
        members: Mapping[str, Any] = value  # type: ignore[assignment]  # read_stated says so
        organisation = catalogue.source(stated.document.source).organisation
        _check_signature(members, organisation, signatures)
    return stated


def _check_others(stated: Stated) -> None:
    """The form of the identifiers; whom they lead to is looked up when all else is right."""
    for attribute, others in stated.also_about.items():
        for number, other in enumerate(others):
            try:
                check_identifier(other.scheme, other.identifier)
            except (InvalidIdentifierError, InvalidIdentityCodeError):
                place = place_of_other(attribute, number)
                raise DepositDocumentError(place, "wrong-form") from None


def _check_signature(
    members: Mapping[str, Any], organisation: OrganisationId, signatures: SignatureCheck
) -> None:
    """Signed is all but the signature, in a form that does not depend on who wrote it down."""
    payload = canonical_json({name: said for name, said in members.items() if name != _SIGNATURE})
    try:
        signatures(organisation, payload, members[_SIGNATURE])
    except DepositSignatureError as error:
        raise DepositDocumentError(f"#/{_SIGNATURE}", error.reason) from error


def _pointer(error: RefusedDocumentError) -> str:
    member = "/value" if error.reason is Refusal.WRONG_TYPE else ""
    return "#" if error.attribute is None else f"#/facts/{error.attribute}{member}"
