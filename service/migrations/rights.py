"""The PostgreSQL rights of the roles that come to the database: table by table, no more.

Migrations run as the owner of the tables. The service runs as a role that owns nothing, so that
whoever takes it over can write new rows into the log and change none; the sequencer, where it is a
process of its own, as one that reaches nothing but the log; who looks at the log in SQL as one that
only reads, and none of the keys. Which rows the service's role sees, of the tables that it may
read, is the matter of service.migrations.row_security.
"""

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import Connection, text

from audit.insert_only import Growth, grants, growth_of
from audit.store.tables import DELETABLE, SEQUENCES
from service.migrations.guards import TABLES

_LOG = (
    "audit_event",
    "audit_search",
    "audit_leaf",
    "audit_tile",
    "audit_checkpoint",
    "audit_cosignature",
    "audit_timestamp",
    "audit_log_start",
    "audit_retention",
)
"""Nothing in it says who a person is: events are sealed, and the index names no person."""
_SEQUENCED = (
    "audit_leaf",
    "audit_tile",
    "audit_checkpoint",
    "audit_cosignature",
    "audit_timestamp",
)

_ROLE = text(
    """\
SELECT rolsuper OR rolbypassrls OR pg_has_role(rolname, 'pg_write_all_data', 'MEMBER')
    OR has_parameter_privilege(rolname, 'session_replication_role', 'SET') AS may_all,
  (SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace
     AND pg_has_role(rolname, relowner, 'MEMBER')) AS owned
FROM pg_roles WHERE rolname = :role"""
)


class RoleError(ValueError):
    """A role whose rights cannot be limited, or that is not there."""

    def __init__(self, reason: str, repair: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.repair = repair


class Purpose(StrEnum):
    """What a role is for."""

    APPLICATION = "application"
    """`consent-vault serve` and the commands that work as it does."""
    SEQUENCER = "sequencer"
    """`consent-vault sequence`."""
    AUDITOR = "auditor"
    """Reading the log in SQL."""


def give_rights(
    connection: Connection, role: str, purpose: Purpose = Purpose.APPLICATION
) -> list[str]:
    """Give the role what its purpose needs and take away all else; gives the statements.

    Raises RoleError.
    """
    if connection.dialect.name != "postgresql":
        raise RoleError("SQLite has no roles", "guard the file: mode 0600, and backups apart")
    _check(connection, role)
    statements = rights_ddl(connection, role, purpose)
    for statement in statements:
        connection.exec_driver_sql(statement)
    return statements


def rights_ddl(
    connection: Connection, role: str, purpose: Purpose = Purpose.APPLICATION
) -> list[str]:
    """The statements, in the schema of the connection."""
    quoted = connection.dialect.identifier_preparer.quote(role)
    current = connection.execute(text("SELECT current_schema()")).scalar_one()
    schema = connection.dialect.identifier_preparer.quote(current)
    return [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {quoted}",
        f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {quoted}",
        f"REVOKE ALL ON SCHEMA {schema} FROM {quoted}",
        f"GRANT USAGE ON SCHEMA {schema} TO {quoted}",
        *_OF_PURPOSE[purpose](quoted),
        f"GRANT SELECT ON alembic_version TO {quoted}",
    ]


def _application(role: str) -> Iterable[str]:
    return grants(
        role,
        insert_only=_names(Growth.INSERT_ONLY),
        deletable=(*_names(Growth.NEVER_UPDATED), *DELETABLE),
        free=[each for each in _names(Growth.FREE) if each not in DELETABLE],
        sequences=SEQUENCES,
    )


def _sequencer(role: str) -> Iterable[str]:
    yield f"GRANT SELECT ON {', '.join(_LOG)}, audit_key TO {role}"
    yield f"GRANT INSERT ON {', '.join(_SEQUENCED)} TO {role}"
    yield f"GRANT SELECT, DELETE ON audit_queue TO {role}"


def _auditor(role: str) -> Iterable[str]:
    yield f"GRANT SELECT ON {', '.join(_LOG)} TO {role}"


_OF_PURPOSE = {
    Purpose.APPLICATION: _application,
    Purpose.SEQUENCER: _sequencer,
    Purpose.AUDITOR: _auditor,
}


def _names(growth: Growth) -> list[str]:
    return [table.name for table in TABLES if growth_of(table) is growth]


def _check(connection: Connection, role: str) -> None:
    found = connection.execute(_ROLE, {"role": role}).one_or_none()
    if found is None:
        raise RoleError("there is no such role", "CREATE ROLE … LOGIN, as its administrator")
    if found.may_all or found.owned:
        reason = "it owns the tables, or may do everything: its rights cannot be limited"
        raise RoleError(reason, "name another role, one that owns nothing and is in no such group")
