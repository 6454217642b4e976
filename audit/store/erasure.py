"""SQL for forgetting: log keys, and what the index of events says in clear.

Rows of the index are never updated (audit.store.tables), so one that is to say less is deleted and
written again.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, or_, select, union_all

from audit.store.keys import delete_keys
from audit.store.tables import about, acted, head, log_key, search
from audit.store.tree import among

_CLEAR = (search.c.organisation, search.c.purpose, search.c.basis)


def numbers_about(connection: Connection, person: UUID, period: str | None = None) -> list[int]:
    """Row numbers of the events about the person, of that year or of all, that say more than kind
    and time."""
    query = select(about.c.number).join(search, search.c.number == about.c.number)
    query = query.where(about.c.person_id == person, _says_more())
    if period is not None:
        query = query.where(*_within(period))
    return list(connection.execute(query).scalars())


def numbers_in(
    connection: Connection, period: str, *, since: datetime | None, limit: int
) -> tuple[list[int], datetime | None]:
    """The same of everybody's, a batch from `since` on, and the time of the last one."""
    of_somebody = exists().where(about.c.number == search.c.number)
    query = select(search.c.number, search.c.at)
    query = query.where(*_within(period, since), _says_more(), of_somebody)
    rows = connection.execute(query.order_by(search.c.at, search.c.number).limit(limit)).all()
    return [row.number for row in rows], rows[-1].at if rows else since


def blank(connection: Connection, numbers: Sequence[int]) -> int:
    """Let the index say no more of these events than kind and time; how many they were."""
    these = among(connection, search.c.number, numbers)
    kept = select(search.c.number, search.c.at, search.c.kind).where(these)
    rows = [dict(row) for row in connection.execute(kept).mappings()]
    if rows:
        connection.execute(delete(search).where(these))
        connection.execute(insert(search), rows)
    return len(rows)


def delete_person(connection: Connection, person: UUID, *, owner: str) -> int:
    """Delete her keys and all by which her events are found; how many rows that were."""
    of_hers = [each.c.person_id == person for each in (about, acted, head)]
    tables = zip((about, acted, head), of_hers, strict=True)
    gone = sum(connection.execute(delete(table).where(of)).rowcount for table, of in tables)
    return gone + delete_keys(connection, log_key.c.owner == owner)


def has_until(connection: Connection, person: UUID, moment: datetime) -> bool:
    """Whether anything leads to an event of hers that is not newer."""
    hers = union_all(
        *(select(each.c.number).where(each.c.person_id == person) for each in (about, acted))
    ).subquery()
    query = select(hers.c.number).join(search, search.c.number == hers.c.number)
    found = connection.execute(query.where(search.c.at <= moment).limit(1))
    return found.first() is not None


def periods(connection: Connection, owner: str) -> list[int]:
    """Years of the owner's keys, oldest first."""
    query = select(log_key.c.period).where(log_key.c.owner == owner).distinct()
    return sorted(int(period) for period in connection.execute(query).scalars())


def periods_before(connection: Connection, before: str, *, prefix: str) -> list[str]:
    """Periods before that one from which there are keys of owners whose name begins so."""
    query = select(log_key.c.period).where(_of(prefix), log_key.c.period < before).distinct()
    return sorted(connection.execute(query).scalars())


def delete_keys_of(connection: Connection, period: str, *, prefix: str, limit: int) -> int:
    """Destroy so many of these owners' keys of the period; how many there were."""
    which = select(log_key.c.key_id).where(_of(prefix), log_key.c.period == period)
    found = connection.execute(which.order_by(log_key.c.key_id).limit(limit)).scalars().all()
    return delete_keys(connection, log_key.c.key_id.in_(found))


def _of(prefix: str) -> ColumnElement[bool]:
    return log_key.c.owner.startswith(prefix, autoescape=True)


def _says_more() -> ColumnElement[bool]:
    return or_(*(column.is_not(None) for column in _CLEAR))


def _within(
    period: str, since: datetime | None = None
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    begins, until = (datetime(each, 1, 1, tzinfo=UTC) for each in (int(period), int(period) + 1))
    return search.c.at >= (since or begins), search.c.at < until
