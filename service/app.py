"""The application: routes, gate, errors and lifespan put together around one runtime."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from service import access
from service.runtime import Runtime

ROUTERS: tuple[APIRouter, ...] = ()
"""Every router of the service; each of their routes has a line in `service.access`."""


def create_app(runtime: Runtime) -> FastAPI:
    """The service as an ASGI application. Raises AccessTableError when a route has no rule."""
    app = FastAPI(
        title="consent-vault",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        max_body_size=65536,
    )
    app.state.runtime = runtime
    for router in ROUTERS:
        app.include_router(router)
    access.check_table(app.routes)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    runtime: Runtime = app.state.runtime
    runtime.start()
    try:
        yield
    finally:
        runtime.close()
