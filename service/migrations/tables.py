"""Every room's tables, for Alembic. Nobody else may look into a room's store."""

from collections.abc import Callable

from sqlalchemy import Connection, ForeignKeyConstraint, MetaData
from sqlalchemy.schema import SchemaItem

from audit.insert_only import ONLY
from audit.store import metadata as audit
from audit.store.guards import partitions
from consent.store import metadata as consent
from service.store import metadata as service
from vault.store import metadata as vault

ROOMS: list[MetaData] = [audit, consent, service, vault]


def is_in_model(connection: Connection) -> Callable[..., bool]:
    """For Alembic: what to compare. Partitions are made when they are needed, and what is unique
    on one engine only stands in the model with the name of that engine (audit.store.partitions).
    """
    dialect = connection.dialect.name
    parts = {child for _, child in partitions(connection)} if dialect == "postgresql" else set()

    def include(item: SchemaItem, name: str | None, kind: str, *_: object) -> bool:
        if kind == "table" and name in parts:
            return False
        # PostgreSQL tells of a key that refers to a partitioned table once for each partition too.
        if isinstance(item, ForeignKeyConstraint) and item.referred_table.name in parts:
            return False
        only: str = item.info.get(ONLY, dialect)
        return only == dialect

    return include
