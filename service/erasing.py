"""Erasing as the service does it: the vault's erasure, the sessions and roles, and the statement.

In one transaction, so that nobody who is erased is still signed in. Afterwards SQLite is asked to
throw away what it wrote before: its write-ahead log holds whole pages as they were.
"""

from datetime import timedelta

from audit.traces import drop_traces
from audit.unit_of_work import UnitOfWork
from policies.ids import DatasetId, PersonId
from service.runtime import Runtime
from service.store import roles, sessions
from vault.erasure import Erasure, Request, erase_dataset, erase_person
from vault.erasure_statement import Statement, issue_statement


def erase(
    uow: UnitOfWork,
    runtime: Runtime,
    person: PersonId,
    request: Request,
    dataset: DatasetId | None = None,
) -> tuple[Erasure, Statement]:
    """Erase a data set, or everything, and state it. Raises what `vault.erasure` does."""
    if dataset is None:
        made = erase_person(uow, runtime.vault, person, request)
        let_go(uow, person)
    else:
        made = erase_dataset(uow, runtime.vault, person, dataset, request)
    backups = timedelta(days=runtime.settings.erasure_days)
    return made, issue_statement(uow, made, runtime.receipt_signer, backups=backups)


def let_go(uow: UnitOfWork, person: PersonId) -> None:
    """End what this room remembers of a person who is erased; `vault.replay` does it again."""
    sessions.delete_of_person(uow.connection, person)
    roles.remove_all(uow.connection, person)


def drop_copies(runtime: Runtime) -> None:
    """What the database's files still hold of deleted rows, as far as that is in our hands."""
    drop_traces(runtime.ledger.engine)
