"""Rows of receipts, insert-only."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, or_, select

from consent.model import Receipt
from consent.store.tables import receipt
from policies.ids import ConsentId, EventId, PersonId, ReceiptId


def add(connection: Connection, new: Receipt) -> None:
    """Store a receipt that is not there yet."""
    connection.execute(
        insert(receipt).values(
            receipt_id=new.id,
            person_id=new.person,
            consent_id=new.consent,
            version=new.version,
            jws=new.jws,
            issued_at=new.issued_at,
            audit_event_id=new.event_id,
        )
    )


def find(connection: Connection, receipt_id: ReceiptId) -> Receipt | None:
    """The receipt of that id."""
    query = select(receipt).where(receipt.c.receipt_id == receipt_id)
    return _receipt(connection.execute(query).one_or_none())


def of_record(connection: Connection, consent_id: ConsentId, version: int) -> Receipt | None:
    """The receipt of one version of a consent."""
    query = select(receipt).where(receipt.c.consent_id == consent_id, receipt.c.version == version)
    return _receipt(connection.execute(query).one_or_none())


def of_consents(connection: Connection, consents: Collection[ConsentId]) -> list[Receipt]:
    """The receipts of these consents, newest first."""
    query = select(receipt).where(receipt.c.consent_id.in_(consents)).order_by(*_NEWEST_FIRST)
    return [_filled(row) for row in connection.execute(query)]


def of_person(
    connection: Connection, person: PersonId, *, after: Receipt | None, limit: int | None
) -> list[Receipt]:
    """The person's receipts, newest first; from the one after a given one, so many at most."""
    query = select(receipt).where(receipt.c.person_id == person)
    if after is not None:
        at, version, id_ = receipt.c.issued_at, receipt.c.version, receipt.c.receipt_id
        query = query.where(
            or_(
                at < after.issued_at,
                and_(at == after.issued_at, version < after.version),
                and_(at == after.issued_at, version == after.version, id_ > after.id),
            )
        )
    ordered = query.order_by(*_NEWEST_FIRST).limit(limit)
    return [_filled(row) for row in connection.execute(ordered)]


_NEWEST_FIRST = (receipt.c.issued_at.desc(), receipt.c.version.desc(), receipt.c.receipt_id)


def _receipt(row: Row[Any] | None) -> Receipt | None:
    return None if row is None else _filled(row)


def _filled(row: Row[Any]) -> Receipt:
    return Receipt(
        id=ReceiptId(row.receipt_id),
        person=PersonId(row.person_id),
        consent=ConsentId(row.consent_id),
        version=row.version,
        jws=row.jws,
        issued_at=row.issued_at,
        event_id=EventId(row.audit_event_id),
    )
