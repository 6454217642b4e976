"""Rows of versions of notices, insert-only."""

from typing import Any

from sqlalchemy import Connection, Row, insert, select

from consent.notice_version import ChangeClass, NoticeVersion
from consent.store.shown_tables import notice_version
from policies.ids import EventId, PurposeId
from policies.vocabulary import Language


def add(connection: Connection, new: NoticeVersion, event_id: EventId) -> None:
    """Store a version that is not there yet."""
    connection.execute(
        insert(notice_version).values(
            purpose_id=new.purpose,
            version=new.version,
            digest=new.digest,
            text_fi=new.text_digests[Language.FI],
            text_sv=new.text_digests[Language.SV],
            text_en=new.text_digests[Language.EN],
            change_class=new.change,
            supersedes=new.supersedes,
            registered_at=new.registered_at,
            audit_event_id=event_id,
        )
    )


def find(connection: Connection, purpose: PurposeId, version: int) -> NoticeVersion | None:
    """One version."""
    query = select(notice_version).where(
        notice_version.c.purpose_id == purpose, notice_version.c.version == version
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _version(row)


def between(
    connection: Connection, purpose: PurposeId, after: int, until: int
) -> list[NoticeVersion]:
    """The versions after one and up to another, oldest first."""
    query = (
        select(notice_version)
        .where(
            notice_version.c.purpose_id == purpose,
            notice_version.c.version > after,
            notice_version.c.version <= until,
        )
        .order_by(notice_version.c.version)
    )
    return [_version(row) for row in connection.execute(query)]


def _version(row: Row[Any]) -> NoticeVersion:
    return NoticeVersion(
        purpose=PurposeId(row.purpose_id),
        version=row.version,
        digest=row.digest,
        text_digests={
            Language.FI: row.text_fi,
            Language.SV: row.text_sv,
            Language.EN: row.text_en,
        },
        change=ChangeClass(row.change_class),
        supersedes=row.supersedes,
        registered_at=row.registered_at,
    )
