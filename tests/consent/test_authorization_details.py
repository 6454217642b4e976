"""Rich authorization requests: what is taken, and one stored example for each way to be wrong."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.authorization_details import (
    AuthorizationDetails,
    AuthorizationDetailsError,
    Subject,
    format_instant,
    parse,
)
from policies.ids import AttributeId, PurposeId
from tests.consent.flow import catalogue

_DEFECTS = sorted((Path(__file__).parent / "defects" / "authorization_details").glob("*.txt"))
_CODE = "010190-900P"


def _parse(text: str | bytes, *, with_subject: bool = False) -> AuthorizationDetails:
    return parse(text, declaration=catalogue().purposes.get, with_subject=with_subject)


def _text(**members: object) -> str:
    fixed: dict[str, object] = {
        "type": "personal_data",
        "actions": ["read"],
        "datatypes": ["income.monthly_gross"],
        "purpose": "debt-advice",
    }
    return json.dumps([fixed | members])


@pytest.mark.parametrize("path", _DEFECTS, ids=lambda path: path.stem)
def test_a_stored_defect_is_refused_with_its_place_and_reason(path: Path) -> None:
    head, _, text = path.read_bytes().partition(b"\n")
    expected = head.decode().removesuffix(" (with subject)")
    with pytest.raises(AuthorizationDetailsError) as refused:
        _parse(text, with_subject=head.endswith(b"(with subject)"))
    assert f"{refused.value.member}: {refused.value.reason}" == expected
    assert str(refused.value) == expected


@pytest.mark.parametrize("purpose", ["debt-advice\x00", "DEBT-ADVICE", "", "a" * 65, "a b", "ä"])
def test_a_purpose_of_another_form_is_not_even_looked_up(purpose: str) -> None:
    """PostgreSQL answers a zero character with an error of its own."""
    looked_up: list[PurposeId] = []
    with pytest.raises(AuthorizationDetailsError, match="purpose: unknown"):
        parse(_text(purpose=purpose), declaration=looked_up.append)
    assert looked_up == []


def test_the_least_request_is_taken() -> None:
    assert _parse(_text()) == AuthorizationDetails(
        purpose=PurposeId("debt-advice"), attributes=(AttributeId("income.monthly_gross"),)
    )


def test_the_fullest_request_is_taken_and_keeps_the_order_asked() -> None:
    details = _parse(
        _text(
            datatypes=["residence.household_size", "income.monthly_gross"],
            case="KELA/2026-11.7_a",
            not_after="2026-12-01T00:00:00Z",
            uses=1000,
        )
    )
    assert details.attributes == ("residence.household_size", "income.monthly_gross")
    assert details.not_after == datetime(2026, 12, 1, tzinfo=UTC)
    assert (details.case, details.uses) == ("KELA/2026-11.7_a", 1000)


def test_a_pairwise_subject_is_taken_with_client_credentials() -> None:
    text = _text(subject={"format": "opaque", "id": "abcdefghijklmnop"})
    assert _parse(text, with_subject=True).subject == Subject("opaque", "abcdefghijklmnop")


def test_an_identity_code_is_taken_in_its_normal_form_and_shown_by_no_repr() -> None:
    subject = {"format": "national_id", "scheme": "urn:oid:1.2.246.21", "id": _CODE.lower()}
    details = _parse(_text(subject=subject), with_subject=True)
    assert details.subject is not None
    assert details.subject.id == _CODE
    assert _CODE not in repr(details)


def test_an_identity_code_never_goes_back_to_anybody() -> None:
    subject = {"format": "national_id", "scheme": "urn:oid:1.2.246.21", "id": _CODE}
    details = _parse(_text(subject=subject), with_subject=True)
    assert "subject" not in details.to_json()


def test_a_wrong_identity_code_stands_in_no_error() -> None:
    wrong = "010190-9000"
    subject = {"format": "national_id", "scheme": "urn:oid:1.2.246.21", "id": wrong}
    with pytest.raises(AuthorizationDetailsError) as refused:
        _parse(_text(subject=subject), with_subject=True)
    error: BaseException | None = refused.value
    while error is not None:
        assert wrong not in str(error)
        error = error.__cause__


@pytest.mark.parametrize("number", [1, 40])
def test_up_to_forty_attributes_are_counted_before_they_are_looked_up(number: int) -> None:
    with pytest.raises(AuthorizationDetailsError, match="datatypes: outside-purpose"):
        _parse(_text(datatypes=[f"income.x{i}" for i in range(number)]))


@pytest.mark.parametrize("case", ["0", "2026-123456-1234", "A-320190-900P", "a" * 64])
def test_a_case_that_only_resembles_a_code_is_taken(case: str) -> None:
    assert _parse(_text(case=case)).case == case


@given(
    case=st.none() | st.from_regex(r"[A-Z][A-Z]{0,9}", fullmatch=True),
    not_after=st.none() | st.datetimes(datetime(2026, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    uses=st.none() | st.integers(1, 1000),
)
def test_what_is_written_is_read_again(
    case: str | None, not_after: datetime | None, uses: int | None
) -> None:
    details = AuthorizationDetails(
        purpose=PurposeId("debt-advice"),
        attributes=(AttributeId("income.monthly_gross"), AttributeId("income.yearly_total")),
        case=case,
        not_after=not_after,
        uses=uses,
    )
    assert _parse(json.dumps([details.to_json()])) == details
    assert AuthorizationDetails.from_stored(details.to_json()) == details


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_whatever_comes_the_only_error_is_the_named_one(text: str | bytes) -> None:
    with pytest.raises(AuthorizationDetailsError):
        _parse(text)


def test_an_instant_is_written_in_utc_with_a_z() -> None:
    moment = datetime.fromisoformat("2026-11-24T11:00:00.5+02:00")
    assert format_instant(moment) == "2026-11-24T09:00:00.500000Z"
