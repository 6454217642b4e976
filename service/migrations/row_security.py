"""Row-level security on PostgreSQL: which rows of which table a transaction sees (audit.scope).

Every table that carries a person's id in `vault`, `consent` and `service` has policies. The owner
of the tables (migrations, backups) and superusers pass them; the role of the service does not.

What the vault keeps is seen by a transaction about that person only, or by one that says that it
works on everyone. Identifiers and pseudonyms are read before anybody is known who they lead to.
Consents, tokens and sessions are looked up by what a program or a browser presents: the service
sees them all, a person's own transaction hers only.
"""

import re
from dataclasses import dataclass

from sqlalchemy import Connection, Table, text

from service.migrations.guards import TABLES

PERSON = "person_id"
ROOMS = ("vault_", "consent_", "service_")
"""Not the log: it is sealed, its index is read by everyone who may read the log (auditor.md), and
one event may stand in the chains of two people."""
INDEX = frozenset({"vault_identifier", "vault_pairwise", "vault_former", "vault_former_subject"})
"""Read by what they hold, in order to learn who is meant."""

_OWN = "person_id = NULLIF(current_setting('consent_vault.person', true), '')::uuid"
_SCOPE = "current_setting('consent_vault.scope', true)"
_EVERYONE = f"{_SCOPE} = 'everyone'"
_SERVICE = f"{_SCOPE} = 'service' OR {_EVERYONE}"

_FOUND = text(
    """\
SELECT c.relname AS table, c.relrowsecurity AS on, p.policyname AS policy, p.cmd AS command,
  p.qual AS rows, p.permissive = 'PERMISSIVE' AND p.roles = '{public}' AND p.with_check IS NULL
    AS as_usual
FROM pg_class c LEFT JOIN pg_policies p
  ON p.schemaname = current_schema() AND p.tablename = c.relname
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')"""
)
_ADDED_BY_POSTGRESQL = re.compile(r"::\w+|[()\s]")
"""What it writes into a condition that it gives back. None of ours says something else without it:
they are comparisons that are joined by OR."""


_Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a table lets through; several of one table add up."""

    table: str
    name: str
    rows: str
    command: str = "ALL"

    @property
    def key(self) -> _Key:
        """What it is known by, and what it does."""
        return self.table, self.name, self.command, _bare(self.rows)

    @property
    def statement(self) -> str:
        """The statement that makes it. What may be seen may be written."""
        return f"CREATE POLICY {self.name} ON {self.table} FOR {self.command} USING ({self.rows})"


def policies() -> list[Policy]:
    """Of all tables, in the order of their rooms."""
    return [policy for table in TABLES for policy in _policies_of(table)]


def missing(connection: Connection) -> list[Policy]:
    """The policies that do not stand as they were made, or on a table whose row-level security is
    off."""
    found = _found(connection)
    declared = [each for each in policies() if each.table in found.tables]
    return [each for each in declared if each.key not in found.standing]


def foreign(connection: Connection) -> list[tuple[str, str]]:
    """Policies on these tables that are none of ours, by table and name: what one of them lets
    through comes to what ours do."""
    ours = {(each.table, each.name) for each in policies()}
    guarded = {table for table, _ in ours}
    return sorted(each for each in _found(connection).named - ours if each[0] in guarded)


def restore(connection: Connection) -> list[Policy]:
    """Make what is missing, as the owner of the tables, and drop what is not ours; gives what was
    missing."""
    for table, name in foreign(connection):
        quoted = connection.dialect.identifier_preparer.quote(name)
        connection.exec_driver_sql(f"DROP POLICY {quoted} ON {table}")
    made = missing(connection)
    for policy in made:
        connection.exec_driver_sql(f"ALTER TABLE {policy.table} ENABLE ROW LEVEL SECURITY")
        connection.exec_driver_sql(f"DROP POLICY IF EXISTS {policy.name} ON {policy.table}")
        connection.exec_driver_sql(policy.statement)
    return made


@dataclass(frozen=True, slots=True)
class _Found:
    """What the database has: tables, policies by table and name, and those that do their work."""

    tables: frozenset[str] = frozenset()
    named: frozenset[tuple[str, str]] = frozenset()
    standing: frozenset[_Key] = frozenset()


def _found(connection: Connection) -> _Found:
    if connection.dialect.name != "postgresql":
        return _Found()
    rows = connection.execute(_FOUND).all()
    there = [row for row in rows if row.policy is not None]
    return _Found(
        tables=frozenset(row.table for row in rows),
        named=frozenset((row.table, row.policy) for row in there),
        standing=frozenset(
            (row.table, row.policy, row.command, _bare(row.rows))
            for row in there
            if row.on and row.as_usual and row.rows is not None
        ),
    )


def _bare(condition: str) -> str:
    """The condition without what PostgreSQL adds when it gives one back."""
    return _ADDED_BY_POSTGRESQL.sub("", condition)


def _policies_of(table: Table) -> list[Policy]:
    name = table.name
    if PERSON not in table.columns or not name.startswith(ROOMS):
        return []
    if not name.startswith("vault_"):
        nobody_yet = f" OR {PERSON} IS NULL" if table.columns[PERSON].nullable else ""
        return [Policy(name, "rows_of_person", f"{_OWN} OR {_SERVICE}{nobody_yet}")]
    own = Policy(name, "rows_of_person", f"{_OWN} OR {_EVERYONE}")
    if name not in INDEX:
        return [own]
    return [own, Policy(name, "rows_to_look_up", f"{_SCOPE} = 'service'", "SELECT")]
