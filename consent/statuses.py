"""How many consents stand, for who knows their references: the status filter of recipients and of
sources.

A reference is the id of a consent, known from the start to the client that pushed the request. It
says nothing by itself, and opens nothing: a client hears of its own consents, and a source of those
that are for data it keeps, so that it can look before it gives (as in the Estonian consent service,
whose filter takes 5,000 references). Nobody learns whether a person refused or kept silent.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class Stands:
    """How one consent stands; the end is told of one that is in force."""

    reference: ConsentId
    standing: Standing
    version: int | None = None
    not_after: datetime | None = None


_LOOKS: Mapping[Status, Standing] = {
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
    found = {each.id: each for each in store.standing(connection, references)}
    return [_stands(each, found.get(each), client, keeps, now) for each in references]


def _stands(
    reference: ConsentId,
    row: StandingRow | None,
    client: Client,
    keeps: Collection[DatasetId],
    now: datetime,
) -> Stands:
    if row is None or not (row.client == client.id or _is_kept(row, keeps)):
        return Stands(reference, Standing.UNKNOWN)
    if row.status in OPEN and now >= row.expires_at:
        return Stands(reference, Standing.NOT_GIVEN)
    if row.status in LIVE and (row.not_after is None or now >= row.not_after):
        return Stands(reference, Standing.ENDED)
    if row.status in LIVE:
        return Stands(reference, _LOOKS[row.status], row.version, row.not_after)
    return Stands(reference, _LOOKS[row.status])


def _is_kept(row: StandingRow, keeps: Collection[DatasetId]) -> bool:
    return any(DatasetId(each.partition(".")[0]) in keeps for each in row.granted)
