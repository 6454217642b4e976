"""SQL on how each source's records about people stand now."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, select

from policies.ids import AttributeId, PersonId, RecordId, SourceId
from policies.vocabulary import AuthorityRank
from vault.store.joins import IS_CURRENT
from vault.store.many import among
from vault.store.tables import record, version


@dataclass(frozen=True, slots=True)
class Head:
    """A record's current version with its rank, and the number of its versions."""

    record: RecordId
    current: int
    latest: int
    authority: AuthorityRank
    observed_at: datetime
    protected: bool


def heads_of(
    connection: Connection, people: Collection[PersonId]
) -> dict[tuple[PersonId, SourceId], dict[AttributeId, Head]]:
    """The records of these people, by source and attribute."""
    found: dict[tuple[PersonId, SourceId], dict[AttributeId, Head]] = defaultdict(dict)
    for row in connection.execute(_heads(connection.dialect.name), {"people": list(people)}):
        found[PersonId(row.person_id), SourceId(row.source)][AttributeId(row.attribute)] = Head(
            RecordId(row.record_id),
            row.current,
            row.latest,
            AuthorityRank(row.authority),
            row.observed_at,
            row.protected,
        )
    return found


@cache
def _heads(dialect: str) -> Select[Any]:
    query = select(
        record.c.person_id,
        record.c.source,
        record.c.attribute,
        record.c.record_id,
        record.c.current,
        record.c.latest,
        version.c.authority,
        version.c.observed_at,
        record.c.protected,
    )
    query = query.join_from(record, version, IS_CURRENT)
    return query.where(among(dialect, record.c.person_id, "people"))
