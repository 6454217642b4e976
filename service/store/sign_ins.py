"""Rows of sign-ins under way."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from policies.ids import EventId
from policies.vocabulary import Language, LevelOfAssurance
from service.model import SignInFlow
from service.store.tables import sign_in as table


def add(connection: Connection, state_hash: bytes, flow: SignInFlow, event_id: EventId) -> None:
    connection.execute(
        insert(table).values(
            state_hash=state_hash,
            browser_hash=flow.browser_hash,
            nonce=flow.nonce,
            verifier=flow.verifier,
            loa=int(flow.loa),
            language=flow.language,
            return_to=flow.return_to,
            ends_at=flow.ends_at,
            audit_event_id=event_id,
        )
    )


def find(connection: Connection, state_hash: bytes, now: datetime) -> SignInFlow | None:
    """The flow of a state, None when there is none, or it was used, or it is over."""
    query = select(table).where(
        table.c.state_hash == state_hash, table.c.used_at.is_(None), table.c.ends_at > now
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _flow(row)


def use(connection: Connection, state_hash: bytes, now: datetime) -> bool:
    """Use the flow up; False when it has been."""
    used = connection.execute(
        update(table)
        .where(table.c.state_hash == state_hash, table.c.used_at.is_(None))
        .values(used_at=now)
    )
    return used.rowcount == 1


def _flow(row: Row[Any]) -> SignInFlow:
    return SignInFlow(
        browser_hash=row.browser_hash,
        nonce=row.nonce,
        verifier=row.verifier,
        loa=LevelOfAssurance(row.loa),
        language=Language(row.language),
        return_to=row.return_to,
        ends_at=row.ends_at,
    )
