"""The page of one camera, its picture, and the link to its live view."""

from collections.abc import Sequence
from uuid import UUID

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from services.access.roles import Scope
from services.console.cards import camera_card, ladder
from services.console.frame import Frame, Visit, status_of
from services.console.language import Language
from services.console.services import ConsoleServices
from services.console.texts import TEXTS
from services.contracts.ladder import Reason
from services.live.service import CameraNotPlayable
from services.registry.sources import rtsp_url
from services.registry.tables import Camera, Protocol
from services.runtime.logs import redact

_NO_STORE = {"Cache-Control": "no-store"}


class CameraPage:
    """Gathers and renders."""

    def __init__(self, services: ConsoleServices) -> None:
        self._services = services

    def routes(self, frame: Frame) -> Sequence[BaseRoute]:
        async def camera(visit: Visit) -> Response:
            values = await self._camera(visit, visit.request.path_params["camera_id"])
            return frame.renderer.page("camera.html", visit.setting, values)

        return [
            frame.page("/cameras/{camera_id:uuid}", camera, Scope.STATUS_READ, Scope.REGISTRY_READ),
            frame.page("/cameras/{camera_id:uuid}/snapshot.jpg", self._snapshot, Scope.PICTURE_READ),
            frame.script_call("/cameras/{camera_id:uuid}/live-link", self._live_link, Scope.LIVE_REQUEST),
        ]

    async def _camera(self, visit: Visit, camera_id: UUID) -> dict[str, object]:
        services = self._services
        camera = await services.cameras.camera(visit.provinces, camera_id)
        pictures = visit.principal.may(Scope.PICTURE_READ)
        health = await services.status.camera_health(camera_id)
        snapshot = (await services.snapshots.taken_at([camera_id])).get(camera_id) if pictures else None
        worker = (await services.queries.watchers([camera_id])).get(camera_id)
        card = camera_card(camera, health, snapshot, worker)
        return {
            "camera": camera,
            "facility": camera.facility,
            "unit": camera.facility.province_unit,
            "device": camera.device,
            "address": address_of(camera),
            "card": card,
            "steps": ladder(card),
            "pictures": pictures,
            "live": visit.principal.may(Scope.LIVE_REQUEST),
        }

    async def _snapshot(self, visit: Visit) -> Response:
        row, jpeg = await self._services.snapshots.snapshot(visit.provinces, visit.request.path_params["camera_id"])
        etag = f'"{row.digest.hex()[:32]}"'
        headers = {
            "ETag": etag,
            "Last-Modified": row.taken_at.strftime("%a, %d %b %Y %H:%M:%S GMT"),
            "Cache-Control": "private, no-cache",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if visit.request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(jpeg, media_type="image/jpeg", headers=headers)

    async def _live_link(self, visit: Visit) -> Response:
        """``{url}``, a path on this host, so that the page may load it whatever name the host was reached by."""
        camera_id = visit.request.path_params["camera_id"]
        try:
            links, expires_at = await self._services.live.issue(visit.principal.id, visit.provinces, camera_id, "")
        except CameraNotPlayable as error:
            text = why_not_playable(error, visit.setting.language)
            return JSONResponse({"error": text}, status_of(error), headers=_NO_STORE)
        url = next(link.url for link in links if link.protocol == "hls")
        return JSONResponse({"url": url, "expires_at": expires_at.isoformat()}, 201, headers=_NO_STORE)


def why_not_playable(error: CameraNotPlayable, language: Language) -> str:
    """In the words of the page what the error says in English."""
    reasons = error.extra.get("reasons")
    if reasons is None:
        return language.of(TEXTS["live.codec"])
    if not reasons:
        return language.of(TEXTS["live.no_picture"])
    return f"{language.of(TEXTS['live.no_picture'])} {language.of(Reason(reasons[0]).advice)}"


def address_of(camera: Camera) -> str:
    """Where the camera is found, without credentials."""
    device = camera.device
    if device.protocol is Protocol.RTSP and camera.streams:
        # Some makers want the password in the query of the path.
        return redact(rtsp_url(device.host, device.port, camera.streams[0].path, tls=device.tls))
    profile = f" · {camera.profile}" if camera.profile else ""
    return f"ONVIF {device.host}:{device.port}{profile}"
