"""How many consents stand, for who knows their references: the status filter of recipients and of
sources.

A reference is the id of a consent, known from the start to the client that pushed the request. It
says nothing by itself, and opens nothing: a client hears of its own consents, and a source of those
that are for data it keeps, so that it can look before it gives (as in the Estonian consent service,
whose filter takes 5,000 references). Nobody learns whether a person refused or kept silent.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection

from consent.model import LIVE, OPEN, Client, Status
from consent.store import statuses as store
from consent.store.statuses import StandingRow
from policies.ids import ConsentId, DatasetId

MOST = 5_000
"""So many references are looked up at once."""


class Standing(StrEnum):
    """What a consent looks like from outside."""

    OPEN = "open"
    """Asked, and not answered yet."""
    ACTIVE = "active"
    PAUSED = "paused"
    NOT_GIVEN = "not-given"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"
    UNKNOWN = "unknown"
    """Not opened by anybody, or nothing of this client's."""


class Stands(NamedTuple):
    """How one consent stands; the end is told of one that is in force.

    A tuple, since thousands are made at once.
    """

    reference: ConsentId
    standing: Standing
    version: int | None = None
    not_after: datetime | None = None


_LOOKS: Mapping[str, Standing] = {
    Status.REQUESTED: Standing.OPEN,
    Status.DEFERRED: Standing.OPEN,
    Status.PENDING_JOINT: Standing.OPEN,
    Status.ACTIVE: Standing.ACTIVE,
    Status.SUSPENDED: Standing.PAUSED,
    Status.REFUSED: Standing.NOT_GIVEN,
    Status.LAPSED: Standing.NOT_GIVEN,
    Status.CANCELLED: Standing.NOT_GIVEN,
    Status.WITHDRAWN: Standing.WITHDRAWN,
    Status.EXPIRED: Standing.ENDED,
    Status.REVOKED: Standing.ENDED,
    Status.INVALIDATED: Standing.ENDED,
    Status.SUPERSEDED: Standing.ENDED,
}


def statuses(
    connection: Connection,
    references: Sequence[ConsentId],
    client: Client,
    *,
    keeps: Collection[DatasetId],
    now: datetime,
) -> list[Stands]:
    """How each stands, in the order of the references.

    `keeps` are the data sets of the client's organisation, where it is a source.
    """
    found = {
        row.consent_id: _stands(row, now)
        for row in store.standing(connection, references)
        if row.client_id == client.id or _is_kept(row, keeps)
    }
    return [found.get(each) or Stands(each, Standing.UNKNOWN) for each in references]


def _stands(row: StandingRow, now: datetime) -> Stands:
    status, not_after = row.status, row.not_after
    if status in LIVE:
        if not_after is None or now >= not_after:
            return Stands(row.consent_id, Standing.ENDED)
        return Stands(row.consent_id, _LOOKS[status], row.version, not_after)
    if status in OPEN and now >= row.expires_at:
        return Stands(row.consent_id, Standing.NOT_GIVEN)
    return Stands(row.consent_id, _LOOKS[status])


def _is_kept(row: StandingRow, keeps: Collection[DatasetId]) -> bool:
    return any(DatasetId(each.partition(".")[0]) in keeps for each in row.granted)
