"""The app: routes, errors, middleware. Everything behind it comes in ``ApiServices``."""

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

from fastapi import FastAPI
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from services.api import errors
from services.api.middleware import AccessLog, BodyLimit
from services.api.openapi import document
from services.api.routes import (
    cameras,
    credential_sets,
    devices,
    discoveries,
    facilities,
    health,
    keys,
    live,
    programme,
    provinces,
    workers,
)
from services.api.services import ApiServices

ROUTERS = (
    facilities.router,
    cameras.router,
    devices.router,
    discoveries.router,
    credential_sets.router,
    provinces.router,
    live.router,
    programme.router,
    keys.router,
    workers.router,
    health.router,
)

#: What ``create_app`` makes, for callers that need not know FastAPI.
App: TypeAlias = FastAPI

_DESCRIPTION = """
Registers facilities and their cameras, says which are really connected and why, and lets the monitoring centre look.

Send a key as `Authorization: Bearer vg_…`. Errors are problem documents (RFC 9457) whose `errors` name the fields at
fault. Lists are pages: give `next_cursor` back as `cursor`. Times are RFC 3339 in UTC. What lies outside your
provinces is not found.
"""


def create_app(services: ApiServices, pages: Sequence[BaseRoute] = ()) -> FastAPI:
    """The API with, optionally, the pages of the console."""
    app = _routes_alone()
    app.state.services = services
    errors.install(app)
    app.router.routes.extend(pages)
    return app


def openapi_of_routes() -> dict[str, Any]:
    """What ``/openapi.json`` answers, without running anything."""
    return _routes_alone().openapi()


def _routes_alone() -> FastAPI:
    app = FastAPI(
        title="Vọng Gác",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
    )
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = partial(document, app)  # type: ignore[method-assign]
    return app


def wrapped(app: ASGIApp) -> ASGIApp:
    """The app behind the middleware, outermost the access log, so that refused bodies are logged too."""
    return AccessLog(BodyLimit(app))
