"""SQL on data sets of which a person wants no copy here."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from policies.ids import DatasetId, EventId, PersonId
from vault.store.tables import unwanted as table


def add(
    connection: Connection,
    person_id: PersonId,
    dataset: DatasetId,
    *,
    now: datetime,
    event_id: EventId,
) -> None:
    """Note it, unless it is noted; the person must be locked."""
    if dataset not in of_people(connection, {person_id}).get(person_id, []):
        row = {"person_id": person_id, "dataset": dataset, "since": now}
        connection.execute(insert(table).values(**row, audit_event_id=event_id))


def of_people(
    connection: Connection, people: Collection[PersonId]
) -> dict[PersonId, list[DatasetId]]:
    """The data sets by person, in the order of their names."""
    query = select(table.c.person_id, table.c.dataset).where(table.c.person_id.in_(people))
    found: dict[PersonId, list[DatasetId]] = {}
    for person_id, dataset in connection.execute(query.order_by(table.c.dataset)):
        found.setdefault(PersonId(person_id), []).append(DatasetId(dataset))
    return found


def remove(connection: Connection, person_id: PersonId, dataset: DatasetId) -> bool:
    """Forget it; False when it was not noted."""
    here = (table.c.person_id == person_id) & (table.c.dataset == dataset)
    return connection.execute(delete(table).where(here)).rowcount > 0
