"""What an auditor asks the log for: which entries, and why."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from audit.model import Event, Kind
from audit.results import Result, kinds_of
from audit.search import Wanted
from policies.ids import EventId, OrganisationId, PersonId, PurposeId
from policies.vocabulary import LegalBasis
from service.auditor.fields import Fault, Fields
from service.auditor.reasons import Stated
from service.pseudonyms import Pseudonyms

FIELDS = (
    "reason",
    "case",
    "since",
    "until",
    "kind",
    "result",
    "organisation",
    "purpose",
    "basis",
    "person",
    "event",
    "before",
)
"""The names of all fields, on the page and in JSON."""

SHORT = ("since", "until", "kind", "result", "organisation", "purpose", "basis", "event", "before")
"""Those that the event of the look holds as they are: codes, times and numbers."""

MOST = 2**63 - 1
"""The largest row number that a database holds."""
_ID = re.compile(r"[a-z0-9-]{1,64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,18}")

Reader = Callable[[str], datetime | None]
"""Reads a time; None, or a ValueError, for what makes no sense."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question to the log, with the reason for it."""

    stated: Stated
    wanted: Wanted
    event: EventId | None
    """One event only; nothing else matters then."""
    before: int | None
    digest: str
    """Of the fields as they were given: so the event of the look says what was looked for."""

    asked: str
    """The same in short, without the person."""

    def look(self, found: PersonId | None, visible_from: datetime | None) -> Event:
        """The event of the look. One at a single person stands in that person's log.

        `found` is whom the one event is about that was asked for, and `visible_from` when that
        person sees it: of what is kept back from her, a look must not tell her. A pseudonym beside
        it does not count, since it may be somebody else's. The recipient that was asked for is no
        field of the event: it would seem to have looked.
        """
        person = self.wanted.person if self.event is None else found
        return Event(
            kind=Kind.LOG_SEARCHED if person is None else Kind.LOG_INSPECTED,
            subject=person,
            reason=self.stated.reason.value,
            reference=self.asked or None,
            case=self.stated.case,
            digest=self.digest,
            visible_from=visible_from,
        )


def read_query(
    given: Mapping[str, str], *, pseudonyms: Pseudonyms, since: Reader, until: Reader
) -> Query:
    """The question in these fields; an absent one is empty. Raises AuditQuestionError."""
    fields = Fields(given, FIELDS)
    stated = fields.stated()
    wanted = Wanted(
        since=fields.read("since", since, Fault.TIME),
        until=fields.read("until", until, Fault.TIME),
        kinds=_kinds(fields),
        organisation=fields.read("organisation", _organisation, Fault.CHOICE),
        purpose=fields.read("purpose", _purpose, Fault.CHOICE),
        basis=fields.read("basis", LegalBasis, Fault.CHOICE),
        person=fields.read("person", pseudonyms.person, Fault.UNKNOWN),
    )
    event = fields.read("event", _event, Fault.FORM)
    before = fields.read("before", _row_number, Fault.FORM)
    fields.check()
    asked = " ".join(f"{name}={fields[name]}" for name in SHORT if fields[name])
    return Query(stated, wanted, event, before, fields.digest(), asked)


def _kinds(fields: Fields) -> frozenset[Kind] | None:
    """The kinds to look for: of that kind, of that result, or of both."""
    kind = fields.read("kind", Kind, Fault.CHOICE)
    result = fields.read("result", Result, Fault.CHOICE)
    if result is None:
        return None if kind is None else frozenset({kind})
    return kinds_of(result) if kind is None else kinds_of(result) & {kind}


def _organisation(text: str) -> OrganisationId | None:
    return OrganisationId(text) if _ID.fullmatch(text) else None


def _purpose(text: str) -> PurposeId | None:
    return PurposeId(text) if _ID.fullmatch(text) else None


def _event(text: str) -> EventId | None:
    found = EventId(UUID(text))
    return found if str(found) == text.lower() else None


def _row_number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) and int(text) <= MOST else None
