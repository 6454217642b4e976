"""Purpose declarations in force: what organisations may ask for, registered by an operator."""

from sqlalchemy import Connection

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.changes import change
from consent.lifecycle import Party
from consent.model import Command
from consent.store import consents
from consent.store import purposes as store
from policies.catalogue import Catalogue
from policies.ids import PurposeId
from policies.purposes import PurposeDeclaration, check_declaration


class PurposeVersionError(ValueError):
    """A declaration was changed under its old version, or an older one came after a newer."""

    def __init__(self, purpose: PurposeId, version: int) -> None:
        super().__init__(f"{purpose} needs a version after {version}")
        self.purpose = purpose
        self.version = version


def register_purpose(
    uow: UnitOfWork, declaration: PurposeDeclaration, catalogue: Catalogue
) -> None:
    """Put a declaration in force. Raises DeclarationError or PurposeVersionError.

    Open requests that show an older notice are cancelled: nobody may agree to a text that is no
    longer true. Registering the same declaration again changes nothing.
    """
    check_declaration(declaration, catalogue)
    newest = store.newest(uow.connection, declaration.id)
    if newest == declaration:
        return
    if newest is not None and declaration.version <= newest.version:
        raise PurposeVersionError(declaration.id, newest.version)
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
    _cancel_outdated(uow, declaration)


def purpose(connection: Connection, purpose_id: PurposeId) -> PurposeDeclaration | None:
    """The declaration in force, None when the purpose is not registered."""
    return store.newest(connection, purpose_id)


def purposes_in_force(connection: Connection) -> dict[PurposeId, PurposeDeclaration]:
    """Every registered purpose with its declaration in force, also such as no catalogue holds."""
    return {each.id: each for each in store.in_force(connection)}


def purpose_version(
    connection: Connection, purpose_id: PurposeId, version: int
) -> PurposeDeclaration | None:
    """One version of a declaration, also one no longer in force."""
    return store.of_version(connection, purpose_id, version)


def _cancel_outdated(uow: UnitOfWork, declaration: PurposeDeclaration) -> None:
    outdated = consents.lock_open_before(
        uow.connection, declaration.id, version=declaration.version
    )
    for each in outdated:
        change(uow, each, Command.NOTICE_CHANGED_MATERIAL, party=Party.SYSTEM)
