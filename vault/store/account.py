"""SQL on what is held about a person beside the values, for her own copy."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, literal, select, union_all

from policies.ids import DatasetId, OrganisationId, PersonId
from vault.store.tables import (
    erasure,
    former,
    former_subject,
    identifier,
    pairwise,
    person,
    statement,
    unwanted,
)


@dataclass(frozen=True, slots=True)
class Identifier:
    """That an identifier of this scheme led to the person, and when. The identifier is not kept."""

    scheme: str
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """Under which name an organisation knows the person."""

    sector: OrganisationId
    subject: str
    issued_at: datetime
    former: bool
    """Of another record of her, which was joined to this one."""


@dataclass(frozen=True, slots=True)
class FormerRecord:
    """Another record of the person, joined to this one."""

    id: PersonId
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class ErasureKept:
    """That something was erased, with the signed statement while it is kept."""

    id: UUID
    at: datetime
    statement: str | None


@dataclass(frozen=True, slots=True)
class Unwanted:
    """A data set of which the person wants no copy here."""

    dataset: DatasetId
    since: datetime


def known_since(connection: Connection, person_id: PersonId) -> datetime:
    """Since when the person has an account. She must be locked, so there is one."""
    query = select(person.c.created_at).where(person.c.person_id == person_id)
    since: datetime = connection.execute(query).scalar_one()
    return since


def identifiers(connection: Connection, person_id: PersonId) -> list[Identifier]:
    columns = identifier.c
    query = select(columns.scheme, columns.valid_from, columns.valid_to)
    rows = connection.execute(
        query.where(columns.person_id == person_id).order_by(columns.valid_from, columns.scheme)
    )
    return [Identifier(row.scheme, row.valid_from, row.valid_to) for row in rows]


def pseudonyms(connection: Connection, person_id: PersonId) -> list[Pseudonym]:
    query = union_all(
        *(
            select(
                table.c.sector, table.c.subject, table.c.issued_at, literal(is_former).label("old")
            ).where(table.c.person_id == person_id)
            for table, is_former in ((pairwise, 0), (former_subject, 1))
        )
    ).order_by("issued_at", "sector")
    return [
        Pseudonym(OrganisationId(row.sector), row.subject, row.issued_at, bool(row.old))
        for row in connection.execute(query)
    ]


def former_records(connection: Connection, person_id: PersonId) -> list[FormerRecord]:
    query = select(former.c.former_id, former.c.joined_at)
    rows = connection.execute(
        query.where(former.c.person_id == person_id).order_by(former.c.joined_at)
    )
    return [FormerRecord(PersonId(row.former_id), row.joined_at) for row in rows]


def erasures(connection: Connection, person_id: PersonId, *, now: datetime) -> list[ErasureKept]:
    kept = (
        (statement.c.person_id == erasure.c.person_id)
        & (statement.c.erasure_id == erasure.c.erasure_id)
        & (statement.c.kept_until > now)
    )
    query = (
        select(erasure.c.erasure_id, erasure.c.erased_at, statement.c.jws)
        .join_from(erasure, statement, kept, isouter=True)
        .where(erasure.c.person_id == person_id)
        .order_by(erasure.c.erased_at)
    )
    rows = connection.execute(query)
    return [ErasureKept(row.erasure_id, row.erased_at, row.jws) for row in rows]


def unwanted_since(connection: Connection, person_id: PersonId) -> list[Unwanted]:
    query = select(unwanted.c.dataset, unwanted.c.since)
    rows = connection.execute(
        query.where(unwanted.c.person_id == person_id).order_by(unwanted.c.dataset)
    )
    return [Unwanted(DatasetId(row.dataset), row.since) for row in rows]
