"""The tables of consent and the SQL on them; nothing here leaves the room."""

from consent.store import declaration_tables
from consent.store.tables import metadata

__all__ = ["declaration_tables", "metadata"]
