"""Disclosures in the shape of SD-JWT, and the commitment over them."""

import base64
import hashlib
import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.disclosure import (
    DIGESTS,
    DisclosureError,
    FieldValue,
    TooManyFieldsError,
    commitment,
    digest,
    digests,
    disclose,
    field_of,
    leaf,
    split_digests,
)

FIELDS: dict[str, FieldValue] = {"kind": "data.viewed", "case": 'K"ä\n', "attributes": ["a.b", "c"]}
EVENT = UUID(int=7)


def encode(value: object) -> str:
    text = json.dumps(value, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def test_the_published_digest_of_rfc_9901() -> None:
    # RFC 9901 section 4.2.3: the disclosure ["_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius"].
    disclosure = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    published = "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
    assert base64.urlsafe_b64encode(digest(disclosure)).rstrip(b"=").decode() == published
    assert field_of(disclosure) == ("family_name", "Möbius")


def test_disclosures_read_back_and_have_salts_of_their_own() -> None:
    first, second = disclose(FIELDS), disclose(FIELDS)
    assert dict(map(field_of, first)) == FIELDS
    assert not set(first) & set(second)
    salts = [json.loads(base64.urlsafe_b64decode(each + "==="))[0] for each in first]
    assert len(set(salts)) == len(FIELDS)
    assert all(len(base64.urlsafe_b64decode(salt)) == 18 for salt in salts)


@pytest.mark.parametrize("count", [0, 1, DIGESTS])
def test_an_event_always_has_the_same_number_of_digests(count: int) -> None:
    made = digests([encode([str(i), "name", "value"]) for i in range(count)])
    assert len(made) == DIGESTS
    assert made == sorted(made)
    assert split_digests(b"".join(made)) == made


def test_an_event_with_more_fields_than_digests_is_refused() -> None:
    with pytest.raises(TooManyFieldsError):
        digests([encode([str(i), "name", "value"]) for i in range(DIGESTS + 1)])


def test_the_commitment_is_over_id_and_sorted_digests() -> None:
    content = b"consent-vault/audit-event/v1\x00" + EVENT.bytes + b"a" * 32 + b"b" * 32
    assert commitment(EVENT, [b"b" * 32, b"a" * 32]) == hashlib.sha256(content).digest()
    assert commitment(UUID(int=8), [b"a" * 32]) != commitment(EVENT, [b"a" * 32])


def test_the_leaf_is_a_short_text_with_the_commitment() -> None:
    assert leaf(b"\xfb" * 32) == b"consent-vault/event/v1 " + base64.urlsafe_b64encode(
        b"\xfb" * 32
    ).rstrip(b"=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "****",
        "ä",
        encode({"salt": 1}),
        encode(["salt", "name"]),
        encode(["salt", "name", "value", "more"]),
        encode([1, "name", "value"]),
        encode(["salt", 1, "value"]),
        encode(["salt", "name", 1]),
        encode(["salt", "name", ["a", 1]]),
        encode(["salt", "name", None]),
        encode(["salt", "name", "value"]) + "=",
        "WyJzYWx0IiwibmFtZSIsInZhbHVlIl1",
    ],
)
def test_another_text_is_no_disclosure(text: str) -> None:
    with pytest.raises(DisclosureError):
        field_of(text)


VALUES = st.one_of(st.text(), st.lists(st.text(), max_size=4))


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), VALUES, max_size=8))
def test_any_field_reads_back(fields: dict[str, FieldValue]) -> None:
    assert dict(map(field_of, disclose(fields))) == fields
