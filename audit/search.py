"""The auditor's search: which events, newest first, a page at a time, opened as far as keys go."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.model import Entry, Kind
from audit.reader import numbered_entries
from audit.store.searching import Asked, matches
from audit.unit_of_work import Ledger
from policies.ids import OrganisationId, PersonId, PurposeId
from policies.vocabulary import LegalBasis


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is searched for; None where it does not matter. `until` itself is left out."""

    since: datetime | None = None
    until: datetime | None = None
    kinds: frozenset[Kind] | None = None
    organisation: OrganisationId | None = None
    purpose: PurposeId | None = None
    basis: LegalBasis | None = None
    person: PersonId | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the search. With a `next` there is more to look through, short as this one is."""

    entries: list[Entry]
    next: int | None
    """The row number to give as `before`; None at the end."""


def find(
    connection: Connection,
    ledger: Ledger,
    wanted: Wanted,
    *,
    before: int | None = None,
    limit: int = 100,
) -> Page:
    """The newest events that match all that is wanted."""
    asked = Asked(
        since=wanted.since,
        until=wanted.until,
        kinds=wanted.kinds,
        organisation=wanted.organisation,
        purpose=wanted.purpose,
        basis=wanted.basis,
        person=wanted.person,
    )
    found = matches(connection, asked, all_kinds=Kind, before=before, limit=limit)
    return Page(numbered_entries(connection, ledger, found.numbers), found.next)
