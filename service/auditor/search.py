"""The auditor's page: how the log stands, a search in it, and the export that verifies offline.

It shows ids, codes and times; no value of anybody's data and nobody's name. Every search and
every export is an event itself, written before anything is shown.
"""

import hashlib
from dataclasses import asdict, dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.responses import Response

from audit.checkpoint import CheckpointError, open_checkpoint
from audit.model import Entry, Event, Kind
from audit.note import NoteError
from audit.proofs import current_log, latest_checkpoint, log_state
from audit.reader import search as search_log
from audit.tree import StoredTree, TreeDamagedError
from audit.unit_of_work import begin
from consent.purposes import purposes_in_force
from policies.canonical import canonical_json
from policies.ids import OrganisationId
from policies.vocabulary import Language
from service.formats import ZONE
from service.pages import render, runtime_of, use_form
from service.runtime import Runtime
from service.sessions import Session, require_session
from service.words import Line, event_texts, line

router = APIRouter(include_in_schema=False)

PAGE = 100
MOST = 2**63 - 1
"""The largest row number that a database holds."""
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for. Days are Finnish days, the last one included."""

    since: date | None
    until: date | None
    kind: Kind | None
    organisation: OrganisationId | None
    before: int | None

    def digest(self) -> str:
        """SHA-256 of the search, for its event."""
        named = {k: None if v is None else str(v) for k, v in asdict(self).items()}
        return hashlib.sha256(canonical_json(named)).hexdigest()


@router.get("/{language:lang}/audit")
def audit(
    request: Request,
    language: Language,
    since: Annotated[str, Query(max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
    kind: Annotated[str, Query(max_length=40)] = "",
    organisation: Annotated[str, Query(max_length=40)] = "",
    before: Annotated[int | None, Query(ge=1, le=MOST)] = None,
    search: Annotated[str, Query(pattern="^1?$")] = "",
) -> Response:
    """The state of the log on top, the search below it."""
    runtime, session = runtime_of(request), require_session(request)
    given = {"since": since, "until": until, "kind": kind, "organisation": organisation}
    wanted, faults = _search(runtime, given, before)
    found: list[Entry] = []
    if search and not faults:
        found = _found(runtime, session, wanted)
    with runtime.ledger.read() as connection:
        state = log_state(connection)
        checked = _checked(connection, runtime)
        purposes = purposes_in_force(connection)
    lines: list[Line] = [line(runtime.catalogue, purposes, each, language) for each in found[:PAGE]]
    return render(
        request,
        "auditor/audit.html",
        status_code=422 if faults else 200,
        state=state,
        checked=checked,
        origin=runtime.settings.log_origin,
        given=given,
        faults=faults,
        searched=bool(search) and not faults,
        lines=lines,
        older=found[PAGE - 1].number if len(found) > PAGE else None,
        kinds=event_texts(),
        organisations=runtime.catalogue.organisations.values(),
        form=use_form(request, session, "export"),
    )


def _checked(connection: Connection, runtime: Runtime) -> bool | None:
    """Whether the newest checkpoint bears our signature and the stored tree has its root."""
    log, signers = current_log(connection), runtime.log_signers
    note = latest_checkpoint(connection, log=log)
    if log is None or note is None:
        return None
    try:
        checkpoint = open_checkpoint(note, signers.verifiers(log), origin=signers.origin(log))
        return StoredTree(connection, log, checkpoint.size).root() == checkpoint.root
    except (NoteError, CheckpointError, TreeDamagedError):
        return False


def _search(
    runtime: Runtime, given: dict[str, str], before: int | None
) -> tuple[Search, list[str]]:
    """The search, and the names of the fields that make no sense."""
    days = {name: _day(given[name]) for name in ("since", "until")}
    faults = [name for name, day in days.items() if given[name] and day is None]
    kind, organisation = given["kind"], given["organisation"]
    if kind and kind not in set(Kind):
        faults.append("kind")
    if organisation and organisation not in runtime.catalogue.organisations:
        faults.append("organisation")
    wanted = Search(
        since=days["since"],
        until=days["until"],
        kind=Kind(kind) if kind and "kind" not in faults else None,
        organisation=OrganisationId(organisation) if organisation else None,
        before=before,
    )
    return wanted, faults


def _found(runtime: Runtime, session: Session, wanted: Search) -> list[Entry]:
    """What is found, after the event which says that it was searched for."""
    with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
        uow.record(
            Event(
                kind=Kind.LOG_SEARCHED,
                organisation=wanted.organisation,
                digest=wanted.digest(),
            )
        )
    with runtime.ledger.read() as connection:
        return search_log(
            connection,
            runtime.ledger,
            since=_start(wanted.since),
            until=_start(wanted.until and wanted.until + _A_DAY),
            kind=wanted.kind,
            organisation=wanted.organisation,
            before=wanted.before,
            limit=PAGE + 1,
        )


def _day(text: str) -> date | None:
    """A day as a date field sends it, or None.

    The first and the last year of the calendar are none: a moment in another zone would lie
    outside of it.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if text == day.isoformat() and MINYEAR < day.year < MAXYEAR else None


def _start(day: date | None) -> datetime | None:
    """The first moment of a Finnish day."""
    return None if day is None else datetime.combine(day, time(), ZONE).astimezone(UTC)
