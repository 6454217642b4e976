"""A declaration that a newer version of it replaces."""

from dataclasses import replace

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.declared import DeclarationKind, DeclarationStatus, Declared
from consent.store import declarations as store
from policies.ids import PurposeId

REPLACED = "replaced-by-newer"


def declaration_event(kind: Kind, declared: Declared, reason: str | None = None) -> Event:
    """What the log says of a declaration."""
    is_purpose = declared.kind is DeclarationKind.PURPOSE
    return Event(
        kind=kind,
        organisation=declared.organisation,
        purpose=PurposeId(declared.id) if is_purpose else None,
        reason=reason,
        reference=declared.name,
        digest=declared.digest,
    )


def retire_older(uow: UnitOfWork, kind: DeclarationKind, id_: str) -> None:
    """Let the version that counts, or is suspended, count no more."""
    found = store.lock_in_force(uow.connection, kind, id_)
    if found is None:
        return
    event_id = uow.record(declaration_event(Kind.DECLARATION_RETIRED, found, REPLACED))
    retired = replace(found, status=DeclarationStatus.RETIRED, changed_at=uow.now)
    store.change(uow.connection, was=found, now=retired, event_id=event_id)
