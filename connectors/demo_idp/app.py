"""The demo provider over HTTP: discovery, authorize, choose, token, keys, one style sheet.

A separate ASGI app on a port of its own, since a relying party that shares a process and an
origin with its provider proves little. Pages work without script and load nothing from elsewhere.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from importlib import resources
from typing import Any
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from connectors.demo_data.people import DemoPerson
from connectors.demo_idp import pages
from connectors.demo_idp.authorization import (
    AuthorizationError,
    AuthorizationRequest,
    UnknownClientError,
)
from connectors.demo_idp.provider import DemoProvider, TokenError
from connectors.levels import ACR_LEVELS
from policies.vocabulary import Language

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_MOST_FORM_BYTES = 16_384


def system_clock() -> datetime:
    """The time of this machine, in UTC."""
    return datetime.now(UTC)


def create_demo_idp(
    people: Sequence[DemoPerson],
    *,
    issuer: str,
    client_id: str,
    client_jwks: Mapping[str, Any],
    redirect_uris: Collection[str],
    signing_key: EllipticCurvePrivateKey,
    clock: Callable[[], datetime] = system_clock,
) -> FastAPI:
    """The app. `app.state.issue_ticket(person_key)` gives a one-time `login_hint`."""
    provider = DemoProvider(
        people,
        issuer=issuer,
        client_id=client_id,
        client_jwks=client_jwks,
        redirect_uris=redirect_uris,
        signing_key=signing_key,
        clock=clock,
    )
    app = FastAPI(title="Demo identification", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.provider = provider
    app.state.issue_ticket = provider.issue_ticket
    app.add_api_route("/.well-known/openid-configuration", discovery, methods=["GET"])
    app.add_api_route("/jwks", jwks, methods=["GET"])
    app.add_api_route("/authorize", authorize, methods=["GET"])
    app.add_api_route("/people", choose_person, methods=["GET"])
    app.add_api_route("/choose", choose, methods=["GET"])
    app.add_api_route("/cancel", cancel, methods=["GET"])
    app.add_api_route("/token", token, methods=["POST"])
    app.add_api_route("/style.css", style, methods=["GET"])
    return app


def discovery(request: Request) -> Response:
    """OpenID Connect Discovery 1.0 section 3."""
    issuer = _provider(request).issuer
    return JSONResponse(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["pairwise"],
            "scopes_supported": ["openid"],
            "acr_values_supported": sorted(ACR_LEVELS),
            "ui_locales_supported": [*Language],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256", "EdDSA"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        },
        headers=HEADERS,
    )


def jwks(request: Request) -> Response:
    return JSONResponse(_provider(request).jwks, headers=HEADERS)


def authorize(request: Request) -> Response:
    """OpenID Connect Core section 3.1.2; the answer is a page, or at once for a ticket."""
    provider = _provider(request)
    items = request.query_params.multi_items()
    query = dict(items)
    if len(query) != len(items):
        return _page(pages.faulty(Language.FI), status=400)
    try:
        asked = provider.request(query)
    except UnknownClientError:
        return _page(pages.faulty(Language.FI), status=400)
    except AuthorizationError as error:
        return _redirect(error.location)
    location = provider.answer_ticket(asked)
    if location:
        return _redirect(location)
    return _chooser(provider, asked, provider.keep(asked), asked.language)


def choose_person(request: Request) -> Response:
    """The chooser again, in another language."""
    handle = request.query_params.get("request", "")
    asked = _provider(request).kept(handle)
    language = request.query_params.get("lang", "")
    if asked is None or language not in set(Language):
        return _page(pages.faulty(Language.FI), status=400)
    return _chooser(_provider(request), asked, handle, Language(language))


def choose(request: Request) -> Response:
    """The person is chosen; back to the client with a code."""
    query = request.query_params
    location = _provider(request).answer_choice(
        query.get("request", ""), query.get("person", ""), query.get("level", "")
    )
    return _redirect(location) if location else _page(pages.faulty(Language.FI), status=400)


def cancel(request: Request) -> Response:
    location = _provider(request).answer_cancel(request.query_params.get("request", ""))
    return _redirect(location) if location else _page(pages.faulty(Language.FI), status=400)


async def token(request: Request) -> Response:
    """RFC 6749 section 5: every answer is JSON and not to be stored."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_FORM_BYTES:
            return JSONResponse({"error": "invalid_request"}, status_code=400, headers=HEADERS)
    form = _form(body)
    if form is None:
        return JSONResponse({"error": "invalid_request"}, status_code=400, headers=HEADERS)
    try:
        return JSONResponse(_provider(request).token(form), headers=HEADERS)
    except TokenError as error:
        status = 401 if error.error == "invalid_client" else 400
        return JSONResponse({"error": error.error}, status_code=status, headers=HEADERS)


def style() -> Response:
    sheet = resources.files("connectors.demo_idp").joinpath("style.css").read_bytes()
    return Response(sheet, media_type="text/css", headers=HEADERS)


def _chooser(
    provider: DemoProvider, asked: AuthorizationRequest, handle: str, language: Language
) -> Response:
    levels = [loa for loa, _ in asked.acrs]
    people = list(provider.people.values())
    spent = asked.login_hint is not None
    return _page(pages.chooser(language, handle, people, levels, spent_ticket=spent))


def _provider(request: Request) -> DemoProvider:
    provider: DemoProvider = request.app.state.provider
    return provider


def _form(body: bytes) -> dict[str, str] | None:
    """The parameters of the body; None when it is no form or names one twice (RFC 6749 3.2)."""
    try:
        items = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    except ValueError:
        return None
    form = dict(items)
    return form if len(form) == len(items) else None


def _page(html: str, *, status: int = 200) -> Response:
    return HTMLResponse(html, status_code=status, headers=HEADERS)


def _redirect(location: str) -> Response:
    return RedirectResponse(location, status_code=303, headers=HEADERS)
