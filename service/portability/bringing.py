"""Bringing a verified copy into this installation: one unit of work, so all of it or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.model import Actor, Event, Kind
from audit.unit_of_work import UnitOfWork, begin
from policies.facts import Document
from policies.ids import PersonId
from service.portability.reading import ExportError, Left, code_in, readable
from service.runtime import Runtime
from vault.deposits import deposit
from vault.documents import RefusedDocumentError
from vault.people import IDENTITY_SCHEME, enrol, find_person


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of a copy."""

    person: PersonId
    values: int
    """Kept now, or known before."""
    left: tuple[Left, ...]
    lowered: int
    disputed: int
    consents: int
    """Not brought over."""


def bring_in(
    runtime: Runtime, content: Mapping[str, Any], code: str, *, actor: Actor, enrols: bool
) -> Brought:
    """Keep what the copy says about the person of this identity code.

    Raises ExportError when the copy is of somebody else, or the person is not known here.
    """
    if code_in(content) not in {None, code}:
        raise ExportError("other-person")
    found = readable(content, runtime.catalogue)
    with begin(runtime.ledger, actor=actor, now=runtime.now()) as uow:
        person = _person(uow, runtime, code, enrols=enrols)
        uow.record(Event(kind=Kind.EXPORT_IMPORTED, subject=person, reference=content["export_id"]))
        refused = [
            left for each in found.documents for left in _deposit(uow, runtime, person, each)
        ]
    facts = sum(len(each.facts) for each in found.documents)
    return Brought(
        person,
        facts - len(refused),
        (*found.left, *refused),
        found.lowered,
        found.disputed,
        len(content["consents"]),
    )


def _person(uow: UnitOfWork, runtime: Runtime, code: str, *, enrols: bool) -> PersonId:
    scheme = IDENTITY_SCHEME
    if enrols:
        return enrol(uow, runtime.vault, scheme=scheme, identifier=code)
    known = find_person(uow.connection, runtime.vault, scheme=scheme, identifier=code)
    if known is None:
        raise ExportError("unknown-person")
    return known


def _deposit(uow: UnitOfWork, runtime: Runtime, person: PersonId, document: Document) -> list[Left]:
    """What of the document is not kept; it is refused before anything of it is written."""
    try:
        deposit(uow, runtime.vault, person, document)
    except RefusedDocumentError as error:
        source, reason = document.source, error.reason.value
        return [Left(fact.attribute, source, 0, reason) for fact in document.facts]
    return []
