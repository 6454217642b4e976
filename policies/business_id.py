"""The Finnish business id (Y-tunnus): seven digits, a hyphen and a check digit modulo 11."""

import re

OID = "urn:oid:1.2.246.10"
"""What the business id is called among identifiers of all kinds."""

_FORM = re.compile(r"[0-9]{7}-[0-9]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2)


class InvalidBusinessIdError(ValueError):
    """The text is not a business id."""


def check_business_id(text: str) -> None:
    """Raise InvalidBusinessIdError unless form and check digit are right."""
    if not _FORM.fullmatch(text):
        raise InvalidBusinessIdError("a business id is seven digits, a hyphen and a check digit")
    digits = [int(digit) for digit in text[:7]]
    remainder = sum(w * d for w, d in zip(_WEIGHTS, digits, strict=True)) % 11
    # A remainder of one would need the check digit ten, so such numbers are not given out.
    if remainder == 1 or int(text[8]) != (11 - remainder) % 11:
        raise InvalidBusinessIdError("the check digit of the business id is wrong")
