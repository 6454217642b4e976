"""The chains of persons in a verified log: whole, with closed entries, and each way to break."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from audit.bundle_files import EventLine
from audit.disclosure import DIGESTS, FieldValue, commitment
from audit.faults import BundleError, Fault
from audit.person_chain import FIRST, Part, Position
from audit.verify_chains import check_chains
from tests.audit.sample import AINO, MATTI

Fields = dict[str, FieldValue]


class Log:
    """Events one after the other, each in the chains of its persons."""

    def __init__(self, start: int = 0) -> None:
        self.lines: list[EventLine] = []
        self.fields: list[Fields] = []
        self.next: dict[str, Position] = {}
        self.start = start

    def happen(self, subject: object = AINO, actor: object | None = None) -> None:
        """An event about a person, done by another one if there is an actor."""
        index = self.start + len(self.lines)
        digests = tuple(bytes([index, place]) * 16 for place in range(DIGESTS))
        line = EventLine(index, UUID(int=index), digests, ())
        fields: Fields = {"subject": str(subject)}
        people = [(Part.SUBJECT, str(subject))]
        if actor is not None:
            fields["actor"] = f"person:{actor}"
            people.append((Part.ACTOR, str(actor)))
        for part, person in people:
            position = self.next.get(person, FIRST)
            fields |= position.fields(part)
            self.next[person] = position.next(commitment(line.event_id, digests))
        self.lines.append(line)
        self.fields.append(fields)

    def check(self, *, whole: bool = True) -> None:
        check_chains(self.lines, self.fields, whole=whole)

    def without(self, place: int) -> "Log":
        del self.lines[place], self.fields[place]
        return self

    def closed(self, *places: int) -> "Log":
        for place in places:
            self.fields[place] = {}
        return self


def log(people: Sequence[object] = (AINO, MATTI, AINO, AINO, MATTI)) -> Log:
    made = Log()
    for person in people:
        made.happen(person)
    return made


def fault(made: Log, *, whole: bool = True) -> tuple[Fault, int | None]:
    with pytest.raises(BundleError) as error:
        made.check(whole=whole)
    assert error.value.file == "events.jsonl"
    return error.value.fault, error.value.entry


def test_whole_chains_hold() -> None:
    log().check()
    Log().check()


def test_an_event_of_two_persons_stands_in_both_chains() -> None:
    made = log((AINO, MATTI))
    made.happen(AINO, actor=MATTI)
    made.happen(MATTI)
    made.happen(AINO)
    made.check()
    assert fault(made.without(2)) == (Fault.CHAIN_GAP, 4)


@pytest.mark.parametrize(("gone", "entry"), [(0, 2), (2, 3), (1, 4)])
def test_an_event_that_was_left_out_is_noticed(gone: int, entry: int) -> None:
    assert fault(log().without(gone)) == (Fault.CHAIN_GAP, entry)


def test_what_was_cut_from_the_end_is_for_the_tree_to_show() -> None:
    log().without(4).check()


def test_closed_events_may_be_the_missing_ones() -> None:
    log().closed(2).check()
    log().closed(0).check()
    log().closed(0, 2).check()


def test_a_closed_event_stands_for_one_only_and_between_them_only() -> None:
    assert fault(log((AINO, MATTI, AINO, AINO, AINO)).closed(1).without(2).without(2)) == (
        Fault.CHAIN_GAP,
        4,
    )
    assert fault(log((AINO, AINO, AINO, MATTI)).closed(3).without(1)) == (Fault.CHAIN_GAP, 2)
    assert fault(log((MATTI, AINO, AINO, AINO)).closed(0).without(2)) == (Fault.CHAIN_GAP, 3)


def test_a_later_log_goes_on_in_the_middle_of_a_chain() -> None:
    made = log().without(0)
    made.without(0)
    made.check(whole=False)
    assert fault(made) == (Fault.CHAIN_GAP, 2)


@pytest.mark.parametrize(
    "forged",
    [
        Position(2, bytes(32)),
        Position(1, None),
    ],
    ids=["another one before it", "a number twice"],
)
def test_an_event_that_follows_upon_nothing_is_named(forged: Position) -> None:
    made = log()
    made.fields[2] = {**forged.fields(Part.SUBJECT), "subject": str(AINO)}
    assert fault(made) == (Fault.CHAIN, 2)


def test_an_event_inserted_into_a_chain_is_named() -> None:
    made = log()
    made.fields[1] = dict(made.fields[2])
    assert fault(made)[0] is Fault.CHAIN


def test_fields_that_are_no_place_are_named() -> None:
    made = log()
    made.fields[1] = made.fields[1] | {"n": "01"}
    assert fault(made) == (Fault.FIELD_FORM, 1)


def test_events_from_before_there_were_chains_and_those_of_nobody_have_no_place() -> None:
    made = log()
    made.fields[0] = {"subject": str(MATTI)}
    made.fields[1] = {"kind": "log.searched", "n": "5", "prev": made.fields[2]["prev"]}
    made.check(whole=False)
