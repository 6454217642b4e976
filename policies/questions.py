"""What a decision is asked: every fact that it may depend on, and nothing else.

A question holds no person and no time. Whose data it is stands as "the subject", and each time as
its order to the present: that is all that a policy can ask (`policies.rule_form` sees to it). So
the same question comes again and again, its answer may be remembered, and it can be kept for a
replay without keeping anything about anybody.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from policies.purposes import PurposeDeclaration

PRESENT = 0


class Action(StrEnum):
    """What a recipient's program asks to do."""

    FETCH = "fetch"
    ISSUE_TOKEN = "issueToken"  # noqa: S105  # an action, not a secret


class DeclarationFacts(NamedTuple):
    """What the purpose declaration allows, and whether its purpose counts now."""

    status: str
    basis: str
    attributes: tuple[str, ...]
    required_loa: int
    other_way: bool
    """Whether who refuses has another way to the same outcome."""

    @classmethod
    def of(cls, declaration: PurposeDeclaration, status: str) -> "DeclarationFacts":
        return cls(
            status=status,
            basis=declaration.basis.value,
            attributes=tuple(sorted(each.id for each in declaration.attributes)),
            required_loa=int(declaration.required_loa),
            other_way=declaration.alternative_path is not None,
        )


class GrantFacts(NamedTuple):
    """What the person has given, as it stands. Times are in their order to the present."""

    own: bool
    """Whether the person whose data is asked for gave it."""
    client: str
    purpose: str
    basis: str
    state: str
    granted: tuple[str, ...]
    not_before: int | None
    not_after: int | None
    uses_left: int | None
    """1 for any that are left."""


class TokenFacts(NamedTuple):
    """What the access token is good for."""

    attributes: tuple[str, ...]
    issued: int
    expires: int
    revoked: bool


class Question(NamedTuple):
    """May this client do this with these attributes of one data set?"""

    action: str
    client: str
    kind: str
    standing: str
    dataset: str
    requested: tuple[str, ...]
    purpose: str
    basis: str
    declaration: DeclarationFacts | None
    grant: GrantFacts | None
    token: TokenFacts | None


def order(moment: datetime, now: datetime) -> int:
    """-1 for what is past, 0 for this very moment, 1 for what is to come."""
    return (moment > now) - (moment < now)
