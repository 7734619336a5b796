"""What the gateway of production lets people reach, and what it does not."""

import pytest
from fastapi.routing import APIRoute

from services.api.app import ROUTERS
from tests.deploy.edge import leads_to
from tests.deploy.manifests import Manifests, rendered
from tests.harness.application import Application

#: Prefixes of routes that must stay inside of the cluster.
INSIDE = ("/v1/workers", "/livez", "/readyz", "/metrics")


@pytest.fixture
def production() -> Manifests:
    return rendered("production")


def _paths_of_the_api() -> set[str]:
    return {route.path for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1/facilities",
        "/v1/cameras/7/snapshot.jpg",
        "/v1/events",
        "/live/7/index.m3u8",
        "/static/app.css",
        "/openapi.json",
    ],
)
def test_people_reach_the_api(path: str, production: Manifests) -> None:
    assert leads_to(production, path) == "vonggac-api"


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/livez",
        "/readyz",
        "/v1/workers",
        "/v1/workers/",
        "/v1/workers/w-1/claims",
        "/v1/workers/w-1/cameras/7/credentials",
        "/docs",
        "/livestock",
        "/v2/facilities",
        "/.env",
    ],
)
def test_nobody_reaches_what_is_inside(path: str, production: Manifests) -> None:
    assert leads_to(production, path) is None


def test_a_prefix_ends_at_a_slash(production: Manifests) -> None:
    assert leads_to(production, "/v1/workers-report") == "vonggac-api"
    assert leads_to(production, "/v10/facilities") is None


async def test_each_route_is_either_public_or_meant_to_stay_inside(
    production: Manifests, application: Application
) -> None:
    pages = {path for path in application.paths if path not in {"", "/{path:path}"}}
    paths = _paths_of_the_api() | pages
    assert {"/sign-in", "/provinces/{unit_id}", "/v1/facilities"} <= paths
    public = {path for path in paths if leads_to(production, path) == "vonggac-api"}
    inside = {path for path in paths if path.startswith(INSIDE)}
    assert public | inside == paths
    assert public & inside == set()


def test_a_route_without_the_rule_for_workers_would_let_them_out(production: Manifests) -> None:
    for manifest in production:
        if manifest["kind"] == "HTTPRoute":
            manifest["spec"]["rules"] = [rule for rule in manifest["spec"]["rules"] if rule.get("backendRefs")]
    assert leads_to(production, "/v1/workers/w-1/claims") == "vonggac-api"
