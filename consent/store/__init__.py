"""The tables of consent and the SQL on them; nothing here leaves the room."""

from consent.store.tables import metadata

__all__ = ["metadata"]
