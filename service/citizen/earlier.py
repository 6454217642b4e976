"""What a person gave and did under a record that was joined to hers: it stays as it was written,
and she sees it.
"""

from typing import Annotated

from fastapi import Query
from starlette.exceptions import HTTPException

from policies.ids import PersonId
from service.runtime import Runtime
from service.sessions import Session
from vault.names import who_before

Of = Annotated[int | None, Query(ge=1, le=99)]
"""Which of the earlier records, the latest first; none for the person's own."""

_NOT_FOUND = 404


def earlier_records(runtime: Runtime, session: Session) -> list[PersonId]:
    """The records that were joined to the person's own."""
    with runtime.ledger.read(session.person) as connection:
        return who_before(connection, session.person)


def record_of(earlier: list[PersonId], session: Session, of: int | None) -> PersonId:
    """The record that is meant; another one than hers is not found."""
    if of is None:
        return session.person
    if of > len(earlier):
        raise HTTPException(_NOT_FOUND)
    return earlier[of - 1]
