"""Documents as sources hand them in: read from bytes, and checked before anything is stored."""

import hashlib
from datetime import datetime

from consent.strict_json import StrictJsonError, parse_strict
from policies.catalogue import Catalogue
from policies.deposit_document import DepositDocumentError, Stated, read_stated
from vault.documents import Refusal, RefusedDocumentError, check_document

MAX_BYTES = 65_536
"""No person's data set needs more."""
_DEEPEST = 4


def read_document(data: bytes, catalogue: Catalogue, *, now: datetime) -> Stated:
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
    return stated


def _pointer(error: RefusedDocumentError) -> str:
    member = "/value" if error.reason is Refusal.WRONG_TYPE else ""
    return "#" if error.attribute is None else f"#/facts/{error.attribute}{member}"
