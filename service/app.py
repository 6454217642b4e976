"""The application: routes, gate, errors and lifespan put together around one runtime."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from service import access, problem_types, signin, static_files
from service.answers import answer_error, answer_problem
from service.api import routes as api
from service.api.data import DataApi
from service.api.deposits import DepositApi
from service.api.protected import ProtectedResource
from service.api.statuses import MOST_BYTES, STATUS_PATH
from service.asgi import MAX_BODY_BYTES, Workers
from service.auditor import routes as auditor
from service.body_limit import BodyLimit
from service.boundary import ErrorBoundary
from service.citizen import routes as citizen
from service.csrf import SameOriginMiddleware
from service.front import Front
from service.gate import AccessGate
from service.headers import SecurityHeadersMiddleware
from service.oauth import routes as oauth
from service.oauth.server import Shared, authorization_server
from service.operator import routes as operator
from service.pages import load_pages
from service.problems import BAD_REQUEST, FOREIGN_ORIGIN, PROBLEMS, TOO_LARGE
from service.refusal_summaries import writing_summaries
from service.runtime import Runtime
from service.tracker import routes as tracker

ROUTERS: tuple[APIRouter, ...] = (
    oauth.router,
    api.router,
    signin.router,
    static_files.router,
    problem_types.router,
    citizen.router,
    tracker.router,
    auditor.router,
    operator.router,
)
"""Every router of the service; each of their routes has a line in `service.access`."""

LARGER = {STATUS_PATH: MOST_BYTES}
"""What takes larger bodies than all else."""


def create_app(runtime: Runtime, shared: Shared | None = None) -> FastAPI:
    """The service as an ASGI application; several workers of one have something to share.

    Raises AccessTableError when a route has no line in the access table, and whatever is wrong
    with texts and templates: a fault stops the start.
    """
    load_pages()
    server = authorization_server(runtime, shared)
    resource = ProtectedResource(server)
    data = DataApi(resource)
    workers = Workers(in_threads=runtime.ledger.engine.dialect.name != "sqlite")
    app = FastAPI(
        title="consent-vault",
        docs_url=None,
        redoc_url=None,
        # It would answer 307, which sends an assertion on, to the host that the request names.
        redirect_slashes=False,
        lifespan=_lifespan,
        middleware=[
            *_outer(runtime),
            Middleware(Front, server=server, data=data, workers=workers),
            *_inner(runtime),
        ],
        exception_handlers={
            HTTPException: _answer_error,
            RequestValidationError: _not_understood,
            **dict.fromkeys(PROBLEMS, _answer_error),
        },
    )
    app.state.runtime, app.state.server = runtime, server
    app.state.resource, app.state.data = resource, data
    app.state.deposits = DepositApi(server)
    app.state.workers = workers
    for router in ROUTERS:
        app.include_router(router)
    access.check_table(app.routes)
    return app


def _outer(runtime: Runtime) -> list[Middleware]:
    """Around everything, from the outside in."""
    return [
        Middleware(SecurityHeadersMiddleware, secure=runtime.settings.secure),
        Middleware(ErrorBoundary),
    ]


def _inner(runtime: Runtime) -> list[Middleware]:
    """Around everything but the hot paths, which take no cookie."""
    origin = runtime.settings.base_url
    return [
        Middleware(BodyLimit, most=MAX_BODY_BYTES, refusal=_too_large, larger=LARGER),
        Middleware(SameOriginMiddleware, origin=origin, refusal=_foreign_origin),
        Middleware(AccessGate, table=access.TABLE),
    ]


def _too_large(request: Request) -> Response:
    return answer_problem(request, TOO_LARGE)


def _foreign_origin(request: Request) -> Response:
    return answer_problem(request, FOREIGN_ORIGIN)


async def _answer_error(request: Request, error: Exception) -> Response:
    return await run_in_threadpool(answer_error, request, error)


async def _not_understood(request: Request, _error: Exception) -> Response:
    # What the framework says would quote the input.
    return await run_in_threadpool(answer_problem, request, BAD_REQUEST)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    runtime: Runtime = app.state.runtime
    runtime.start()
    try:
        async with writing_summaries(app.state.server):
            yield
    finally:
        runtime.close()
