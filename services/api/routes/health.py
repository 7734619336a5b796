"""Probes and metrics. Kept off the ingress, all but the probes."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from services.api.auth import Services
from services.runtime.metrics import CONTENT_TYPE
from services.runtime.probes import readiness_answer

router = APIRouter(tags=["health"])


@router.get("/livez", response_class=Response)
async def livez() -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz", response_class=Response)
async def readyz(services: Services) -> Response:
    """Whether requests would be served: 503 names the part that is not ready."""
    status, body = await readiness_answer(services.readiness)
    return JSONResponse(body, status_code=status)


@router.get("/metrics", response_class=Response)
async def metrics(services: Services) -> Response:
    """Metrics for Prometheus."""
    return Response(services.metrics.render(), media_type=CONTENT_TYPE)
