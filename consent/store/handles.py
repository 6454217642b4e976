"""SQL on all handles at once."""

from datetime import datetime

from sqlalchemy import Connection, update

from consent.store.tables import code, deposit_token, token
from consent.store.tokens import REFRESH


def end_all(connection: Connection, *, at: datetime) -> int:
    """End every access token, token of a source and code that has not ended."""
    statements = (
        update(token)
        .where(token.c.kind != REFRESH, token.c.revoked_at.is_(None))
        .values(revoked_at=at),
        update(deposit_token).where(deposit_token.c.revoked_at.is_(None)).values(revoked_at=at),
        update(code)
        .where(code.c.redeemed_at.is_(None), code.c.dead_at.is_(None))
        .values(dead_at=at),
    )
    return sum(connection.execute(each).rowcount for each in statements)
