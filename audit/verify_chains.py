"""The chains of persons in a log that is verified: does one of them lack an entry? Pure.

Each event says its number in the chain of the person whom it concerns, and the commitment of the
one before. Who can open the entries sees that none was left out of the log while it stands in the
tree; entries that are closed to the reader may be the missing ones, so they count for them.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from audit.bundle_files import EVENTS, EventLine
from audit.disclosure import FieldValue, commitment
from audit.faults import BundleError, Fault
from audit.person_chain import ChainError, Part, Position

_PERSON = "person:"


@dataclass(frozen=True, slots=True)
class _Place:
    """An event in one person's chain."""

    index: int
    position: Position
    commitment: bytes


def check_chains(
    lines: Sequence[EventLine], fields: Sequence[Mapping[str, FieldValue]], *, whole: bool
) -> None:
    """Raises BundleError at the first entry that does not follow upon the one before it.

    `whole` says that there is no log before this one, in which the chains may have begun.
    """
    closed = [line.index for line, opened in zip(lines, fields, strict=True) if not opened]
    chains: defaultdict[str, list[_Place]] = defaultdict(list)
    for line, opened in zip(lines, fields, strict=True):
        for person, position in _positions(line, opened):
            chains[person].append(
                _Place(line.index, position, commitment(line.event_id, line.digests))
            )
    for chain in chains.values():
        if whole:
            _check_gap(0, chain[0], chain[0].position.n - 1, closed)
        for before, after in pairwise(chain):
            _check_follows(before, after, closed)


def _positions(line: EventLine, fields: Mapping[str, FieldValue]) -> Iterator[tuple[str, Position]]:
    """In whose chains the event stands, and where."""
    actor = str(fields.get("actor", ""))
    people = {Part.SUBJECT: str(fields.get("subject", "")), Part.ACTOR: actor}
    for part, person in people.items():
        try:
            position = Position.of(fields, part)
        except ChainError as error:
            raise BundleError(Fault.FIELD_FORM, EVENTS, line.index) from error
        if position is not None and person:
            yield person.removeprefix(_PERSON), position


def _check_follows(before: _Place, after: _Place, closed: Sequence[int]) -> None:
    missing = after.position.n - before.position.n - 1
    if missing < 0 or (missing == 0 and after.position.previous != before.commitment):
        raise BundleError(Fault.CHAIN, EVENTS, after.index)
    _check_gap(before.index, after, missing, closed)


def _check_gap(start: int, after: _Place, missing: int, closed: Sequence[int]) -> None:
    """As many entries as are missing before this one must be closed to the reader."""
    if missing > bisect_left(closed, after.index) - bisect_left(closed, start):
        raise BundleError(Fault.CHAIN_GAP, EVENTS, after.index)
