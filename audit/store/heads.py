"""SQL on the heads of people's chains, read together with the log keys: one round trip for all that
an event needs. It is on the path of every event, so it goes to the driver."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection

from audit.driver import DRIVER_ERRORS, Statement, run
from audit.not_written import EventNotWrittenError
from audit.person_chain import FIRST, Position
from policies.ids import PersonId

FoundKeys = dict[str, tuple[UUID, bytes]]
"""Id and wrapped bytes by owner."""

_LOCK = "SELECT pg_advisory_xact_lock($1::bigint)"
_FIND = """\
SELECT key.key_id, key.wrapped, head.n, head.last FROM (SELECT 1) AS one
LEFT JOIN audit_key AS key ON key.key_id = (
  SELECT key_id FROM audit_key WHERE owner = {} AND period = {} ORDER BY key_id LIMIT 1
)
LEFT JOIN audit_head AS head ON head.person_id = {}"""
_FIND_IN = {"sqlite": _FIND.format("?", "?", "?"), "postgresql": _FIND.format("$1", "$2", "$3")}
_MOVE = """\
INSERT INTO audit_head (person_id, n, last) VALUES ({}, {}, {})
ON CONFLICT (person_id) DO UPDATE SET n = excluded.n, last = excluded.last"""
_MOVE_IN = {"sqlite": _MOVE.format("?", "?", "?"), "postgresql": _MOVE.format("$1", "$2", "$3")}


def lock_heads(
    connection: Connection, owners: Mapping[str, PersonId | None], *, period: str
) -> tuple[FoundKeys, dict[PersonId, Position]]:
    """The owners' keys for the period, and the next place in the chain of each person among them.

    Until the transaction ends nobody else gets those places. An owner without a key is absent from
    the keys. Raises EventNotWrittenError.

    On PostgreSQL the lock is taken by a statement of its own, so that the next one sees what the
    one before us has committed; in the order of its numbers, so that two who need the heads of the
    same people never wait for each other; and not on the row, which is not there before a person's
    first event, and whose lock would be written to disk each time.
    """
    dialect = connection.dialect.name
    people = [person for person in owners.values() if person is not None]
    locks = [] if dialect == "sqlite" else [Statement(_LOCK, (n,)) for n in _lock_numbers(people)]
    queries = [
        Statement(_FIND_IN[dialect], (owner, period, _key(dialect, person)))
        for owner, person in owners.items()
    ]
    try:
        found = run(connection, [*locks, *queries])[len(locks) :]
    except DRIVER_ERRORS as error:
        raise EventNotWrittenError from error
    keys: FoundKeys = {}
    places: dict[PersonId, Position] = {}
    for (owner, person), ran in zip(owners.items(), found, strict=True):
        ((key_id, wrapped, n, last),) = ran.rows
        if key_id is not None:
            keys[owner] = (key_id if isinstance(key_id, UUID) else UUID(key_id), wrapped)
        if person is not None:
            places[person] = FIRST if n is None else Position(n, None).next(last)
    return keys, places


def moves(connection: Connection, places: Mapping[PersonId, Position]) -> list[Statement]:
    """What moves the heads to before these next places."""
    dialect = connection.dialect.name
    return [
        Statement(_MOVE_IN[dialect], (_key(dialect, person), place.n - 1, place.previous))
        for person, place in places.items()
    ]


def _lock_numbers(people: Sequence[PersonId]) -> list[int]:
    """Random already, as the ids are."""
    return sorted({int.from_bytes(each.bytes[-8:], "big", signed=True) for each in people})


def _key(dialect: str, person: PersonId | None) -> UUID | str | None:
    return person.hex if person is not None and dialect == "sqlite" else person
