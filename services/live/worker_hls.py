"""``HlsSource`` of a split deployment: the worker that holds the camera muxes, we fetch. The API never meets a camera."""

import logging
from typing import Protocol

from pydantic import ValidationError

from services.contracts.errors import NotFound, ServiceError, Unavailable
from services.contracts.hls import HlsWindow
from services.contracts.ids import CameraId
from services.contracts.worker_endpoint import WorkerEndpoint
from services.runtime.worker_clients import WorkerClients

log = logging.getLogger(__name__)

_SEGMENT_MAX = 64 * 1024 * 1024


class NobodyWatches(Unavailable):
    """No worker watches this camera now, so there is no live picture. Try again shortly."""

    code = "nobody-watches"


class NotPlaying(Unavailable):
    """The worker that watches this camera gives no live picture now. Try again shortly."""

    code = "not-playing"


class SegmentGone(NotFound):
    """This segment is not kept any more. Load the playlist again."""

    code = "segment-gone"


class Endpoints(Protocol):
    """Which worker holds a camera. Satisfied by the registry's worker desk."""

    async def endpoint_for_camera(self, camera_id: CameraId) -> WorkerEndpoint | None: ...


class WorkerHls:
    """Fetches from workers."""

    def __init__(self, endpoints: Endpoints, clients: WorkerClients) -> None:
        self._endpoints = endpoints
        self._clients = clients

    async def window(self, camera_id: CameraId) -> HlsWindow:
        body = await self._get(camera_id, "window")
        try:
            return HlsWindow.model_validate_json(body)
        except ValidationError as error:
            raise Unavailable("The worker answered in a form we do not know; are versions mixed?") from error

    async def init(self, camera_id: CameraId, number: int) -> bytes:
        return await self._get(camera_id, f"init/{number}")

    async def segment(self, camera_id: CameraId, index: int) -> bytes:
        return await self._get(camera_id, f"segment/{index}")

    async def _get(self, camera_id: CameraId, what: str) -> bytes:
        endpoint = await self._endpoints.endpoint_for_camera(camera_id)
        if endpoint is None:
            raise NobodyWatches
        client = await self._clients.client(endpoint)
        try:
            answer = await client.request("GET", f"/hls/{camera_id}/{what}", max_bytes=_SEGMENT_MAX)
        except NotFound as error:
            raise SegmentGone from error
        except ServiceError as error:
            # What it says to us, that our token is wrong for example, is nothing to say to a viewer.
            log.warning("no live media from the worker", extra={"camera_id": camera_id, "error": error.detail})
            raise NotPlaying from error
        return answer.body
