"""What a worker of its own process serves to the API: live media of its cameras, and a look at an ONVIF device.

Only the API comes here: over TLS with a certificate that it pins, with a token that the worker told it.
"""

import hmac

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.contracts.errors import NotFound, ServiceError
from services.contracts.ladder import Reason, Rung
from services.contracts.networks import CameraNetworks
from services.contracts.worker_endpoint import InterrogationRefused, InterrogationRequest
from services.ingest.faults import CameraFault
from services.ingest.live import LiveMuxers
from services.ingest.ports import OnvifGateway

_BODY_MAX = 64 * 1024


def media_app(token: str, live: LiveMuxers, onvif: OnvifGateway, networks: CameraNetworks) -> Starlette:
    """The app. Errors are a bare status: the API words them for people."""

    def check(request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401)

    async def window(request: Request) -> Response:
        check(request)
        found = await live.window(request.path_params["camera_id"])
        return Response(found.model_dump_json(), media_type="application/json")

    async def init(request: Request) -> Response:
        check(request)
        return Response(await live.init(request.path_params["camera_id"], request.path_params["number"]))

    async def segment(request: Request) -> Response:
        check(request)
        return Response(await live.segment(request.path_params["camera_id"], request.path_params["index"]))

    async def interrogate(request: Request) -> Response:
        check(request)
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _BODY_MAX:
                raise HTTPException(413)
        try:
            asked = InterrogationRequest.model_validate_json(body)
        except ValidationError as error:
            raise HTTPException(422) from error
        try:
            if not networks.permit_text(asked.source.address):
                raise CameraFault(Reason.ADDRESS_REFUSED, Rung.UNREACHABLE, "outside this worker's camera networks")
            told = await onvif.interrogate(asked.source, asked.credentials)
        except CameraFault as fault:
            refused = InterrogationRefused(reason=fault.reason, auth=fault.auth)
            return Response(refused.model_dump_json(), status_code=203, media_type="application/json")
        return Response(told.model_dump_json(), media_type="application/json")

    async def on_error(_: Request, error: Exception) -> Response:
        return JSONResponse({}, status_code=404 if isinstance(error, NotFound) else 503)

    return Starlette(
        routes=[
            Route("/hls/{camera_id:uuid}/window", window),
            Route("/hls/{camera_id:uuid}/init/{number:int}", init),
            Route("/hls/{camera_id:uuid}/segment/{index:int}", segment),
            Route("/interrogations", interrogate, methods=["POST"]),
        ],
        exception_handlers={ServiceError: on_error},
    )
