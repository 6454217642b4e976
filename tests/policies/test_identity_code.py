"""Personal identity codes: published artificial ones only (individual numbers 900-999).

Where an individual number outside that range is needed, the date of birth lies in 2099.
"""

from datetime import date
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.identity_code import IdentityCode, InvalidIdentityCodeError, parse_identity_code

SIGNS_OF_2023 = (
    (Path(__file__).parent / "vectors" / "dvv-identity-codes.txt")
    .read_text(encoding="ascii")
    .split()
)
# Test persons of banks, Suomi.fi and HL7 Finland, as public test material names them.
TEST_PERSONS = [
    "210281-9988", "070770-905D", "010190-999W", "220750-999Y", "141002A909X", "010180-9026",
    "091099-998L", "241198-998U", "100871-998D", "010403A998U",
]  # fmt: skip
TABLE = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def with_check(start: str) -> str:
    """The code that begins so, its check character worked out from the decree's table."""
    return start + TABLE[int(start[:6] + start[7:]) % 31]


@pytest.mark.parametrize("text", SIGNS_OF_2023 + TEST_PERSONS)
def test_published_code_is_valid_and_artificial(text: str) -> None:
    code = parse_identity_code(text)
    assert code.value == text
    assert code.is_artificial


def test_published_codes_use_every_new_century_sign() -> None:
    assert {text[6] for text in SIGNS_OF_2023} == set("YXWVUABCDEF")


@pytest.mark.parametrize("text", ["010190-999X", "010190-123A"])
def test_published_code_with_a_wrong_check_character_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdentityCodeError, match="check character"):
        parse_identity_code(text)


@pytest.mark.parametrize(
    ("sign", "century"),
    [("+", 1800), *product("-YXWVU", [1900]), *product("ABCDEF", [2000])],
)
def test_century_sign_gives_the_century(sign: str, century: int) -> None:
    code = parse_identity_code(with_check(f"240585{sign}900"))
    assert code.birth_date == date(century + 85, 5, 24)


def test_sign_is_part_of_the_code() -> None:
    assert parse_identity_code("010190-999W") != parse_identity_code("010190Y999W")


def test_lower_case_is_brought_to_the_normal_form() -> None:
    assert parse_identity_code("010594y9032").value == "010594Y9032"
    assert parse_identity_code("141002a909x") == parse_identity_code("141002A909X")


@pytest.mark.parametrize(
    "text",
    [
        "", "010190-999", "010190-999WW", " 010190-999W", "010190-999W ", "010190-999W\n",
        "010190 999W", "010190G999W", "010190Z999W", "010190T999W", "0101190-999W", "010190999W",
        "010190-999G", "010190-999I", "010190-999O", "010190-999Q", "010190-999Z",
        "٠10190-999W", "010190-999ｗ", "010190-999\u017f", "010190\u2212999W",
    ],
)  # fmt: skip
def test_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdentityCodeError, match="form"):
        parse_identity_code(text)


@pytest.mark.parametrize("day", ["300290", "310490", "000190", "010090", "011390", "290290"])
def test_date_that_does_not_exist_is_refused(day: str) -> None:
    with pytest.raises(InvalidIdentityCodeError, match="date of birth"):
        parse_identity_code(with_check(f"{day}-900"))


def test_leap_day_exists_in_leap_years_of_its_century_only() -> None:
    assert parse_identity_code(with_check("290200A900")).birth_date == date(2000, 2, 29)
    with pytest.raises(InvalidIdentityCodeError):
        parse_identity_code(with_check("290200-900"))


@pytest.mark.parametrize("number", ["000", "001"])
def test_individual_number_below_two_is_not_in_use(number: str) -> None:
    with pytest.raises(InvalidIdentityCodeError, match="individual number"):
        parse_identity_code(with_check(f"311299A{number}"))


@pytest.mark.parametrize(("number", "artificial"), [("002", 0), ("899", 0), ("900", 1), ("999", 1)])
def test_numbers_from_900_are_artificial(number: str, artificial: int) -> None:
    assert parse_identity_code(with_check(f"311299A{number}")).is_artificial is bool(artificial)


@given(st.dates(date(1900, 1, 1), date(1999, 12, 31)), st.integers(900, 999))
def test_one_wrong_check_character_never_passes(day: date, number: int) -> None:
    right = with_check(f"{day:%d%m%y}-{number}")
    for character in set(TABLE) - {right[-1]}:
        with pytest.raises(InvalidIdentityCodeError):
            parse_identity_code(right[:-1] + character)


@given(st.text(max_size=15))
def test_error_tells_nothing_of_the_text(text: str) -> None:
    with pytest.raises(InvalidIdentityCodeError) as caught:
        parse_identity_code(text)
    assert str(caught.value) == "the form is wrong"


@pytest.mark.parametrize("text", ["010190-999X", "300290-9006", "311299A000"])
def test_error_drags_no_other_error_along(text: str) -> None:
    with pytest.raises(InvalidIdentityCodeError) as caught:
        parse_identity_code(text)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert not any(part in str(caught.value) for part in (text, text[:6], text[7:]))


def test_repr_and_str_hide_the_code() -> None:
    code: IdentityCode = parse_identity_code("010190-999W")
    assert repr(code) == str(code) == f"{code}" == "IdentityCode(hidden)"
