"""The log's tables and all SQL on them. Nothing here leaves the room."""

from audit.store.tables import metadata as metadata
