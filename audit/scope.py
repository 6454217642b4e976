"""Whose rows a transaction may touch: told to PostgreSQL, which holds it to that by its policies.

A second wall, behind the WHERE of each statement. It goes to the server together with BEGIN, in one
round trip, and in the transaction's own form only: a setting of the session would be found by the
next user of a pooled connection. Which tables stand behind which scope is said in
service.migrations.row_security. On SQLite, which knows nothing of the kind, a transaction that is
held to one person is still refused when it turns to another.

`person`    the rows of one person, nobody else's
`service`   what must be found before the person is known (tokens, sessions, identifiers), the
            consents of all, and of what the vault keeps the rows of the person it has turned to
`everyone`  all rows; for work on many people at once, which says so by name
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from psycopg import pq
from psycopg.errors import error_from_result
from sqlalchemy import Connection

from policies.ids import PersonId

TELL = (
    "SELECT set_config('consent_vault.person', $1, true),"
    " set_config('consent_vault.scope', $2, true)"
)
_TELL_IN_TEXT = "SET LOCAL consent_vault.person = '{}'; SET LOCAL consent_vault.scope = '{}'"
_TOLD = "consent_vault_scope"
_IDLE = pq.TransactionStatus.IDLE


class Reach(StrEnum):
    """How far a transaction sees."""

    PERSON = "person"
    SERVICE = "service"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Scope:
    """How far a transaction sees, and the person whose rows it works on."""

    reach: Reach
    person: PersonId | None = None

    @classmethod
    def of(cls, person: PersonId) -> "Scope":
        """One person's rows, nobody else's."""
        return cls(Reach.PERSON, person)


SERVICE = Scope(Reach.SERVICE)
EVERYONE = Scope(Reach.EVERYONE)


class OtherPersonError(RuntimeError):
    """A transaction that is held to one person turned to another: begin it with `about=…`."""


@dataclass(slots=True)
class _Told:
    """What the open transaction is to be told, and whether that is still due."""

    scope: Scope
    due: bool = True


def set_scope(connection: Connection, scope: Scope | None) -> None:
    """Say it for the transaction that is about to begin on the connection."""
    connection.info[_TOLD] = None if scope is None else _Told(scope)


def turn_to(connection: Connection, person: PersonId) -> None:
    """Work on this person's rows from now on. Raises OtherPersonError.

    Nothing is sent for it: it goes out with the transaction's next statement.
    """
    told: _Told | None = connection.info.get(_TOLD)
    if told is None or told.scope.person == person:
        return
    if told.scope.reach is Reach.PERSON:
        raise OtherPersonError
    told.scope = replace(told.scope, person=person)
    told.due = True


def due(info: dict[str, Any], *, begins: bool) -> tuple[str, str] | None:
    """The values of TELL if the transaction must hear them before its next statement."""
    told: _Told | None = info.get(_TOLD)
    if told is None or not (told.due or begins):
        return None
    told.due = False
    person = "" if told.scope.person is None else str(told.scope.person)
    return person, told.scope.reach.value


def forget_scope(_driver: Any, record: Any) -> None:
    """Leave nothing behind for the next user of a pooled connection: for `checkin`."""
    record.info.pop(_TOLD, None)


def tell(connection: Connection, cursor: Any, *_: object) -> None:
    """Tell PostgreSQL before a statement of Core, together with BEGIN: for `before_cursor_execute`.

    Ids and words of ours only, so they may stand in the text.
    """
    driver = cursor.connection
    if driver.autocommit:
        return
    begins = driver.pgconn.transaction_status == _IDLE
    values = due(connection.info, begins=begins)
    if values is None:
        return
    text = _TELL_IN_TEXT.format(*values)
    if begins and driver.isolation_level is None:
        text = f"BEGIN; {text}"
    elif begins:
        driver.execute("")  # psycopg says BEGIN, with the level
    result = driver.pgconn.exec_(text.encode())
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise error_from_result(result)
