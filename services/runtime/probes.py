"""Liveness, readiness and metrics: the answers, and a small app for roles without an API."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from services.contracts.errors import ServiceError
from services.runtime.metrics import CONTENT_TYPE, Metrics

_CHECK_S = 3.0


async def readiness_answer(checks: Mapping[str, Callable[[], Awaitable[None]]]) -> tuple[int, dict[str, object]]:
    """Status and body of a readiness probe: every check within 3 s, all at once, or 503 with those that failed."""
    faults = await asyncio.gather(*(_fault(check) for check in checks.values()))
    failed = {name: fault for name, fault in zip(checks, faults, strict=True) if fault is not None}
    return (503, {"status": "not ready", "failed": failed}) if failed else (200, {"status": "ready"})


async def _fault(check: Callable[[], Awaitable[None]]) -> str | None:
    try:
        async with asyncio.timeout(_CHECK_S):
            await check()
    except TimeoutError:
        return f"no answer within {_CHECK_S:g} s"
    except ServiceError as error:
        return error.detail
    return None


def ops_app(metrics: Metrics, checks: Mapping[str, Callable[[], Awaitable[None]]], *more: BaseRoute) -> Starlette:
    """/livez, /readyz, /metrics."""

    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        status, body = await readiness_answer(checks)
        return JSONResponse(body, status_code=status)

    async def render(_: Request) -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    return Starlette(
        routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", render), *more],
    )
