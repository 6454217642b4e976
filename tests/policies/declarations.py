"""The declaration of the small catalogue in `good/`, to be changed in one place by a test."""

import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from policies.catalogue import Catalogue, load_catalogue
from policies.ids import AttributeId, PurposeId
from policies.purposes import PurposeDeclaration, RequestedAttribute
from policies.vocabulary import Necessity

GOOD = Path(__file__).parent / "good"
AMOUNT = AttributeId("pay.amount")
PLACE = AttributeId("pay.place")


@cache
def small_catalogue() -> Catalogue:
    return load_catalogue(GOOD)


def declaration_json() -> dict[str, Any]:
    return tomllib.loads((GOOD / "purposes" / "aid.toml").read_text(encoding="utf-8"))


def a_declaration(**changes: Any) -> PurposeDeclaration:
    return replace(small_catalogue().purpose(PurposeId("aid")), **changes)


def required_only(declaration: PurposeDeclaration) -> tuple[RequestedAttribute, ...]:
    """The attributes, each of them required."""
    return tuple(replace(each, necessity=Necessity.REQUIRED) for each in declaration.attributes)
