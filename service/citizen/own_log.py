"""A person takes her whole log out: recorded first, then read a piece at a time.

However long the log is, no more than one piece of it is in memory, and between two pieces no
connection is held: a browser that reads slowly keeps nothing busy but itself.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice

from starlette.responses import Response, StreamingResponse

from audit.model import Entry, Event, Kind
from audit.own_log import OwnEntry, own_entries
from audit.unit_of_work import begin
from consent.purposes import purposes_in_force
from policies.ids import PurposeId
from policies.purposes import PurposeDeclaration
from policies.vocabulary import Language
from service.runtime import Runtime
from service.sessions import Session
from service.words import Line, line

PIECE = 500

OWN_ACTS = frozenset(
    {
        Kind.SIGN_IN_BEGUN,
        Kind.SIGNED_IN,
        Kind.SESSION_CONTINUED,
        Kind.SIGNED_OUT,
        Kind.DATA_VIEWED,
        Kind.RECEIPT_READ,
        Kind.LOG_SEARCHED,
        Kind.LOG_EXPORTED,
    }
)
"""What the person did herself by visiting; left out unless everything is asked for."""
BY_OTHERS = frozenset(Kind) - OWN_ACTS


@dataclass(frozen=True, slots=True)
class Told:
    """An entry and its words."""

    entry: OwnEntry
    line: Line

    @property
    def fields(self) -> Mapping[str, str | list[str]]:
        """What it discloses to her; nothing where nothing can be believed."""
        return self.entry.fields if isinstance(self.entry, Entry) else {}


def record_export(runtime: Runtime, session: Session) -> None:
    """The event which says that the person took her log out; committed when this returns."""
    with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
        uow.record(Event(kind=Kind.LOG_EXPORTED, subject=session.person, reason="own-log"))


def pieces(
    runtime: Runtime,
    session: Session,
    language: Language,
    *,
    kinds: Collection[Kind] | None = None,
) -> Iterator[list[Told]]:
    """The whole log, or its lines of these kinds, newest first."""
    with runtime.ledger.read() as connection:
        purposes = purposes_in_force(connection)
    before: int | None = None
    while True:
        with runtime.ledger.read() as connection:
            found = own_entries(
                connection,
                runtime.ledger,
                session.person,
                now=runtime.now(),
                before=before,
                limit=PIECE,
                kinds=kinds,
            )
        yield told(runtime, purposes, found, language)
        if len(found) < PIECE:
            return
        before = found[-1].number


def told(
    runtime: Runtime,
    purposes: Mapping[PurposeId, PurposeDeclaration],
    entries: Iterable[OwnEntry],
    language: Language,
) -> list[Told]:
    """Entries with their words."""
    return [Told(each, line(runtime.catalogue, purposes, each, language)) for each in entries]


def address_of(runtime: Runtime, language: Language, event_id: str) -> str:
    """Where a line is checked."""
    return f"{runtime.settings.base_url}/{language}/log/{event_id}"


def file_of(parts: Iterator[str], *, media_type: str, name: str) -> Response:
    """A file to download, sent while it is made.

    What fails in the first piece of the log is still an answer of its own; later on the connection
    breaks, so that no half looks whole.
    """
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    first = "".join(islice(parts, 2))
    return StreamingResponse(chain([first], parts), media_type=media_type, headers=headers)
