"""Row-level security on PostgreSQL: which rows of which table a transaction sees (audit.scope).

Every table that carries a person's id in `vault`, `consent` and `service` has policies. The owner
of the tables (migrations, backups) and superusers pass them; the role of the service does not.

What the vault keeps is seen by a transaction about that person only, or by one that says that it
works on everyone. Identifiers and pseudonyms are read before anybody is known who they lead to.
Consents, tokens and sessions are looked up by what a program or a browser presents: the service
sees them all, a person's own transaction hers only.
"""

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
SELECT c.relname AS table, c.relrowsecurity AS on, p.policyname AS policy
FROM pg_class c LEFT JOIN pg_policies p
  ON p.schemaname = current_schema() AND p.tablename = c.relname
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')"""
)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a table lets through; several of one table add up."""

    table: str
    name: str
    rows: str
    command: str = "ALL"

    @property
    def statement(self) -> str:
        """The statement that makes it. What may be seen may be written."""
        return f"CREATE POLICY {self.name} ON {self.table} FOR {self.command} USING ({self.rows})"


def policies() -> list[Policy]:
    """Of all tables, in the order of their rooms."""
    return [policy for table in TABLES for policy in _policies_of(table)]


def missing(connection: Connection) -> list[Policy]:
    """The policies that do not stand, or stand on a table whose row-level security is off."""
    if connection.dialect.name != "postgresql":
        return []
    found = connection.execute(_FOUND).all()
    there = {row.table for row in found}
    standing = {(row.table, row.policy) for row in found if row.on}
    declared = [each for each in policies() if each.table in there]
    return [each for each in declared if (each.table, each.name) not in standing]


def restore(connection: Connection) -> list[Policy]:
    """Make what is missing, as the owner of the tables; gives what was."""
    made = missing(connection)
    for policy in made:
        connection.exec_driver_sql(f"ALTER TABLE {policy.table} ENABLE ROW LEVEL SECURITY")
        connection.exec_driver_sql(f"DROP POLICY IF EXISTS {policy.name} ON {policy.table}")
        connection.exec_driver_sql(policy.statement)
    return made


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
