"""What is held about the person: each attribute with value, sources, age and labels."""

from collections.abc import Collection
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from audit.unit_of_work import begin
from policies.catalogue import Catalogue
from policies.ids import AttributeId
from service.citizen.erasure import allow_use, unwanted
from service.citizen.facts import State
from service.citizen.held import by_dataset, look
from service.pages import render, runtime_of, use_form
from service.sessions import require_session
from vault.holdings import describe

router = APIRouter(include_in_schema=False)


@router.get("/{language:lang}/data")
def data(request: Request, show: Annotated[str, Query(pattern="^(all)?$")] = "") -> Response:
    """The person's own data; sensitive values only when she asks to see them."""
    runtime, session = runtime_of(request), require_session(request)
    with runtime.ledger.read(session.person) as connection:
        known = {each.attribute for each in describe(connection, session.person)}
    held = _in_order(runtime.catalogue, known)
    shown = []
    if held:
        with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
            shown = look(uow, runtime.vault, session, held, reveal=show == "all")
    return render(
        request,
        "citizen/data.html",
        groups=by_dataset(shown),
        has_masked=any(each.shown.state is State.MASKED for each in shown),
        reveal=show == "all",
        unwanted=[
            (each, use_form(request, session, allow_use(each.id)))
            for each in unwanted(runtime, session.person)
        ],
    )


def _in_order(catalogue: Catalogue, held: Collection[AttributeId]) -> list[AttributeId]:
    """In the catalogue's order, what is masked at the end."""
    known = [each for each in catalogue.attributes.values() if each.id in held]
    return [each.id for each in sorted(known, key=lambda each: each.sensitive)]
