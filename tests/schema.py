"""All tables of all rooms in one empty database.

Making them table by table asks the database some two hundred times. The statements of the first
time are kept, and sent in one text to each database after it: thousands of tests need one.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from sqlalchemy import Engine, event

_STORES = ("audit.store", "consent.store", "vault.store", "service.store")
_kept: dict[str, str] = {}


def create_tables(engine: Engine) -> None:
    """Create every room's tables."""
    name = engine.dialect.name
    if name in _kept:
        _run(engine, _kept[name])
    else:
        _kept[name] = _made(engine)


def _made(engine: Engine) -> str:
    said: list[str] = []

    def listen(_c: object, _cursor: object, statement: str, *_others: object) -> None:
        if not statement.lstrip().startswith(("SELECT", "PRAGMA")):
            said.append(statement)

    event.listen(engine, "before_cursor_execute", listen)
    for name in _STORES:
        if find_spec(name) is not None:
            import_module(name).metadata.create_all(engine)
    event.remove(engine, "before_cursor_execute", listen)
    return ";\n".join(said)


def _run(engine: Engine, script: str) -> None:
    raw = engine.raw_connection()
    connection: Any = raw.driver_connection
    try:
        if engine.dialect.name == "sqlite":
            connection.executescript(f"BEGIN;\n{script};\nCOMMIT")
        else:
            connection.execute(script)
            connection.commit()
    finally:
        raw.close()
