"""What the owner of a database can do: take the guards of a table away."""

from sqlalchemy import Connection, text


def unguard(connection: Connection, table: str) -> None:
    """From here on every change to the table's rows is possible."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        return
    query = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
    for name in connection.execute(query, {"table": table}).scalars().all():
        connection.execute(text(f"DROP TRIGGER {name}"))
