"""Rows of sessions."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from policies.ids import EventId, PersonId, SessionId
from policies.vocabulary import Language, LevelOfAssurance
from service.model import Session
from service.store.tables import session as table


def add(connection: Connection, session: Session, token_hash: bytes, event_id: EventId) -> None:
    connection.execute(
        insert(table).values(
            session_id=session.id,
            token_hash=token_hash,
            browser_hash=session.browser_hash,
            form_key=session.form_key,
            person_id=session.person,
            loa=int(session.loa),
            language=session.language,
            auth_time=session.auth_time,
            started_at=session.started_at,
            seen_at=session.seen_at,
            ends_at=session.ends_at,
            audit_event_id=event_id,
        )
    )


def find(connection: Connection, token_hash: bytes) -> Session | None:
    """The session of a token that has not been ended."""
    query = select(table).where(table.c.token_hash == token_hash, table.c.ended_at.is_(None))
    row = connection.execute(query).one_or_none()
    return None if row is None else _session(row)


def of_person(
    connection: Connection, person: PersonId, *, seen_after: datetime, ends_after: datetime
) -> list[Session]:
    """The person's living sessions, newest first."""
    query = (
        select(table)
        .where(
            table.c.person_id == person,
            table.c.ended_at.is_(None),
            table.c.ends_at > ends_after,
            table.c.seen_at > seen_after,
        )
        .order_by(table.c.started_at.desc())
    )
    return [_session(row) for row in connection.execute(query)]


def set_ended(
    connection: Connection, session_id: SessionId, *, person: PersonId, now: datetime
) -> bool:
    """End a session of this person; False when there is none that lives."""
    ended = connection.execute(
        update(table)
        .where(
            table.c.session_id == session_id,
            table.c.person_id == person,
            table.c.ended_at.is_(None),
        )
        .values(ended_at=now)
    )
    return ended.rowcount == 1


def end_all(connection: Connection, *, now: datetime) -> int:
    """End every session that lives; gives how many there were."""
    living = update(table).where(table.c.ended_at.is_(None), table.c.ends_at > now)
    return connection.execute(living.values(ended_at=now)).rowcount


def delete_of_person(connection: Connection, person: PersonId) -> None:
    """Delete every session of a person who is erased, those too that have ended."""
    connection.execute(delete(table).where(table.c.person_id == person))


def set_seen(connection: Connection, session: Session, now: datetime) -> bool:
    """Note the use of a session; False when somebody noted it meanwhile."""
    noted = connection.execute(
        update(table)
        .where(table.c.session_id == session.id, table.c.seen_at == session.seen_at)
        .values(seen_at=now)
    )
    return noted.rowcount == 1


def _session(row: Row[Any]) -> Session:
    return Session(
        id=SessionId(row.session_id),
        person=PersonId(row.person_id),
        loa=LevelOfAssurance(row.loa),
        language=Language(row.language),
        auth_time=row.auth_time,
        started_at=row.started_at,
        seen_at=row.seen_at,
        ends_at=row.ends_at,
        browser_hash=row.browser_hash,
        form_key=row.form_key,
    )
