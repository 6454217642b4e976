"""The vault's tables and all SQL on them. Nothing here leaves the room."""

from vault.store.tables import metadata as metadata
