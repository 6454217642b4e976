"""What the steps of a completeness check share: the snapshot that each reads, and the page that it
gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.check_cursor import Key
from audit.check_report import Finding
from audit.store import completeness as store
from audit.unit_of_work import Ledger


@dataclass(frozen=True, slots=True)
class View:
    """One snapshot of the database."""

    connection: Connection
    ledger: Ledger
    now: datetime
    batch: int


@dataclass(frozen=True, slots=True)
class Page:
    """What a step found in one page, and the key of its last row; None at the last page."""

    findings: Sequence[Finding]
    rows: int
    last: Key | None
    in_archive: int = 0


Step = Callable[[View, Key | None], Page]


def page_of(
    findings: Sequence[Finding],
    rows: Sequence[tuple[Key, object]],
    *,
    batch: int,
    in_archive: int = 0,
) -> Page:
    """The page of these rows, of which there are `batch` at most."""
    last = rows[-1][0] if len(rows) == batch else None
    return Page(findings, len(rows), last, in_archive)


def archived_until(connection: Connection) -> datetime | None:
    """The time of the first event that is not archived; None while all of them are here."""
    if not store.minimum_indexes(connection):
        return None
    return store.first_time_after_archive(connection)
