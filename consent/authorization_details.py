"""Rich authorization requests: what data an agency asks for (RFC 9396).

Exactly one object of type `personal_data`. Parsing is strict: an unknown member, a doubled key,
a float, a surplus level or a word outside its form is an error that names the member, so that
nobody can believe to have asked for something that was silently dropped.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from consent.strict_json import StrictJsonError, parse_strict
from policies.identity_code import OID, InvalidIdentityCodeError, parse_identity_code
from policies.ids import AttributeId, PurposeId
from policies.purposes import PurposeDeclaration

TYPE = "personal_data"
MAX_BYTES = 16_384
MAX_DEPTH = 3
MAX_ATTRIBUTES = 40
MAX_USES = 1000
IDENTITY_SCHEME = OID
"""Finnish personal identity code."""

_MEMBERS = frozenset({"type", "actions", "datatypes", "purpose", "case", "not_after", "uses"})
_PURPOSE = re.compile(r"[a-z0-9-]{1,64}")
_CASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_LIKE_IDENTITY_CODE = re.compile(
    r"(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])\d\d[-+A-FU-Y]\d{3}[0-9A-Y]", re.IGNORECASE
)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_PAIRWISE = re.compile(r"[A-Za-z0-9_-]{16,128}")

Declarations = Callable[[PurposeId], PurposeDeclaration | None]
"""Finds the declaration in force for a purpose."""


class AuthorizationDetailsError(ValueError):
    """The details cannot be accepted; `member` says where, `reason` why, neither what it held."""

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member}: {reason}")
        self.member = member
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose data a statutory request is about (RFC 9493): a pairwise or a national identifier."""

    format: str
    id: str = field(repr=False)
    scheme: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationDetails:
    """What is asked for, checked against its purpose declaration."""

    purpose: PurposeId
    attributes: tuple[AttributeId, ...]
    actions: tuple[str, ...] = ("read",)
    case: str | None = None
    not_after: datetime | None = None
    uses: int | None = None
    subject: Subject | None = None

    def to_json(self) -> dict[str, object]:
        """The one object again, without the subject: an identity code never goes back."""
        optional = {
            "case": self.case,
            "not_after": None if self.not_after is None else format_instant(self.not_after),
            "uses": self.uses,
        }
        return {
            "type": TYPE,
            "actions": list(self.actions),
            "datatypes": list(self.attributes),
            "purpose": self.purpose,
            **{name: value for name, value in optional.items() if value is not None},
        }

    @classmethod
    def from_stored(cls, members: Mapping[str, Any]) -> "AuthorizationDetails":
        """What `to_json` wrote into our own store, where it was checked before."""
        end = members.get("not_after")
        return cls(
            purpose=PurposeId(members["purpose"]),
            attributes=tuple(AttributeId(each) for each in members["datatypes"]),
            actions=tuple(members["actions"]),
            case=members.get("case"),
            not_after=None if end is None else datetime.fromisoformat(end),
            uses=members.get("uses"),
        )


def format_instant(moment: datetime) -> str:
    """RFC 3339 in UTC with `Z`; microseconds only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse(
    text: str | bytes, *, declaration: Declarations, with_subject: bool = False
) -> AuthorizationDetails:
    """The details in an `authorization_details` parameter. Raises AuthorizationDetailsError.

    `with_subject` is for client credentials, where a subject must stand; elsewhere it must not.
    """
    members = only_object(text)
    allowed = _MEMBERS | {"subject"} if with_subject else _MEMBERS
    for name in members:
        if name not in allowed:
            raise AuthorizationDetailsError("authorization_details", "unknown-member")
    if with_subject and "uses" in members:
        # Uses are counted at a consent, and here is none.
        raise AuthorizationDetailsError("uses", "not-supported")
    _exactly(members, "type", TYPE)
    _exactly(members, "actions", ["read"])
    purpose = _purpose(members, declaration)
    return AuthorizationDetails(
        purpose=purpose.id,
        attributes=_attributes(members, purpose),
        case=_case(members),
        not_after=_not_after(members),
        uses=_uses(members),
        subject=_subject(members) if with_subject else None,
    )


def only_object(text: str | bytes) -> Mapping[str, object]:
    """The members of the one object in the details. Raises AuthorizationDetailsError."""
    try:
        parsed = parse_strict(text, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    except StrictJsonError as error:
        raise AuthorizationDetailsError("authorization_details", error.reason) from error
    match parsed:
        case [dict() as members]:
            return members
        case _:
            raise AuthorizationDetailsError("authorization_details", "not-exactly-one-object")


def _exactly(members: Mapping[str, object], name: str, expected: object) -> None:
    if members.get(name) != expected:
        raise AuthorizationDetailsError(name, "not-supported")


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise AuthorizationDetailsError(name, "not-a-string")
    return value


def _purpose(members: Mapping[str, object], declaration: Declarations) -> PurposeDeclaration:
    wanted = _text(members, "purpose")
    # The form first: a database need not take every character, and answers some with an error.
    found = declaration(PurposeId(wanted)) if _PURPOSE.fullmatch(wanted) else None
    if found is None:
        raise AuthorizationDetailsError("purpose", "unknown")
    return found


def _attributes(
    members: Mapping[str, object], purpose: PurposeDeclaration
) -> tuple[AttributeId, ...]:
    asked = members.get("datatypes")
    if not isinstance(asked, list) or not all(isinstance(each, str) for each in asked):
        raise AuthorizationDetailsError("datatypes", "not-a-list-of-strings")
    if not 1 <= len(asked) <= MAX_ATTRIBUTES:
        raise AuthorizationDetailsError("datatypes", "wrong-number")
    if len(set(asked)) != len(asked):
        raise AuthorizationDetailsError("datatypes", "doubled")
    if not set(asked) <= {each.id for each in purpose.attributes}:
        raise AuthorizationDetailsError("datatypes", "outside-purpose")
    return tuple(AttributeId(each) for each in asked)


def _case(members: Mapping[str, object]) -> str | None:
    return case_number(_text(members, "case")) if "case" in members else None


def case_number(case: str) -> str:
    """The number of a matter, as it may stand in events. Raises AuthorizationDetailsError."""
    if not _CASE.fullmatch(case):
        raise AuthorizationDetailsError("case", "wrong-form")
    if _LIKE_IDENTITY_CODE.search(case):
        # A case number stands in logs and on pages, where an identity code must never come.
        raise AuthorizationDetailsError("case", "like-an-identity-code")
    return case


def _not_after(members: Mapping[str, object]) -> datetime | None:
    if "not_after" not in members:
        return None
    text = _text(members, "not_after")
    if not _INSTANT.fullmatch(text):
        raise AuthorizationDetailsError("not_after", "wrong-form")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise AuthorizationDetailsError("not_after", "no-such-time") from error


def _uses(members: Mapping[str, object]) -> int | None:
    if "uses" not in members:
        return None
    uses = members["uses"]
    if not isinstance(uses, int) or isinstance(uses, bool):
        raise AuthorizationDetailsError("uses", "not-an-integer")
    if not 1 <= uses <= MAX_USES:
        raise AuthorizationDetailsError("uses", "wrong-number")
    return uses


def _subject(members: Mapping[str, object]) -> Subject:
    match members.get("subject"):
        case {"format": "opaque", "id": str(pairwise), **rest} if not rest:
            if not _PAIRWISE.fullmatch(pairwise):
                raise AuthorizationDetailsError("subject", "wrong-form")
            return Subject("opaque", pairwise)
        case {"format": "national_id", "scheme": str(scheme), "id": str(code), **rest} if not rest:
            if scheme != IDENTITY_SCHEME:
                raise AuthorizationDetailsError("subject", "unknown-scheme")
            return Subject("national_id", _identity_code(code), scheme)
        case _:
            raise AuthorizationDetailsError("subject", "wrong-form")


def _identity_code(code: str) -> str:
    try:
        return parse_identity_code(code).value
    except InvalidIdentityCodeError as error:
        raise AuthorizationDetailsError("subject", "wrong-form") from error
