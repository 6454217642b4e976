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
    UncommittedError,
    check_committed,
    commitment,
    digest,
    digests,
    disclose,
    field_of,
    leaf,
    split_digests,
)
from audit.disclosure import FIELDS as NAMES

FIELDS: dict[str, FieldValue] = {"kind": "data.viewed", "case": 'K"ä\n', "attributes": ["a.b", "c"]}
EVENT = UUID(int=7)


def encode_bytes(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encode(value: object) -> str:
    return encode_bytes(json.dumps(value, separators=(",", ":")).encode())


def test_the_published_digest_of_rfc_9901() -> None:
    # RFC 9901 section 4.2.3: the disclosure ["_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius"].
    disclosure = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    published = "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
    assert base64.urlsafe_b64encode(digest(disclosure)).rstrip(b"=").decode() == published
    assert field_of(disclosure) == ("family_name", "Möbius")


def test_disclosures_read_back_and_have_salts_of_their_own() -> None:
    first, second = disclose(FIELDS), disclose(FIELDS)
    assert dict(map(field_of, first.values())) == FIELDS
    assert list(first) == list(FIELDS)
    assert not set(first.values()) & set(second.values())
    salts = [json.loads(base64.urlsafe_b64decode(each + "==="))[0] for each in first.values()]
    assert len(set(salts)) == len(FIELDS)
    assert all(len(base64.urlsafe_b64decode(salt)) == 18 for salt in salts)


@pytest.mark.parametrize("names", [(), ("actor",), ("kind", "at"), NAMES])
def test_an_event_always_has_the_same_number_of_digests(names: tuple[str, ...]) -> None:
    made = digests(disclose(dict.fromkeys(names, "value")))
    assert len(made) == len(set(made)) == DIGESTS
    assert split_digests(b"".join(made)) == made


def test_each_name_has_its_place_whatever_else_the_event_holds() -> None:
    disclosures = disclose(dict.fromkeys(reversed(NAMES), "value"))
    made = digests(disclosures)
    assert made[: len(NAMES)] == [digest(disclosures[name]) for name in NAMES]
    for name in NAMES:
        check_committed(name, disclosures[name], made)


def test_decoys_differ_from_event_to_event() -> None:
    assert not set(digests({})) & set(digests({}))


def test_a_second_value_of_a_field_has_no_place_to_hide() -> None:
    shown, kept_back = (
        disclose({"kind": kind})["kind"] for kind in ("data.viewed", "data.released")
    )
    made = digests({"kind": shown})
    made[-1] = digest(kept_back)
    check_committed("kind", shown, made)
    with pytest.raises(UncommittedError):
        check_committed("kind", kept_back, made)


@pytest.mark.parametrize("length", [0, NAMES.index("actor")])
def test_a_list_of_digests_without_the_place_commits_to_nothing(length: int) -> None:
    disclosures = disclose({"actor": "x"})
    with pytest.raises(UncommittedError):
        check_committed("actor", disclosures["actor"], digests(disclosures)[:length])


def test_a_name_without_a_place_is_refused() -> None:
    disclosures = disclose({"nickname": "x"})
    with pytest.raises(DisclosureError, match="no place"):
        digests(disclosures)
    with pytest.raises(DisclosureError, match="no place"):
        check_committed("nickname", disclosures["nickname"], digests({}))


def test_the_places_of_the_names_stay() -> None:
    # Whoever changes one of these makes all older events unreadable; new names come behind them.
    assert NAMES[:14] == (
        *("kind", "at", "subject", "organisation", "client", "consent", "purpose", "basis"),
        *("attributes", "reason", "reference", "case", "digest", "actor"),
    )


def test_the_commitment_is_over_id_and_digests_in_their_order() -> None:
    content = b"consent-vault/audit-event/v1\x00" + EVENT.bytes + b"b" * 32 + b"a" * 32
    assert commitment(EVENT, [b"b" * 32, b"a" * 32]) == hashlib.sha256(content).digest()
    assert commitment(EVENT, [b"a" * 32, b"b" * 32]) != commitment(EVENT, [b"b" * 32, b"a" * 32])
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
        encode_bytes('["salt","name","value"]'.encode("utf-16")),
        encode_bytes('["salt","name","value"]'.encode("utf-32-be")),
        encode_bytes('["salt","name","value"]'.encode("utf-8-sig")),
        encode_bytes(b"[" * 100_000),
        encode_bytes(b'["salt","name",' + b"1" * 5000 + b"]"),
    ],
)
def test_another_text_is_no_disclosure(text: str) -> None:
    with pytest.raises(DisclosureError):
        field_of(text)


VALUES = st.one_of(st.text(), st.lists(st.text(), max_size=4))


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), VALUES, max_size=8))
def test_any_field_reads_back(fields: dict[str, FieldValue]) -> None:
    assert dict(map(field_of, disclose(fields).values())) == fields
