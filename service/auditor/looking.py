"""One look of an auditor into the log: its event first, then what it shows."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.own_log import DamagedEntry, OwnEntry
from audit.results import Result, result_of
from audit.search import Page, find, find_one, subject_of
from audit.unit_of_work import UnitOfWork, begin
from policies.ids import PersonId
from service.auditor.query import Query
from service.auditor.shown import Shown, ShownTexts
from service.runtime import Runtime
from service.sessions import Session

PAGE = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as an auditor may see it: no name, no id of a person, no value."""

    entry: OwnEntry
    person: str | None
    """The pseudonym of the person whom the event is about."""
    result: Result | None
    shown: Shown | None


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of them; with a `next` there is more to look through."""

    rows: list[Row]
    next: int | None


def look(runtime: Runtime, session: Session, query: Query, *, limit: int = PAGE) -> Rows:
    """What the auditor asked for, after the event which says so and why."""
    with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
        uow.record(query.look(*_whom(uow, query)))
    with runtime.ledger.read() as connection:
        page = _page(connection, runtime, query, limit)
        texts = ShownTexts(connection)
        return Rows([row_of(runtime, texts, each) for each in page.entries], page.next)


def row_of(runtime: Runtime, texts: ShownTexts, found: OwnEntry) -> Row:
    """An entry with the pseudonym in the person's place."""
    if isinstance(found, DamagedEntry):
        return Row(found, None, None, None)
    return Row(
        entry=found,
        person=None if found.subject is None else runtime.pseudonyms.of(found.subject),
        result=None if found.kind is None else result_of(found.kind),
        shown=texts.of(found.get("consent")),
    )


def _whom(uow: UnitOfWork, query: Query) -> tuple[PersonId | None, datetime | None]:
    """Whom the one event is about that is asked for: that person is told of the look, at the time
    at which she sees the event itself."""
    if query.event is None:
        return None, None
    return subject_of(uow.connection, uow.ledger, query.event)


def _page(connection: Connection, runtime: Runtime, query: Query, limit: int) -> Page:
    if query.event is None:
        return find(connection, runtime.ledger, query.wanted, before=query.before, limit=limit)
    found = find_one(connection, runtime.ledger, query.event)
    return Page([] if found is None else [found], None)
