"""The routes of the OAuth endpoints, with what OpenAPI says of them."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.asgi import respond, to_response
from service.oauth import authorize, introspect, metadata, par, revoke, token
from service.oauth.server import AuthorizationServer

router = APIRouter(tags=["OAuth 2.0"])
_JSON = {"application/json": {"schema": {"type": "object"}}}
_OAUTH_ERROR = {
    "description": "Refused (RFC 6749 section 5.2)",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error"],
                "properties": {
                    "error": {"type": "string"},
                    "error_description": {"type": "string"},
                },
            }
        }
    },
}
_CLIENT = {
    "client_id": "",
    "client_assertion_type": "",
    "client_assertion": "A JWT signed by the client (RFC 7523), its audience the issuer",
}


def _form(required: list[str], **parameters: str) -> dict[str, Any]:
    names = {**_CLIENT, **parameters}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "required": ["client_assertion_type", "client_assertion", *required],
                        "properties": {
                            name: {"type": "string", "description": text}
                            for name, text in names.items()
                        },
                    }
                }
            },
        }
    }


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return dict.fromkeys((*statuses, 400, 401, 413), _OAUTH_ERROR)


def _server(request: Request) -> AuthorizationServer:
    server: AuthorizationServer = request.app.state.server
    return server


@router.get("/.well-known/oauth-authorization-server", summary="Metadata (RFC 8414)")
async def authorization_server_metadata(request: Request) -> Response:
    return to_response(metadata.published(metadata.authorization_server(_server(request))))


@router.get("/.well-known/openid-configuration", summary="Metadata (OpenID Connect Discovery)")
async def openid_configuration(request: Request) -> Response:
    return to_response(metadata.published(metadata.openid_configuration(_server(request))))


@router.get("/.well-known/oauth-protected-resource", summary="Resource metadata (RFC 9728)")
async def protected_resource_metadata(request: Request) -> Response:
    return to_response(metadata.published(metadata.protected_resource(_server(request))))


@router.get("/oauth/jwks", summary="Keys that sign receipts (RFC 7517)")
async def jwks(request: Request) -> Response:
    return to_response(metadata.published(metadata.jwks(_server(request))))


@router.post(
    "/oauth/par",
    summary="Push an authorization request (RFC 9126, RFC 9396)",
    status_code=201,
    responses=_refusals(),
    openapi_extra=_form(
        ["response_type", "redirect_uri", "code_challenge", "authorization_details"],
        response_type="code",
        redirect_uri="One of those registered",
        code_challenge="RFC 7636",
        code_challenge_method="S256",
        authorization_details="What is asked for, as JSON",
        state="",
        nonce="",
        dpop_jkt="",
        resource="",
    ),
)
async def push(request: Request) -> Response:
    return await respond(par.answer, _server(request), request)


@router.post(
    "/oauth/token",
    summary="A code, a refresh token or the law, for an access token (RFC 6749)",
    responses=_refusals(),
    openapi_extra=_form(
        ["grant_type"],
        grant_type="authorization_code, refresh_token or client_credentials",
        code="",
        code_verifier="",
        redirect_uri="",
        refresh_token="",
        authorization_details="With a subject, for client_credentials",
        resource="",
    ),
)
async def issue(request: Request) -> Response:
    return await respond(token.answer, _server(request), request)


@router.post(
    "/oauth/introspect",
    summary="What an access token of this client stands for (RFC 7662)",
    responses=_refusals(),
    openapi_extra=_form(["token"], token="", token_type_hint=""),
)
async def introspection(request: Request) -> Response:
    return await respond(introspect.answer, _server(request), request)


@router.post(
    "/oauth/revoke",
    summary="End a token of this client (RFC 7009)",
    responses=_refusals(),
    openapi_extra=_form(["token"], token="", token_type_hint=""),
)
async def revocation(request: Request) -> Response:
    return await respond(revoke.answer, _server(request), request)


@router.get("/oauth/authorize", include_in_schema=False)
async def authorization(request: Request) -> Response:
    return await run_in_threadpool(authorize.authorize, request)


@router.get("/oauth/return/{consent_id}", include_in_schema=False)
async def back_to_client(request: Request, consent_id: UUID) -> Response:
    return await run_in_threadpool(authorize.go_back, request, consent_id)
