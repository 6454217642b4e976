import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.business_id import InvalidBusinessIdError, check_business_id

# Numbers of organisations that are public, among them Nokia and the population register.
PUBLIC = ["0112038-9", "0245437-2", "2769790-1", "0877830-0"]


@pytest.mark.parametrize("text", PUBLIC)
def test_public_business_id_passes(text: str) -> None:
    check_business_id(text)


@pytest.mark.parametrize(
    "text",
    ["", "01120389", "112038-9", "0112038-", "0112038 9", " 0112038-9", "0112038-9\n", "٠112038-9"],
)
def test_business_id_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidBusinessIdError, match="seven digits"):
        check_business_id(text)


@pytest.mark.parametrize("text", PUBLIC)
def test_each_other_check_digit_is_refused(text: str) -> None:
    for digit in set("0123456789") - {text[-1]}:
        with pytest.raises(InvalidBusinessIdError, match="check digit"):
            check_business_id(text[:-1] + digit)


@given(st.integers(min_value=0, max_value=9))
def test_number_whose_remainder_is_one_has_no_check_digit(digit: int) -> None:
    with pytest.raises(InvalidBusinessIdError):
        check_business_id(f"9999901-{digit}")
