"""Sealed parts: whatever is cut, changed or moved does not open."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.seal import SealedEventError, open_part, seal_parts, split_parts

EVENT, KEY_ID, OTHER_ID = UUID(int=1), UUID(int=2), UUID(int=3)
KEY, OTHER = b"k" * 32, b"o" * 32
SEALED = seal_parts(EVENT, [(KEY_ID, KEY, ["one", "two"]), (OTHER_ID, OTHER, ["three"])])


def opened(sealed: bytes) -> list[list[str]]:
    keys = {KEY_ID: KEY, OTHER_ID: OTHER}
    return [open_part(EVENT, keys[key_id], body) for key_id, body in split_parts(sealed)]


def test_each_part_opens_with_its_key() -> None:
    assert opened(SEALED) == [["one", "two"], ["three"]]


def test_a_part_does_not_open_with_another_key() -> None:
    (_, first), _ = split_parts(SEALED)
    with pytest.raises(SealedEventError):
        open_part(EVENT, OTHER, first)


def test_a_part_does_not_open_as_another_event() -> None:
    (_, first), _ = split_parts(SEALED)
    with pytest.raises(SealedEventError):
        open_part(UUID(int=9), KEY, first)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x02\x00", SEALED + b"x"])
def test_another_form_is_refused(sealed: bytes) -> None:
    with pytest.raises(SealedEventError):
        list(split_parts(sealed))


@given(st.integers(0, len(SEALED) - 1))
def test_a_cut_event_is_refused(length: int) -> None:
    with pytest.raises(SealedEventError):
        opened(SEALED[:length])


@given(st.integers(0, len(SEALED) - 1), st.integers(0, 7))
def test_a_changed_bit_is_noticed(place: int, bit: int) -> None:
    changed = bytearray(SEALED)
    changed[place] ^= 1 << bit
    with pytest.raises((SealedEventError, KeyError)):
        opened(bytes(changed))
