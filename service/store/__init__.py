"""The service's tables and all SQL on them. Nothing here leaves the room."""

from service.store.tables import metadata as metadata
