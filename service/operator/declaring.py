"""What an operator does to a declaration, for the pages and for programs alike."""

import json

from audit.unit_of_work import UnitOfWork
from consent.declarations import approve, edit, send_back, submit
from consent.declared import Act, Content, DeclarationKind, Declared, read_content
from consent.strict_json import StrictJsonError, parse_strict
from policies.catalogue import Catalogue
from policies.ids import PersonId
from policies.purposes import DeclarationError
from service.proposed_act import ProposedAct
from service.two_people import NEEDS_TWO, UnseenContentError, propose

MOST_BYTES = 65_536
_DEPTH = 5


def read_declaration(kind: DeclarationKind, text: str | bytes) -> Content:
    """The declaration in the text. Raises DeclarationError, for a text that is no JSON too."""
    try:
        members = parse_strict(text, max_bytes=MOST_BYTES, max_depth=_DEPTH)
    except StrictJsonError as error:
        raise DeclarationError("declaration", error.reason) from error
    return read_content(kind, members)


def as_text(declared: Declared) -> str:
    """The declaration as a person edits it."""
    return json.dumps(declared.content.to_json(), ensure_ascii=False, indent=2)


def read_seen(text: str | bytes) -> str:
    """The digest of what a program has seen, in `{"digest": …}`. Raises DeclarationError."""
    try:
        members = parse_strict(text, max_bytes=MOST_BYTES, max_depth=_DEPTH)
    except StrictJsonError as error:
        raise DeclarationError("digest", error.reason) from error
    match members:
        case {"digest": str(digest)}:
            return digest
    raise DeclarationError("digest", "is missing")


def check_seen(found: Declared, digest: str) -> None:
    """Nobody submits or approves what another has changed meanwhile. Raises UnseenContentError."""
    if found.digest != digest:
        raise UnseenContentError


def perform(
    uow: UnitOfWork,
    found: Declared,
    act: Act,
    catalogue: Catalogue,
    *,
    by: PersonId,
    document: str | bytes = "",
) -> ProposedAct | None:
    """Do it; what two must decide is proposed instead, and given.

    Raises what `consent.declarations` and `service.two_people` raise.
    """
    if act in NEEDS_TWO:
        return propose(uow, NEEDS_TWO[act], found.name, by=by)
    match act:
        case Act.EDIT:
            edit(uow, found, read_declaration(found.kind, document))
        case Act.SUBMIT:
            submit(uow, found, catalogue, by=by)
        case Act.SEND_BACK:
            send_back(uow, found)
        case _:
            approve(uow, found, catalogue, by=by)
    return None
