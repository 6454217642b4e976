"""Purpose declarations in force: what organisations may ask for.

The way there goes over two operators (`consent.declarations`). What the catalogue's files hold, and
what is registered at the machine, is in force at once.
"""

from sqlalchemy import Connection

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.declared import DeclarationKind, DeclarationStatus, Declared
from consent.notice_changes import ask_by_new_notice
from consent.notice_versions import change_class, register_notice
from consent.replacing import retire_older
from consent.services import services_in_force
from consent.store import declarations as declared
from consent.store import purposes as store
from policies.canonical import canonical_json
from policies.catalogue import Catalogue
from policies.ids import EventId, PurposeId
from policies.purposes import PurposeDeclaration, check_declaration
from policies.service_declarations import check_served


class PurposeVersionError(ValueError):
    """A declaration was changed under its old version, or an older one came after a newer."""

    def __init__(self, purpose: PurposeId, version: int) -> None:
        super().__init__(f"{purpose} needs a version after {version}")
        self.purpose = purpose
        self.version = version


def register_purpose(
    uow: UnitOfWork,
    declaration: PurposeDeclaration,
    catalogue: Catalogue,
    *,
    editorial: bool = False,
) -> None:
    """Put a declaration in force at once.

    What it means for those who were asked by an older one, `consent.notice_changes` says. Called
    editorial, it may change words only. Registering the same declaration again changes nothing.
    Raises DeclarationError, PurposeVersionError and EditorialChangeError.
    """
    check_purpose(uow.connection, declaration, catalogue)
    newest = store.newest(uow.connection, declaration.id)
    if newest == declaration:
        return
    highest = declared.newest_version(uow.connection, DeclarationKind.PURPOSE, declaration.id)
    if declaration.version <= highest:
        raise PurposeVersionError(declaration.id, highest)
    event_id = put_in_force(uow, declaration, editorial=editorial)
    registered = Declared(
        kind=DeclarationKind.PURPOSE,
        id=declaration.id,
        version=declaration.version,
        status=DeclarationStatus.APPROVED,
        document=canonical_json(declaration.to_json()),
        digest=declaration.digest(),
        changed_at=uow.now,
    )
    declared.add(uow.connection, registered, event_id)


def check_purpose(
    connection: Connection, declaration: PurposeDeclaration, catalogue: Catalogue
) -> None:
    """Raise DeclarationError when it may not be shown to anybody, or the sources do not give it."""
    check_declaration(declaration, catalogue)
    check_served(declaration, services_in_force(connection, catalogue))


def put_in_force(
    uow: UnitOfWork, declaration: PurposeDeclaration, *, editorial: bool = False
) -> EventId:
    """Let it count from now on, in the place of the version before. It has been checked.

    Raises EditorialChangeError.
    """
    before = store.newest(uow.connection, declaration.id)
    changes = change_class(before, declaration, editorial=editorial)
    retire_older(uow, DeclarationKind.PURPOSE, declaration.id)
    event_id = uow.record(
        Event(
            kind=Kind.PURPOSE_REGISTERED,
            organisation=declaration.organisation,
            purpose=declaration.id,
            basis=declaration.basis,
            attributes=tuple(each.id for each in declaration.attributes),
            digest=declaration.digest(),
        )
    )
    store.add(uow.connection, declaration, at=uow.now, event_id=event_id)
    register_notice(uow, declaration, before=before, change=changes, event_id=event_id)
    ask_by_new_notice(uow, declaration, changes)
    return event_id


def purpose(connection: Connection, purpose_id: PurposeId) -> PurposeDeclaration | None:
    """The declaration in force; None when the purpose is not registered, suspended or retired."""
    return store.in_force(connection, purpose_id)


def purposes_in_force(connection: Connection) -> dict[PurposeId, PurposeDeclaration]:
    """Every registered purpose in its newest version, also such as no catalogue holds.

    Suspended and retired ones too: what was done for them still has its name.
    """
    return {each.id: each for each in store.newest_of_each(connection)}


def purpose_version(
    connection: Connection, purpose_id: PurposeId, version: int
) -> PurposeDeclaration | None:
    """One version of a declaration, also one no longer in force."""
    return store.of_version(connection, purpose_id, version)
