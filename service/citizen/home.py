"""The front page: is anything waiting for me, who may fetch my data, who looked lately."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from audit.model import Kind
from audit.own_log import own_entries
from consent.purposes import purposes_in_force
from policies.vocabulary import Language
from service.citizen.consents import newest_active
from service.citizen.requests import waiting
from service.pages import render, runtime_of
from service.sessions import current_session
from service.words import line

router = APIRouter(include_in_schema=False)

LATEST = 5
_LOOKS = frozenset({Kind.DATA_RELEASED, Kind.DATA_REFUSED})


@router.get("/{language:lang}/")
def home(
    request: Request,
    language: Language,
    signed_out: Annotated[str, Query(alias="signed-out", pattern="^1?$")] = "",
) -> Response:
    """For a person who is signed in, her overview; for others, what this is."""
    session = current_session(request)
    if session is None:
        return render(request, "welcome.html", signed_out=bool(signed_out))
    runtime = runtime_of(request)
    with runtime.ledger.read() as connection:
        looks = own_entries(
            connection,
            runtime.ledger,
            session.person,
            now=runtime.now(),
            limit=LATEST,
            kinds=_LOOKS,
        )
        purposes = purposes_in_force(connection)
    return render(
        request,
        "citizen/home.html",
        waiting=[each for each in waiting(runtime, session) if not each.is_put_off(runtime.now())],
        active=newest_active(request, session, LATEST),
        looks=[line(runtime.catalogue, purposes, each, language) for each in looks],
    )
