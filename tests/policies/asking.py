"""Questions as they stand when all is well, and every way in which one of their facts is not.

The table of decisions: each case is a question, whether it is allowed, and the reason that the
person is told. Ids are invented: nothing here depends on the catalogue.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from policies.decision_inputs import DataFacts
from policies.questions import Action, DeclarationFacts, GrantFacts, Question, TokenFacts

GROSS, EMPLOYER, YEARLY = "income.gross", "income.employer", "income.yearly"
DATA = DataFacts(attributes=(EMPLOYER, GROSS, YEARLY), min_loa=2)
SPECIAL = DataFacts(attributes=DATA.attributes, min_loa=2, special=True)
KINDS = {"statute": "authority", "contract": "private"}
"""Kind of the asking organisation by ground; an authority where any kind may ask."""
CHOICES = ("consent", "permission", "request")
WITHOUT_CHOICE = ("statute", "contract", "vital")
GROUNDS = {
    "consent": "consent-active",
    "permission": "permission-given",
    "request": "request-made",
    "statute": "law-allows",
    "contract": "contract-needs",
    "vital": "life-at-stake",
}
"""What the person is told of what is allowed."""
BY_STATE = {
    "requested": "not-active",
    "deferred": "not-active",
    "pending_joint": "not-active",
    "refused": "not-active",
    "lapsed": "not-active",
    "cancelled": "not-active",
    "expired": "ended",
    "withdrawn": "withdrawn",
    "superseded": "superseded",
    "suspended": "suspended",
    "revoked": "revoked",
    "invalidated": "invalidated",
}
"""The reason by the state of the consent; the one that is missing is `active`."""

Changes = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    name: str
    asked: Question
    data: DataFacts
    allowed: bool
    reason: str


def all_is_well(basis: str, action: str = Action.FETCH) -> Question:
    """A question to which the answer is yes."""
    choice = basis in CHOICES
    return Question(
        action=action,
        client="client-1",
        kind=KINDS.get(basis, "authority"),
        standing="active",
        dataset="income",
        requested=(GROSS, EMPLOYER),
        purpose="purpose-1",
        basis=basis,
        declaration=DeclarationFacts(
            status="approved",
            basis=basis,
            attributes=(EMPLOYER, GROSS),
            required_loa=2,
            other_way=choice,
        ),
        grant=_grant(basis) if choice else None,
        token=_TOKEN if action == Action.FETCH else None,
    )


def changed(asked: Question, changes: Changes) -> Question:
    """The question with other facts: `grant.state` for a fact within a fact."""
    for path, value in changes.items():
        whole, _, part = path.partition(".")
        new = getattr(asked, whole)._replace(**{part: value}) if part else value
        asked = asked._replace(**{whole: new})
    return asked


def cases() -> Iterator[Case]:
    """The whole table."""
    for action in Action:
        for basis in CHOICES:
            yield from _named(basis, action, _OF_CHOICES)
        for basis in WITHOUT_CHOICE:
            yield from _named(basis, action, _OF_OTHERS)
        for basis in GROUNDS:
            yield from _named(basis, action, _OF_ALL)
            yield from _of_other_grounds(basis, action)
    for basis in GROUNDS:
        yield from _named(basis, Action.FETCH, _OF_TOKENS)
        # A token is there when data is fetched; what one says has no say in giving another.
        other = {"token": _TOKEN._replace(attributes=(), issued=1, expires=-1, revoked=True)}
        yield _case(basis, Action.ISSUE_TOKEN, other, None)
    yield from _of_one_ground()


def _grant(basis: str) -> GrantFacts:
    return GrantFacts(
        own=True,
        client="client-1",
        purpose="purpose-1",
        basis=basis,
        state="active",
        granted=(GROSS, EMPLOYER),
        not_before=-1,
        not_after=1,
        uses_left=1,
    )


_TOKEN = TokenFacts(attributes=(GROSS, EMPLOYER), issued=-1, expires=1, revoked=False)

_Lines = list[tuple[Changes, str | None]]
"""What differs from all being well, and the reason; None where it is allowed all the same."""

_OF_ALL: _Lines = [
    ({}, None),
    ({"requested": (GROSS,)}, None),
    ({"declaration": None}, "no-ground"),
    ({"standing": "suspended"}, "client-suspended"),
    ({"declaration.status": "suspended"}, "purpose-suspended"),
    ({"declaration.status": "retired"}, "purpose-retired"),
    ({"declaration.status": "retired", "standing": "suspended"}, "client-suspended"),
    ({"requested": ()}, "empty-request"),
    ({"declaration.attributes": (GROSS,)}, "outside-purpose"),
    ({"declaration.attributes": ()}, "outside-purpose"),
    ({"data": DataFacts(attributes=(GROSS,))}, "unknown-data"),
    ({"data": DataFacts()}, "unknown-data"),
    ({"data": DataFacts(DATA.attributes, min_loa=3)}, "loa-low"),
    ({"data": DataFacts(DATA.attributes, min_loa=1)}, None),
    ({"data": SPECIAL}, "loa-high"),
    ({"data": SPECIAL, "declaration.required_loa": 3}, None),
    ({"data": SPECIAL, "declaration": None}, "loa-high"),
]
_OF_CHOICES: _Lines = [
    ({"grant": None}, "no-ground"),
    ({"grant.own": False}, "no-ground"),
    ({"grant.client": "client-2"}, "no-ground"),
    ({"grant.purpose": "purpose-2"}, "purpose-differs"),
    *(({"grant.state": state}, reason) for state, reason in BY_STATE.items()),
    ({"grant.not_before": None}, "not-active"),
    ({"grant.not_before": 1}, "not-active"),
    ({"grant.not_before": 0}, None),
    ({"grant.not_after": None}, "ended"),
    ({"grant.not_after": 0}, "ended"),
    ({"grant.not_after": -1}, "ended"),
    ({"grant.uses_left": None}, None),
    ({"grant.uses_left": 0}, "uses-spent"),
    ({"grant.granted": (GROSS,)}, "more-than-accepted"),
    ({"grant.granted": ()}, "more-than-accepted"),
    # More than one thing is wrong: what is told first, and what does not help.
    ({"grant.state": "withdrawn", "grant.not_after": -1}, "withdrawn"),
    ({"grant.state": "expired", "grant.uses_left": 0}, "uses-spent"),
    ({"grant.state": "withdrawn", "standing": "suspended"}, "withdrawn"),
    ({"grant.purpose": "purpose-2", "grant.granted": (GROSS,)}, "purpose-differs"),
    ({"grant.state": "requested", "grant.not_after": None}, "not-active"),
    ({"grant.state": "requested", "grant.not_before": None, "grant.not_after": None}, "not-active"),
]
_OF_OTHERS: _Lines = [
    ({"grant": _grant("consent")._replace(state="withdrawn")}, "withdrawn"),
    ({"grant": _grant("consent")}, None),
]
_OF_TOKENS: _Lines = [
    ({"token": None}, "token-ended"),
    ({"token.revoked": True}, "token-ended"),
    ({"token.expires": 0}, "token-ended"),
    ({"token.expires": -1}, "token-ended"),
    ({"token.issued": 0}, None),
    ({"token.issued": 1}, "system-error"),
    ({"token.attributes": (GROSS,)}, "more-than-accepted"),
    ({"token.attributes": ()}, "more-than-accepted"),
]


def _named(basis: str, action: str, lines: _Lines) -> Iterator[Case]:
    for changes, reason in lines:
        yield _case(basis, action, changes, reason)


def _case(basis: str, action: str, changes: Changes, reason: str | None) -> Case:
    facts = {path: value for path, value in changes.items() if path != "data"}
    said = ", ".join(f"{path}={value}" for path, value in changes.items())
    return Case(
        name=f"{action} by {basis}: {said or 'all is well'}",
        asked=changed(all_is_well(basis, action), facts),
        data=changes.get("data", DATA),
        allowed=reason is None,
        reason=reason or GROUNDS[basis],
    )


def _of_other_grounds(basis: str, action: str) -> Iterator[Case]:
    """No ground holds by what was said on another one."""
    for other in GROUNDS:
        if other == basis:
            continue
        yield _case(basis, action, {"declaration.basis": other}, "no-ground")
        if basis in CHOICES:
            yield _case(basis, action, {"grant.basis": other}, "no-ground")


def _of_one_ground() -> Iterator[Case]:
    for action in Action:
        for basis, kinds in {
            "statute": ("private", "unknown"),
            "contract": ("authority", "unknown"),
        }.items():
            for kind in kinds:
                yield _case(basis, action, {"kind": kind}, "no-ground")
        for basis in ("consent", "permission", "request", "vital"):
            yield _case(basis, action, {"kind": "private"}, None)
            yield _case(basis, action, {"kind": "unknown"}, None)
        without: Changes = {"declaration.other_way": False}
        yield _case("consent", action, without, "no-other-way")
        yield _case("consent", action, {**without, "kind": "private"}, None)
        yield _case("permission", action, without, None)
        yield _case("request", action, without, None)
