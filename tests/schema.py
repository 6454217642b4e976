"""All tables of all rooms in one empty database."""

from importlib import import_module
from importlib.util import find_spec

from sqlalchemy import Engine

_STORES = ("audit.store", "consent.store", "vault.store", "service.store")


def create_tables(engine: Engine) -> None:
    """Create every room's tables."""
    for name in _STORES:
        if find_spec(name) is not None:
            import_module(name).metadata.create_all(engine)
