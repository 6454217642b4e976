"""Rows that tell of a second event beside their own, page by page in the order of their keys."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from audit.check_cursor import Key
from audit.effects import Expected, Used
from audit.model import Kind
from consent.store.tables import code, consent, token
from policies.ids import PersonId

Page = Sequence[tuple[Key, Expected | None]]


def redeemed_codes(
    connection: Connection, after: Key | None, limit: int, *, kinds: frozenset[Kind]
) -> Page:
    """A code that was redeemed gave a token at that moment."""
    return _codes(connection, after, limit, code.c.redeemed_at, kinds)


def dead_codes(
    connection: Connection, after: Key | None, limit: int, *, kinds: frozenset[Kind]
) -> Page:
    """A code that died before anybody redeemed it died of something."""
    return _codes(connection, after, limit, code.c.dead_at, kinds)


def revoked_tokens(
    connection: Connection, after: Key | None, limit: int, *, kinds: frozenset[Kind]
) -> Page:
    """A token that ended before its time ended by something."""
    query = select(
        token.c.handle_digest,
        token.c.audit_event_id,
        token.c.person_id,
        token.c.revoked_at.label("moment"),
    )
    return _expected(connection, query, token.c.handle_digest, after, limit, kinds, "token of")


def uses(connection: Connection, after: Key | None, limit: int) -> Sequence[tuple[Key, Used]]:
    """Consents whose uses are limited, with how many are gone."""
    query = select(
        consent.c.consent_id,
        consent.c.person_id,
        consent.c.created_at,
        (consent.c.uses_allowed - consent.c.uses_left).label("gone"),
    )
    query = query.where(consent.c.uses_allowed.is_not(None), *_beyond(consent.c.consent_id, after))
    rows = connection.execute(query.order_by(consent.c.consent_id).limit(limit))
    return [
        (
            (row.consent_id,),
            Used(
                consent=row.consent_id,
                person=PersonId(row.person_id),
                since=row.created_at,
                times=row.gone,
            ),
        )
        for row in rows
    ]


def _codes(
    connection: Connection,
    after: Key | None,
    limit: int,
    moment: ColumnElement[Any],
    kinds: frozenset[Kind],
) -> Page:
    query = select(
        code.c.handle_digest, code.c.audit_event_id, consent.c.person_id, moment.label("moment")
    ).join_from(code, consent, consent.c.consent_id == code.c.consent_id)
    return _expected(connection, query, code.c.handle_digest, after, limit, kinds, "code of")


def _expected(
    connection: Connection,
    query: Select[Any],
    key: ColumnElement[Any],
    after: Key | None,
    limit: int,
    kinds: frozenset[Kind],
    name: str,
) -> Page:
    rows = connection.execute(query.where(*_beyond(key, after)).order_by(key).limit(limit))
    return [((row.handle_digest,), _told(row, kinds, name)) for row in rows]


def _told(row: Any, kinds: frozenset[Kind], name: str) -> Expected | None:
    if row.moment is None:
        return None
    return Expected(
        row=f"{name} {row.audit_event_id}",
        person=PersonId(row.person_id),
        at=row.moment,
        kinds=kinds,
    )


def _beyond(key: ColumnElement[Any], after: Key | None) -> list[ColumnElement[bool]]:
    return [] if after is None else [key > after[0]]
