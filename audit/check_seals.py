"""What is sealed in the rooms above stands there as the log says that it was sealed.

A room knows its own seals: it tells whose there are, and of one person what differs.
"""

from collections.abc import Iterator

from audit.check_cursor import Key
from audit.check_report import Finding, Gap
from audit.check_steps import Page, Step, View, page_of
from audit.effects import Sealed
from audit.seal import SealedEventError
from policies.ids import PersonId

PEOPLE_AT_ONCE = 50
"""Everything of theirs is read, so a page of them is as long as a page of rows."""


def sealed(by: Sealed) -> Step:
    """The step over all people of whom the room keeps something sealed."""

    def step(view: View, after: Key | None) -> Page:
        batch = min(view.batch, PEOPLE_AT_ONCE)
        people = by.people(view.connection, after, batch)
        findings = [found for _, each in people for found in _differing(view, by, each)]
        return page_of(findings, people, batch=batch)

    return step


def _differing(view: View, by: Sealed, person: PersonId) -> Iterator[Finding]:
    try:
        for place in by.differing(view.connection, view.ledger, person):
            yield Finding(Gap.SEALED_DIFFERS, f"{by.name} {place}")
    except SealedEventError:
        yield Finding(Gap.EVENT_DAMAGED, f"{by.name} of a person")
