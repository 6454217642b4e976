"""Rows of what clients are told, and how far each client's feed has been numbered."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from consent.notice import Notice, Told
from consent.store.tables import client, feed, notice
from policies.ids import ClientId, ConsentId, EventId, PersonId, PurposeId, new_uuid

_NUMBERED_AT_ONCE = 2000

_PLACE = (
    update(notice).where(notice.c.notice_id == bindparam("id")).values(position=bindparam("place"))
)


def add(connection: Connection, told: Notice, event_id: EventId, *, ordinal: int) -> None:
    """Write a notice that has no place yet."""
    connection.execute(
        insert(notice).values(
            notice_id=new_uuid(),
            client_id=told.client,
            what=told.what,
            person_id=told.person,
            consent_id=told.consent,
            purpose_id=told.purpose,
            attributes=told.attributes,
            case_reference=told.case,
            reason=told.reason,
            subject=told.subject,
            former_subjects=told.former_subjects,
            at=told.at,
            ordinal=ordinal,
            about_event_id=told.about,
            audit_event_id=event_id,
        )
    )


def is_told(connection: Connection, client: ClientId, about: EventId) -> bool:
    query = select(notice.c.notice_id).where(
        notice.c.client_id == client, notice.c.about_event_id == about
    )
    return connection.execute(query).one_or_none() is not None


def number(connection: Connection, client: ClientId) -> None:
    """Give the client's new notices their places, oldest first.

    The feed's row is locked, so that two readers at once do not give a place twice.
    """
    fresh = (
        select(notice.c.notice_id)
        .where(notice.c.client_id == client, notice.c.position.is_(None))
        .order_by(notice.c.at, notice.c.ordinal, notice.c.notice_id)
        .limit(_NUMBERED_AT_ONCE)
    )
    if connection.execute(fresh.limit(1)).one_or_none() is None:
        return
    last = _lock(connection, client)
    ids = connection.execute(fresh).scalars().all()
    for place, notice_id in enumerate(ids, last + 1):
        connection.execute(_PLACE, {"id": notice_id, "place": place})
    reached = update(feed).where(feed.c.client_id == client)
    connection.execute(reached.values(last=last + len(ids)))


def skip_places(connection: Connection, number: int) -> None:
    """Let the feed of every client go on so many places later."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    for client_id in connection.execute(select(client.c.client_id)).scalars().all():
        begun = dialect.insert(feed).values(client_id=client_id, last=number)
        further = begun.on_conflict_do_update(
            index_elements=["client_id"], set_={"last": feed.c.last + number}
        )
        connection.execute(further)


def forget_old(connection: Connection, *, before: datetime, limit: int) -> int:
    """Delete what anybody was told before that time and nobody has locked; how many there were."""
    old = select(notice.c.notice_id).where(notice.c.at < before).limit(limit)
    gone = delete(notice).where(notice.c.notice_id.in_(old.with_for_update(skip_locked=True)))
    return connection.execute(gone).rowcount


def forget(connection: Connection, client: ClientId, *, before: datetime) -> None:
    """Delete what the client was told before that time; the places of the others stay."""
    of_client = (notice.c.client_id == client) & (notice.c.at < before)
    connection.execute(delete(notice).where(of_client))


def numbered(
    connection: Connection, client: ClientId, *, after: int, limit: int
) -> list[tuple[int, Notice]]:
    """The client's notices with their places, from the one after that place."""
    query = (
        select(notice)
        .where(notice.c.client_id == client, notice.c.position > after)
        .order_by(notice.c.position)
        .limit(limit)
    )
    return [(row.position, _notice(row)) for row in connection.execute(query)]


def _lock(connection: Connection, client: ClientId) -> int:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    begun = dialect.insert(feed).values(client_id=client, last=0).on_conflict_do_nothing()
    connection.execute(begun)
    query = select(feed.c.last).where(feed.c.client_id == client).with_for_update()
    last: int = connection.execute(query).scalar_one()
    return last


def _notice(row: Any) -> Notice:
    return Notice(
        client=ClientId(row.client_id),
        what=Told(row.what),
        person=PersonId(row.person_id),
        attributes=row.attributes,
        at=row.at,
        about=EventId(row.about_event_id),
        consent=None if row.consent_id is None else ConsentId(row.consent_id),
        purpose=None if row.purpose_id is None else PurposeId(row.purpose_id),
        case=row.case_reference,
        reason=row.reason,
        subject=row.subject,
        former_subjects=row.former_subjects,
    )
