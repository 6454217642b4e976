"""What may be fetched without asking the person, mostly by law: told, never asked."""

from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, Request
from starlette.responses import Response

from consent.purposes import purpose, purposes_in_force
from policies.entries import Attribute, Organisation
from policies.legal_grounds import Right, rights_of
from policies.purposes import PurposeDeclaration
from service.pages import render, runtime_of
from service.runtime import Runtime

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Duty:
    """One purpose that is no question, with the rights that follow from its ground."""

    organisation: Organisation
    declaration: PurposeDeclaration
    attributes: tuple[Attribute, ...]
    rights: tuple[Right, ...]


@router.get("/{language:lang}/by-law")
def by_law(request: Request) -> Response:
    """The purposes in force that are told and not asked."""
    return render(request, "citizen/by_law.html", duties=duties(runtime_of(request)))


def duties(runtime: Runtime) -> list[Duty]:
    """The purposes in force that the person does not decide."""
    catalogue = runtime.catalogue
    with runtime.ledger.read() as connection:
        known = purposes_in_force(connection)
        found = [each for each in map(partial(purpose, connection), known) if each is not None]
    return [
        Duty(
            organisation=catalogue.organisation(each.organisation),
            declaration=each,
            attributes=tuple(catalogue.attribute(asked.id) for asked in each.attributes),
            rights=rights_of(each.basis, automated=each.automated_decision),
        )
        for each in found
        if not each.basis.is_choice
    ]
