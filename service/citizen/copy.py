"""A copy of everything about the person: a page that says what is in it, and the files.

Each file is an event, committed before its first byte leaves.
"""

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from policies.vocabulary import Language
from service.citizen.copy_page import page
from service.pages import render, runtime_of
from service.portability.document import TYPE, document
from service.portability.gathering import Copy, gather
from service.portability.linked import linked
from service.runtime import Runtime
from service.sessions import require_session
from vault.holdings import describe

router = APIRouter(include_in_schema=False)


@router.get("/{language:lang}/data/copy")
def overview(request: Request) -> Response:
    """What is in a copy, and in which forms it comes; nothing is opened yet."""
    runtime, session = runtime_of(request), require_session(request)
    with runtime.ledger.read(session.person) as connection:
        held = {each.attribute for each in describe(connection, session.person)}
    # What has left the catalogue is in no copy (service.portability.gathering).
    wanted = held & runtime.catalogue.attributes.keys()
    strong = all(session.loa >= runtime.catalogue.dataset_of(each).min_loa for each in wanted)
    return render(request, "citizen/copy.html", strong_enough=strong)


@router.get("/{language:lang}/data/copy.html")
def as_page(request: Request, language: Language) -> Response:
    """One page to read, print and keep; it needs nothing from us."""
    copy = _copy(request)
    content = page(runtime_of(request), copy, language)
    return _file(content.encode(), "text/html; charset=utf-8", "html")


@router.get("/{language:lang}/data/copy.json")
def as_json(request: Request) -> Response:
    """For programs: `consent-vault/person-export/v1`."""
    issuer = runtime_of(request).settings.base_url
    content = orjson.dumps(document(_copy(request), issuer), option=orjson.OPT_INDENT_2)
    return _file(content, "application/json", "json")


@router.get("/{language:lang}/data/copy.jsonld")
def as_linked(request: Request) -> Response:
    """For programs that link data: JSON-LD in the terms of DPV, PROV-O and schema.org."""
    runtime = runtime_of(request)
    made = document(_copy(request), runtime.settings.base_url)
    content = orjson.dumps(linked(made, runtime.catalogue), option=orjson.OPT_INDENT_2)
    return _file(content, "application/ld+json", "jsonld")


@router.get("/{language:lang}/data/copy.jws")
def as_signed(request: Request) -> Response:
    """The JSON, signed: for another installation."""
    runtime = runtime_of(request)
    return _file(signed(runtime, _copy(request)).encode("ascii"), "application/jose", "jws")


def signed(runtime: Runtime, copy: Copy) -> str:
    """The copy as a JWS of a type of its own."""
    signer = runtime.receipt_signer
    return signer.sign(document(copy, signer.issuer), kind=TYPE)


def _copy(request: Request) -> Copy:
    runtime, session = runtime_of(request), require_session(request)
    return gather(runtime, session.person, actor=session.actor, loa=session.loa)


def _file(content: bytes, media_type: str, suffix: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="my-data.{suffix}"',
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=media_type, headers=headers)
