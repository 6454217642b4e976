"""Whom a document is about: the identity code in it, and whether it is the right person's.

Storing one person's document under another's name would be worse than storing none, so a
document about somebody else is refused. Neither code ever gets into the refusal.
"""

import hmac

from connectors.json_document import Node
from connectors.scalars import ScalarError
from policies.identity_code import InvalidIdentityCodeError, parse_identity_code


def check_subject(node: Node, subject: str | None) -> str:
    """The identity code in its normal form; it must be `subject` when that is given."""
    code = normal_identity_code_of(node)
    if subject is not None and not same_person(code, subject):
        raise node.wrong("is about another person")
    return code


def normal_identity_code_of(node: Node) -> str:
    try:
        return normal_identity_code(node.text())
    except ScalarError as error:
        raise node.wrong(str(error)) from None


def normal_identity_code(text: str) -> str:
    """The code in its normal form, or ScalarError."""
    try:
        return parse_identity_code(text).value
    except InvalidIdentityCodeError:
        raise ScalarError("is not a personal identity code") from None


def same_person(code: str, subject: str) -> bool:
    """Whether two codes are one, whatever their letters' case."""
    return hmac.compare_digest(code.upper().encode(), subject.upper().encode())
