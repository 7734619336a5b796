"""What a worker of its own process serves to the API: live media of its cameras, and what is asked of ONVIF devices.

Only the API comes here: over TLS with a certificate that it pins, with a token that the worker told it.
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.contracts.camera import Value
from services.contracts.errors import NotFound, ServiceError
from services.contracts.ladder import Reason, Rung
from services.contracts.networks import CameraNetworks
from services.contracts.worker_endpoint import (
    ClockRequest,
    InterrogationRefused,
    InterrogationRequest,
    SignInTrial,
    SignInTried,
)
from services.ingest.faults import CameraFault
from services.ingest.live import LiveMuxers
from services.ingest.ports import OnvifGateway

A = TypeVar("A", InterrogationRequest, ClockRequest, SignInTrial)

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

    def of_device(model: type[A], ask: Callable[[A], Awaitable[Value]]) -> Callable[[Request], Awaitable[Response]]:
        """What is asked of one device. Why it cannot be told is an answer of its own, with status 203."""

        async def answer(request: Request) -> Response:
            check(request)
            try:
                asked = model.model_validate_json(await _body(request))
            except ValidationError as error:
                raise HTTPException(422) from error
            try:
                if not networks.permit_text(asked.source.address):
                    raise CameraFault(Reason.ADDRESS_REFUSED, Rung.UNREACHABLE, "outside this worker's camera networks")
                told = await ask(asked)
            except CameraFault as fault:
                refused = InterrogationRefused(reason=fault.reason, auth=fault.auth)
                return Response(refused.model_dump_json(), status_code=203, media_type="application/json")
            return Response(told.model_dump_json(), media_type="application/json")

        return answer

    async def interrogate(asked: InterrogationRequest) -> Value:
        return await onvif.interrogate(asked.source, asked.credentials, every_channel=asked.every_channel)

    async def set_clock(asked: ClockRequest) -> Value:
        return await onvif.set_clock(asked.source, asked.credentials)

    async def try_sign_in(asked: SignInTrial) -> Value:
        return SignInTried(outcome=await onvif.try_sign_in(asked.source, asked.credentials))

    async def on_error(_: Request, error: Exception) -> Response:
        return JSONResponse({}, status_code=404 if isinstance(error, NotFound) else 503)

    return Starlette(
        routes=[
            Route("/hls/{camera_id:uuid}/window", window),
            Route("/hls/{camera_id:uuid}/init/{number:int}", init),
            Route("/hls/{camera_id:uuid}/segment/{index:int}", segment),
            Route("/interrogations", of_device(InterrogationRequest, interrogate), methods=["POST"]),
            Route("/clock", of_device(ClockRequest, set_clock), methods=["POST"]),
            Route("/sign-in-trials", of_device(SignInTrial, try_sign_in), methods=["POST"]),
        ],
        exception_handlers={ServiceError: on_error},
    )


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_MAX:
            raise HTTPException(413)
    return body
