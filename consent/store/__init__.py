"""The tables of consent and the SQL on them; nothing here leaves the room."""

from consent.store import decision_tables, declaration_tables, invalid_tables, shown_tables
from consent.store.tables import metadata

__all__ = ["decision_tables", "declaration_tables", "invalid_tables", "metadata", "shown_tables"]
