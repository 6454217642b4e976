"""Faults planted in a test's own database: triggers that refuse or alter what is written."""

from sqlalchemy import Engine, text


def run(engine: Engine, *statements: str) -> None:
    """Run statements as the database's owner."""
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def unguard(engine: Engine, table: str) -> None:
    """Take an insert-only table's triggers away, as an operator could."""
    if engine.dialect.name == "sqlite":
        run(engine, f"DROP TRIGGER {table}_no_update", f"DROP TRIGGER {table}_no_delete")
    else:
        run(engine, f"ALTER TABLE {table} DISABLE TRIGGER USER")


def refuse(engine: Engine, table: str, change: str, *, after: bool = False) -> None:
    """Have every INSERT into (or DELETE from) a table fail from now on, or fail once it is done."""
    when = "AFTER" if after else "BEFORE"
    if engine.dialect.name == "sqlite":
        body = "BEGIN SELECT RAISE(ABORT, 'planted fault'); END"
        run(engine, f"CREATE TRIGGER planted {when} {change} ON {table} {body}")
    else:
        run(
            engine,
            "CREATE OR REPLACE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'planted fault'; END $$",
            f"CREATE TRIGGER planted {when} {change} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION planted()",
        )


def refuse_commit(engine: Engine, table: str) -> None:
    """Have the commit fail of every transaction that inserts into a table (PostgreSQL)."""
    refuse(engine, table, "INSERT")
    run(
        engine,
        f"DROP TRIGGER planted ON {table}",
        f"CREATE CONSTRAINT TRIGGER planted AFTER INSERT ON {table} "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION planted()",
    )


def alter(engine: Engine, table: str, key: str, sqlite: str, postgresql: str) -> None:
    """Alter each row as it is written: an UPDATE after it, or an assignment to NEW before it."""
    if engine.dialect.name == "sqlite":
        unguard(engine, table)
        body = f'{sqlite} WHERE "{key}" = NEW."{key}"'
        run(engine, f"CREATE TRIGGER planted AFTER INSERT ON {table} BEGIN {body}; END")
    else:
        run(
            engine,
            "CREATE OR REPLACE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {postgresql}; RETURN NEW; END $$",
            f"CREATE TRIGGER planted BEFORE INSERT ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION planted()",
        )


def repair(engine: Engine, table: str) -> None:
    """Take the planted fault out."""
    on = "" if engine.dialect.name == "sqlite" else f" ON {table}"
    run(engine, f"DROP TRIGGER planted{on}")
