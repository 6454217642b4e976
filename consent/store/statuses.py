"""How consents stand, many at a time: only the columns that tell it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection, bindparam, select

from audit.prepared import PreparedSelect
from consent.store.tables import consent
from policies.ids import AttributeId, ClientId, ConsentId

_LENGTHS = (1, 10, 100, 1_000)
"""Of lists in a statement; more than the last one are asked for piece by piece."""


class StandingRow(Protocol):
    """A consent, as far as its standing goes: a row as the query gives it, not made into anything
    else, since thousands are read at once."""

    consent_id: ConsentId
    client_id: ClientId
    status: str
    version: int
    expires_at: datetime
    not_after: datetime | None
    granted: tuple[AttributeId, ...]


def standing(connection: Connection, references: Sequence[ConsentId]) -> list[StandingRow]:
    """Those of the references that are consents."""
    found: list[StandingRow] = []
    for begin in range(0, len(references), _LENGTHS[-1]):
        piece = _filled(list(references[begin : begin + _LENGTHS[-1]]))
        found += _STANDING.rows(connection, {"ids": piece})
    return found


def _filled(piece: list[ConsentId]) -> list[ConsentId]:
    """The last one in the empty places as well: few lengths, so few statements to prepare."""
    length = next(each for each in _LENGTHS if each >= len(piece))
    return piece + piece[-1:] * (length - len(piece))


_STANDING = PreparedSelect(
    select(
        consent.c.consent_id,
        consent.c.client_id,
        consent.c.status,
        consent.c.version,
        consent.c.expires_at,
        consent.c.not_after,
        consent.c.granted,
    ).where(consent.c.consent_id.in_(bindparam("ids", expanding=True)))
)
