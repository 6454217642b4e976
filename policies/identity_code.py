"""The Finnish personal identity code: its normal form, check character and century sign.

Form: day, month and year of birth, a century sign, an individual number of three digits and a
check character. Decree 128/2010 section 2 as amended by 690/2022 added five more signs for the
1900s and five for the 2000s in 2023; the sign is part of the code, so codes that differ in it
only belong to different people. An error never holds the value, not even a part of it.
"""

import re
from dataclasses import dataclass
from datetime import date

OID = "urn:oid:1.2.246.21"
"""The scheme of Finnish personal identity codes, wherever a scheme is named beside one."""

_FORM = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})([-+A-FU-Y])([0-9]{3})([0-9A-FHJ-NPR-Y])")
_CHECK_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_CENTURIES = {"+": 1800} | dict.fromkeys("-YXWVU", 1900) | dict.fromkeys("ABCDEF", 2000)
_FIRST_NUMBER = 2
_FIRST_ARTIFICIAL = 900


class InvalidIdentityCodeError(ValueError):
    """The text is not a personal identity code; the reason does not tell what it was."""


@dataclass(frozen=True, slots=True, repr=False)
class IdentityCode:
    """A valid personal identity code in its normal form. Neither repr nor str shows it."""

    value: str
    is_artificial: bool
    """True for the individual numbers 900-999, which are never given to a real person."""
    birth_date: date

    def __repr__(self) -> str:
        return "IdentityCode(hidden)"


def parse_identity_code(text: str) -> IdentityCode:
    """The code in its normal form: letters are upper case, nothing stands around it."""
    # Upper-casing before the check could turn a letter from outside ASCII into one from inside.
    found = _FORM.fullmatch(text.upper()) if text.isascii() else None
    if found is None:
        raise InvalidIdentityCodeError("the form is wrong")
    day, month, year, sign, number, check = found.groups()
    if check_character(day + month + year + number) != check:
        raise InvalidIdentityCodeError("the check character is wrong")
    if int(number) < _FIRST_NUMBER:
        raise InvalidIdentityCodeError("the individual number is not in use")
    return IdentityCode(
        value=found[0],
        is_artificial=int(number) >= _FIRST_ARTIFICIAL,
        birth_date=_date(_CENTURIES[sign] + int(year), int(month), int(day)),
    )


def check_character(digits: str) -> str:
    """The remainder modulo 31 as a character; the SATU (urn:oid:1.2.246.22) has the same."""
    return _CHECK_CHARACTERS[int(digits) % 31]


def _date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        pass  # the error is raised outside, so that it does not drag the value along
    raise InvalidIdentityCodeError("the date of birth does not exist")
