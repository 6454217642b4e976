"""The chain of a person's events."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.person_chain import FIRST, Break, ChainError, Fault, Link, Part, Position, breaks

_PARTS = pytest.mark.parametrize("part", list(Part))


def _commitment(i: int) -> bytes:
    return hashlib.sha256(b"entry %d" % i).digest()


def _chain(length: int) -> list[Link]:
    """A chain that holds, oldest first."""
    links, position = [], FIRST
    for i in range(length):
        links.append(Link(position, _commitment(i)))
        position = position.next(_commitment(i))
    return links


@_PARTS
def test_a_position_survives_its_fields(part: Part) -> None:
    second = FIRST.next(_commitment(0))
    assert Position.of(FIRST.fields(part), part) == FIRST
    assert Position.of(second.fields(part), part) == second


def test_the_two_chains_of_one_event_are_kept_apart() -> None:
    second = FIRST.next(_commitment(0))
    fields = {**FIRST.fields(Part.SUBJECT), **second.fields(Part.ACTOR)}
    assert len(fields) == 3
    assert Position.of(fields, Part.SUBJECT) == FIRST
    assert Position.of(fields, Part.ACTOR) == second


@_PARTS
def test_fields_without_a_place_give_none(part: Part) -> None:
    assert Position.of({"kind": "data.viewed"}, part) is None


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"n": "0"}, "n"),
        ({"n": "01", "prev": "A" * 43}, "n"),
        ({"n": "-1", "prev": "A" * 43}, "n"),
        ({"n": "1.0"}, "n"),
        ({"n": "\N{ARABIC-INDIC DIGIT TWO}", "prev": "A" * 43}, "n"),
        ({"n": "2" * 19, "prev": "A" * 43}, "n"),
        ({"n": ["2"], "prev": "A" * 43}, "n"),
        ({"prev": "A" * 43}, "n"),
        ({"n": "2"}, "prev"),
        ({"n": "1", "prev": "A" * 43}, "prev"),
        ({"n": "2", "prev": "A" * 42}, "prev"),
        ({"n": "2", "prev": "A" * 42 + "B"}, "prev"),
        ({"n": "2", "prev": "A" * 42 + "!"}, "prev"),
        ({"n": "2", "prev": "\N{LATIN SMALL LETTER E WITH ACUTE}" * 43}, "prev"),
        ({"n": "2", "prev": "A" * 47}, "prev"),
        ({"n": "2", "prev": ["A" * 43]}, "prev"),
    ],
)
def test_fields_that_give_no_place_are_refused_by_name(
    fields: dict[str, str | list[str]], name: str
) -> None:
    with pytest.raises(ChainError, match=f"^{name}$"):
        Position.of(fields, Part.SUBJECT)


@given(st.integers(0, 40))
def test_a_whole_chain_holds(length: int) -> None:
    assert breaks(_chain(length), whole=True) == []


@given(st.integers(2, 40), st.data())
def test_an_entry_that_is_hidden_is_found(length: int, data: st.DataObject) -> None:
    chain = _chain(length)
    hidden = data.draw(st.integers(0, length - 2))  # the last one leaves no gap: the head tells it
    del chain[hidden]
    assert breaks(chain, whole=True) == [Break(Fault.MISSING, hidden, 1)]


@given(st.integers(2, 40), st.data())
def test_an_entry_put_in_the_place_of_another_is_found(length: int, data: st.DataObject) -> None:
    chain = _chain(length)
    changed = data.draw(st.integers(0, length - 2))
    chain[changed] = Link(chain[changed].position, _commitment(1000))
    assert breaks(chain, whole=True) == [Break(Fault.CHANGED, changed + 1)]


@given(st.integers(2, 40), st.data())
def test_an_entry_put_between_is_found(length: int, data: st.DataObject) -> None:
    chain = _chain(length)
    at = data.draw(st.integers(1, length - 1))
    chain.insert(at, Link(chain[at].position, _commitment(1000)))
    assert Break(Fault.SURPLUS, at + 1) in breaks(chain, whole=True)


@given(st.integers(1, 40), st.data())
def test_entries_that_are_erased_are_no_gap(length: int, data: st.DataObject) -> None:
    erased = data.draw(st.sets(st.integers(0, length - 1)))
    chain = [
        Link(None if i in erased else link.position, link.commitment)
        for i, link in enumerate(_chain(length))
    ]
    assert breaks(chain, whole=True) == []


def test_an_erased_entry_that_is_changed_or_hidden_is_found() -> None:
    chain = _chain(4)
    chain[1] = Link(None, _commitment(1000))
    assert breaks(chain, whole=True) == [Break(Fault.CHANGED, 2)]
    del chain[1]
    assert breaks(chain, whole=True) == [Break(Fault.MISSING, 1, 1)]


@given(st.integers(1, 40), st.data())
def test_a_page_of_a_chain_holds_without_its_beginning(length: int, data: st.DataObject) -> None:
    page = _chain(length)[data.draw(st.integers(0, length - 1)) :]
    assert breaks(page, whole=False) == []


def test_a_chain_without_its_beginning_is_not_whole() -> None:
    assert breaks(_chain(5)[2:], whole=True) == [Break(Fault.MISSING, 0, 2)]


def test_entries_from_before_there_were_chains_come_first() -> None:
    old = [Link(None, _commitment(500)), Link(None, _commitment(501))]
    assert breaks([*old, *_chain(3)], whole=True) == []
