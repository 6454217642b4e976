"""Declarations on their way into force, over two operators.

Whoever drafts writes what a recipient or a source has told. Somebody submits it, and then nobody
changes it any more; another operator approves it, and from that moment it counts. Suspending stops
everything that rests on it at once, since every decision asks whether its declaration counts.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from audit.journal_line import Told, declaration_stepped
from audit.model import Kind
from audit.unit_of_work import UnitOfWork
from consent.declared import (
    Act,
    Content,
    DeclarationKind,
    DeclarationStatus,
    Declared,
    after,
    kind_of,
)
from consent.purposes import check_purpose, put_in_force
from consent.replacing import declaration_event, retire_older
from consent.services import first_version
from consent.store import declarations as store
from policies.canonical import canonical_json
from policies.catalogue import Catalogue
from policies.ids import DatasetId, PersonId
from policies.purposes import PurposeDeclaration, check_complete
from policies.service_declarations import check_service


class NoSuchDeclarationError(LookupError):
    """There is no such version of a declaration."""


class DeclarationVersionError(ValueError):
    """The version is not the next one, or one before it still waits; `expected` is the next."""

    def __init__(self, expected: int) -> None:
        super().__init__(f"the next version is {expected}")
        self.expected = expected


class OwnDeclarationError(ValueError):
    """Whoever submitted it cannot approve it: that is another one's."""


class OtherDeclarationError(ValueError):
    """A draft is changed in what it says, never in which declaration it is."""


_ON_THE_WAY = frozenset({DeclarationStatus.DRAFT, DeclarationStatus.SUBMITTED})
_KINDS = {
    Act.EDIT: Kind.DECLARATION_CHANGED,
    Act.SUBMIT: Kind.DECLARATION_SUBMITTED,
    Act.SEND_BACK: Kind.DECLARATION_SENT_BACK,
    Act.APPROVE: Kind.DECLARATION_APPROVED,
    Act.SUSPEND: Kind.DECLARATION_SUSPENDED,
    Act.RESUME: Kind.DECLARATION_RESUMED,
    Act.RETIRE: Kind.DECLARATION_RETIRED,
}
_TOLD = {
    Act.SUSPEND: Told.DECLARATION_SUSPENDED,
    Act.RESUME: Told.DECLARATION_RESUMED,
    Act.RETIRE: Told.DECLARATION_RETIRED,
}


def draft(uow: UnitOfWork, content: Content, catalogue: Catalogue) -> Declared:
    """Begin a new version. Raises DeclarationVersionError.

    One version is on its way at a time: two drafts of one declaration would each be approved
    without what the other changes.
    """
    kind = kind_of(content)
    _seed(uow, kind, content.id, catalogue)
    versions = store.of_id(uow.connection, kind, content.id)
    newest = versions[0].version if versions else 0
    waits = any(each.status in _ON_THE_WAY for each in versions)
    if waits or content.version != newest + 1:
        raise DeclarationVersionError(newest + 1)
    new = _written(
        Declared(
            kind=kind,
            id=content.id,
            version=content.version,
            status=DeclarationStatus.DRAFT,
            document=b"",
            digest="",
            changed_at=uow.now,
        ),
        content,
    )
    store.add(uow.connection, new, uow.record(declaration_event(Kind.DECLARATION_DRAFTED, new)))
    return new


def edit(uow: UnitOfWork, found: Declared, content: Content) -> Declared:
    """Change a draft. Raises DeclarationStepError and OtherDeclarationError."""
    same = (kind_of(content), content.id, content.version) == (found.kind, found.id, found.version)
    if not same:
        raise OtherDeclarationError
    return _step(uow, found, Act.EDIT, _written(found, content))


def submit(uow: UnitOfWork, found: Declared, catalogue: Catalogue, *, by: PersonId) -> Declared:
    """Hand a draft in for approval. Raises DeclarationError and DeclarationStepError."""
    after(found.status, Act.SUBMIT)
    _check(uow.connection, found.content, catalogue)
    return _step(uow, found, Act.SUBMIT, replace(found, submitted_by=by))


def send_back(uow: UnitOfWork, found: Declared) -> Declared:
    """Make it a draft again. Raises DeclarationStepError."""
    return _step(uow, found, Act.SEND_BACK, replace(found, submitted_by=None))


def approve(uow: UnitOfWork, found: Declared, catalogue: Catalogue, *, by: PersonId) -> Declared:
    """Let it count from now on, in the place of the version before.

    It is checked once more: the catalogue or a source may have changed since it was submitted.
    Raises DeclarationStepError, OwnDeclarationError and DeclarationError.
    """
    after(found.status, Act.APPROVE)
    if found.submitted_by == by:
        raise OwnDeclarationError
    content = found.content
    _check(uow.connection, content, catalogue)
    if isinstance(content, PurposeDeclaration):
        put_in_force(uow, content)
    else:
        retire_older(uow, found.kind, found.id)
    return _step(uow, found, Act.APPROVE, replace(found, approved_by=by))


def suspend(uow: UnitOfWork, found: Declared) -> Declared:
    """Stop all that rests on it, until it is resumed. Raises DeclarationStepError."""
    return _step(uow, found, Act.SUSPEND, found)


def resume(uow: UnitOfWork, found: Declared) -> Declared:
    """Let it count again. Raises DeclarationStepError."""
    return _step(uow, found, Act.RESUME, found)


def retire(uow: UnitOfWork, found: Declared) -> Declared:
    """End it for ever; a newer version may still come. Raises DeclarationStepError."""
    return _step(uow, found, Act.RETIRE, found)


def step_again(uow: UnitOfWork, found: Declared, act: Act, *, at: datetime) -> None:
    """Take a step that a restored backup has forgotten: it stands so since then."""
    _stepped(uow, found, act, found, at=at)


def declared(
    uow: UnitOfWork, kind: DeclarationKind, id_: str, version: int, catalogue: Catalogue
) -> Declared:
    """One version, locked until the transaction ends. Raises NoSuchDeclarationError."""
    _seed(uow, kind, id_, catalogue)
    found = store.lock(uow.connection, kind, id_, version)
    if found is None:
        raise NoSuchDeclarationError
    return found


def declaration(
    connection: Connection, kind: DeclarationKind, id_: str, version: int, catalogue: Catalogue
) -> Declared:
    """One version, for reading. Raises NoSuchDeclarationError."""
    found = store.find(connection, kind, id_, version)
    if found is None:
        of_catalogue = _of_catalogue(connection, kind, catalogue)
        found = next((e for e in of_catalogue if (e.id, e.version) == (id_, version)), None)
    if found is None:
        raise NoSuchDeclarationError
    return found


def declarations(
    connection: Connection, kind: DeclarationKind, catalogue: Catalogue
) -> list[Declared]:
    """All versions of all declarations of the kind, by id and the newest first."""
    found = [*store.every(connection, kind), *_of_catalogue(connection, kind, catalogue)]
    return sorted(found, key=lambda each: (each.id, -each.version))


def _step(uow: UnitOfWork, was: Declared, act: Act, now: Declared) -> Declared:
    """Take the step and account for it; what no older backup may undo, the journal hears."""
    changed = _stepped(uow, was, act, now, at=uow.now)
    if act in _TOLD:
        line = declaration_stepped(_TOLD[act], changed.name, at=uow.now)
        uow.tell_outside(line, may_be_late=True)
    return changed


def _stepped(uow: UnitOfWork, was: Declared, act: Act, now: Declared, *, at: datetime) -> Declared:
    changed = replace(now, status=after(was.status, act), changed_at=at)
    event_id = uow.record(declaration_event(_KINDS[act], changed))
    store.change(uow.connection, was=was, now=changed, event_id=event_id)
    return changed


def _written(found: Declared, content: Content) -> Declared:
    document = canonical_json(content.to_json())
    return replace(found, document=document, digest=content.digest())


def _check(connection: Connection, content: Content, catalogue: Catalogue) -> None:
    if isinstance(content, PurposeDeclaration):
        check_purpose(connection, content, catalogue)
        check_complete(content, catalogue)
    else:
        check_service(content, catalogue)


def _seed(uow: UnitOfWork, kind: DeclarationKind, id_: str, catalogue: Catalogue) -> None:
    """Write the catalogue's version down before the first thing that happens to it."""
    dataset = catalogue.datasets.get(DatasetId(id_))
    if kind is not DeclarationKind.SERVICE or dataset is None:
        return
    if store.newest_version(uow.connection, kind, id_) == 0:
        first = first_version(catalogue, dataset, at=uow.now)
        event = declaration_event(Kind.DECLARATION_APPROVED, first, "with-the-catalogue")
        store.add(uow.connection, first, uow.record(event))


def _of_catalogue(
    connection: Connection, kind: DeclarationKind, catalogue: Catalogue
) -> list[Declared]:
    """The first versions to which nothing has happened yet."""
    if kind is not DeclarationKind.SERVICE:
        return []
    written = {each.id for each in store.every(connection, kind)}
    return [
        first_version(catalogue, each)
        for each in catalogue.datasets.values()
        if each.id not in written
    ]
