"""What authorities may fetch by law: told, never asked."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from consent.purposes import purposes_in_force
from policies.entries import Attribute, Organisation
from policies.purposes import PurposeDeclaration
from policies.vocabulary import LegalBasis
from service.pages import render, runtime_of
from service.runtime import Runtime

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Duty:
    """One purpose that the law decides."""

    organisation: Organisation
    declaration: PurposeDeclaration
    attributes: tuple[Attribute, ...]


@router.get("/{language:lang}/by-law")
def by_law(request: Request) -> Response:
    """The purposes in force whose ground is the law."""
    return render(request, "citizen/by_law.html", duties=duties(runtime_of(request)))


def duties(runtime: Runtime) -> list[Duty]:
    """The registered purposes whose ground is the law."""
    catalogue = runtime.catalogue
    with runtime.ledger.read() as connection:
        found = purposes_in_force(connection).values()
    return [
        Duty(
            organisation=catalogue.organisation(each.organisation),
            declaration=each,
            attributes=tuple(catalogue.attribute(asked.id) for asked in each.attributes),
        )
        for each in found
        if each.basis is LegalBasis.STATUTE
    ]
