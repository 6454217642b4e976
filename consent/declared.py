"""What a declaration is on its way: drafted, submitted, approved, perhaps suspended, retired.

Pure. A purpose declaration says what a recipient asks for, a service declaration what a source
gives. Both go the same way, and this table is the only place where one changes its status. What is
approved is never edited: a change is a new version, which goes the whole way again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from policies.ids import OrganisationId, PersonId
from policies.purposes import PurposeDeclaration
from policies.service_declarations import ServiceDeclaration

Content = PurposeDeclaration | ServiceDeclaration


class DeclarationKind(StrEnum):
    """Who declares."""

    PURPOSE = "purpose"
    """A recipient: what it asks for."""
    SERVICE = "service"
    """A source: what it gives."""


class DeclarationStatus(StrEnum):
    """Where a version of a declaration stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    """In force: the only one by which anything may be asked, given or fetched."""
    SUSPENDED = "suspended"
    RETIRED = "retired"


class Act(StrEnum):
    """What may be done to it."""

    EDIT = "edit"
    SUBMIT = "submit"
    SEND_BACK = "send-back"
    APPROVE = "approve"
    SUSPEND = "suspend"
    RESUME = "resume"
    RETIRE = "retire"


_STEPS: Mapping[tuple[DeclarationStatus, Act], DeclarationStatus] = {
    (DeclarationStatus.DRAFT, Act.EDIT): DeclarationStatus.DRAFT,
    (DeclarationStatus.DRAFT, Act.SUBMIT): DeclarationStatus.SUBMITTED,
    (DeclarationStatus.SUBMITTED, Act.SEND_BACK): DeclarationStatus.DRAFT,
    (DeclarationStatus.SUBMITTED, Act.APPROVE): DeclarationStatus.APPROVED,
    (DeclarationStatus.APPROVED, Act.SUSPEND): DeclarationStatus.SUSPENDED,
    (DeclarationStatus.APPROVED, Act.RETIRE): DeclarationStatus.RETIRED,
    (DeclarationStatus.SUSPENDED, Act.RESUME): DeclarationStatus.APPROVED,
    (DeclarationStatus.SUSPENDED, Act.RETIRE): DeclarationStatus.RETIRED,
}


class DeclarationStepError(ValueError):
    """The act does not exist for a declaration in this status."""

    def __init__(self, status: DeclarationStatus, act: Act) -> None:
        super().__init__(f"{act} is not possible for a declaration that is {status}")
        self.status = status
        self.act = act


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One version of a declaration, as it stands."""

    kind: DeclarationKind
    id: str
    version: int
    status: DeclarationStatus
    document: bytes = field(repr=False)
    """The declaration as canonical JSON."""
    digest: str
    changed_at: datetime | None
    """None for a declaration of the catalogue to which nothing has happened yet."""
    submitted_by: PersonId | None = None
    """None for what was registered at the machine."""
    approved_by: PersonId | None = None

    @property
    def content(self) -> Content:
        """The declaration itself."""
        return read_content(self.kind, json.loads(self.document))

    @property
    def organisation(self) -> OrganisationId:
        return self.content.organisation

    @property
    def name(self) -> str:
        """What events call it: its kind, its id and its version."""
        return f"{self.kind}:{self.id}@{self.version}"


def read_content(kind: DeclarationKind, members: object) -> Content:
    """The declaration in its JSON. Raises DeclarationError at the first fault."""
    if kind is DeclarationKind.PURPOSE:
        return PurposeDeclaration.from_json(members)
    return ServiceDeclaration.from_json(members)


def kind_of(content: Content) -> DeclarationKind:
    """The kind of a declaration."""
    is_purpose = isinstance(content, PurposeDeclaration)
    return DeclarationKind.PURPOSE if is_purpose else DeclarationKind.SERVICE


def after(status: DeclarationStatus, act: Act) -> DeclarationStatus:
    """The status that the act leads to. Raises DeclarationStepError."""
    try:
        return _STEPS[status, act]
    except KeyError as error:
        raise DeclarationStepError(status, act) from error


def possible(status: DeclarationStatus) -> tuple[Act, ...]:
    """What may be done to a declaration in this status."""
    return tuple(act for before, act in _STEPS if before is status)
