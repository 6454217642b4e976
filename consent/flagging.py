"""Marking what was released on a consent that was never valid, and assessing what follows.

The log says what was released on it, so the log is gone through once, in the transaction that finds
the consent invalid. What a person's erased log cannot tell any more is not marked.
"""

from collections.abc import Iterator

from sqlalchemy import Connection

from audit.model import Entry, Event, Kind
from audit.reader import entries_about
from audit.unit_of_work import UnitOfWork
from consent.assessment import TIME_TO_NOTIFY, Assessment, Outcome
from consent.events import consent_event
from consent.joint import JOINTLY_RELEASED
from consent.model import Consent
from consent.store import consents
from consent.store import flagged as store
from policies.ids import ConsentId, EventId, PersonId

_PIECE = 200


class NoAssessmentError(LookupError):
    """Nothing of that consent is to be assessed, or it has been already."""


def flag_disclosures(uow: UnitOfWork, invalid: Consent, event_id: EventId) -> int:
    """Mark every release on the consent, open the assessment if there is any; how many there are.

    `event_id` is the event that says that it was never valid.
    """
    found = [each.event_id for each in _released(uow, invalid)]
    store.flag(uow.connection, invalid, found, at=uow.now, event_id=event_id)
    if found:
        opened = Assessment(
            consent=invalid.id,
            person=invalid.person,
            opened_at=uow.now,
            due_at=uow.now + TIME_TO_NOTIFY,
        )
        store.open_assessment(uow.connection, opened, event_id)
    return len(found)


def flagged_of(connection: Connection, person: PersonId) -> frozenset[EventId]:
    """The releases about the person that rested on a consent which was never valid."""
    return store.flagged_of(connection, person)


def flagged_on(connection: Connection, consent_id: ConsentId) -> list[EventId]:
    """The releases on that consent which are marked."""
    return store.flagged_on(connection, consent_id)


def open_assessments(connection: Connection, *, limit: int = 100) -> list[Assessment]:
    """What is to be assessed yet, the most urgent first."""
    return store.open_assessments(connection, limit)


def assess(uow: UnitOfWork, consent_id: ConsentId, outcome: Outcome) -> EventId:
    """Write down what was found. Raises NoAssessmentError."""
    found = store.assessment_of(uow.connection, consent_id)
    standing = consents.find(uow.connection, consent_id)
    if found is None or found.outcome is not None or standing is None:
        raise NoAssessmentError
    event: Event = consent_event(uow, Kind.BREACH_ASSESSED, standing, reason=outcome)
    event_id = uow.record(event)
    store.close_assessment(uow.connection, consent_id, outcome, at=uow.now, event_id=event_id)
    return event_id


def _released(uow: UnitOfWork, invalid: Consent) -> Iterator[Entry]:
    before: int | None = None
    while True:
        page = entries_about(
            uow.connection,
            uow.ledger,
            invalid.person,
            before=before,
            limit=_PIECE,
            kinds={Kind.DATA_RELEASED},
        )
        yield from (each for each in page if _rests_on(each, invalid.id))
        if len(page) < _PIECE:
            return
        before = page[-1].number


def _rests_on(entry: Entry, consent_id: ConsentId) -> bool:
    """By the person's own request, or by her yes to what another person's request took along."""
    joint = entry.get("reason") == JOINTLY_RELEASED
    cited = entry.get("reference" if joint else "consent") or ""
    return cited.partition("@")[0] == str(consent_id)
