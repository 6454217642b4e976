"""Data minimisation (GDPR article 5(1)(c)): a request held against its purpose declaration."""

from collections.abc import Collection
from dataclasses import dataclass

from policies.ids import AttributeId
from policies.purposes import PurposeDeclaration


@dataclass(frozen=True, slots=True)
class Split:
    """A request in two: what the declaration allows and what stands outside it."""

    allowed: tuple[AttributeId, ...]
    outside: tuple[AttributeId, ...]


def split(requested: Collection[AttributeId], declaration: PurposeDeclaration) -> Split:
    """The request in two, each part in the order of the request."""
    declared = {each.id for each in declaration.attributes}
    return Split(
        allowed=tuple(each for each in requested if each in declared),
        outside=tuple(each for each in requested if each not in declared),
    )


def missing_required(
    granted: Collection[AttributeId], declaration: PurposeDeclaration
) -> tuple[AttributeId, ...]:
    """The attributes that the purpose needs and the person did not give."""
    return tuple(each for each in declaration.required if each not in granted)
