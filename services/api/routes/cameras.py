"""Cameras: register, list, change, delete, credentials, and how they are."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from services.access.roles import Principal, Scope
from services.api.auth import Services, needs
from services.api.http import IfMatch, PageQuery, tag
from services.api.idempotency import IdempotentRoute
from services.api.schemas.base import Listing
from services.api.schemas.cameras import (
    CameraIn,
    CameraOut,
    CameraPatch,
    CameraStatus,
    CredentialsIn,
    OnvifSourceIn,
    RtspSourceIn,
    StreamOut,
)
from services.api.status import camera_status
from services.registry.installation import NewCamera
from services.registry.locator import NewCredentials, NewOnvifSource, NewRtspSource
from services.registry.sources import rtsp_url
from services.registry.tables import Camera, Protocol

router = APIRouter(prefix="/v1/cameras", tags=["cameras"], route_class=IdempotentRoute)


@router.post("", status_code=201)
async def register_camera(
    body: CameraIn, response: Response, services: Services, principal: Annotated[Principal, needs(Scope.REGISTRY_WRITE)]
) -> CameraOut:
    """Register a camera by its RTSP address or its ONVIF host.

    A recorder with several channels answers 422 with its `channels` unless the profile of one is named. A camera that
    does not answer now is registered all the same: its status says what is wrong.
    """
    credentials = body.credentials
    camera = await services.cameras.register_camera(
        principal.id,
        principal.provinces,
        NewCamera(
            facility_id=body.facility_id,
            name=body.name,
            zone=body.zone,
            source=_source(body.source),
            credentials=NewCredentials(credentials.username, credentials.password) if credentials else None,
            enabled=body.enabled,
            maintenance=body.maintenance,
            watch_policy=body.watch_policy,
            sample_every_s=body.sample_every_s,
            stream_choice=body.stream_choice,
        ),
    )
    response.headers["Location"] = f"/v1/cameras/{camera.id}"
    tag(response, camera.version)
    return camera_out(camera)


@router.get("")
async def list_cameras(
    page: PageQuery,
    services: Services,
    principal: Annotated[Principal, needs(Scope.REGISTRY_READ)],
    facility_id: UUID | None = None,
    province: Annotated[str | None, Query(max_length=8, description="`24` or `24@2025`.")] = None,
) -> Listing[CameraOut]:
    """Cameras within your provinces, in order of registration."""
    found = await services.cameras.cameras(principal.provinces, page, facility_id=facility_id, province=province)
    return Listing(items=[camera_out(camera) for camera in found.items], next_cursor=found.next_cursor)


@router.get("/{camera_id}")
async def get_camera(
    camera_id: UUID, response: Response, services: Services, principal: Annotated[Principal, needs(Scope.REGISTRY_READ)]
) -> CameraOut:
    """One camera."""
    camera = await services.cameras.camera(principal.provinces, camera_id)
    tag(response, camera.version)
    return camera_out(camera)


@router.patch("/{camera_id}")
async def change_camera(
    camera_id: UUID,
    body: CameraPatch,
    response: Response,
    services: Services,
    if_match: IfMatch,
    principal: Annotated[Principal, needs(Scope.REGISTRY_WRITE)],
) -> CameraOut:
    """Change some fields of a camera (JSON merge patch). A new source is checked like a registration."""
    changes: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    if body.source is not None:
        changes["source"] = _source(body.source)
    else:
        changes.pop("source", None)
    camera = await services.cameras.change_camera(principal.id, principal.provinces, camera_id, changes, if_match)
    tag(response, camera.version)
    return camera_out(camera)


@router.delete("/{camera_id}", status_code=204)
async def remove_camera(
    camera_id: UUID, services: Services, if_match: IfMatch, principal: Annotated[Principal, needs(Scope.REGISTRY_WRITE)]
) -> None:
    """Delete a camera with its credentials and pictures."""
    await services.cameras.remove_camera(principal.id, principal.provinces, camera_id, if_match)


@router.put("/{camera_id}/credentials", status_code=204)
async def enter_credentials(
    camera_id: UUID,
    body: CredentialsIn,
    services: Services,
    principal: Annotated[Principal, needs(Scope.REGISTRY_WRITE)],
) -> None:
    """Set user name and password. They are never given back; a worker that waits for them tries them at once."""
    await services.cameras.enter_credentials(
        principal.id, principal.provinces, camera_id, NewCredentials(body.username, body.password)
    )


@router.delete("/{camera_id}/credentials", status_code=204)
async def remove_credentials(
    camera_id: UUID, services: Services, principal: Annotated[Principal, needs(Scope.REGISTRY_WRITE)]
) -> None:
    """Forget user name and password."""
    await services.cameras.enter_credentials(principal.id, principal.provinces, camera_id, None)


@router.get("/{camera_id}/status")
async def get_camera_status(
    camera_id: UUID, services: Services, principal: Annotated[Principal, needs(Scope.STATUS_READ)]
) -> CameraStatus:
    """How a camera is now, how far it was proved to work, and what to do next."""
    camera = await services.cameras.camera(principal.provinces, camera_id)
    health = await services.status.camera_health(camera_id)
    return camera_status(camera, health, await services.desk.watcher_of(camera_id))


@router.get("/{camera_id}/snapshot.jpg", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
async def get_snapshot(
    camera_id: UUID,
    services: Services,
    principal: Annotated[Principal, needs(Scope.PICTURE_READ)],
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """The newest decoded picture, as JPEG. `Last-Modified` says when it was taken."""
    row, jpeg = await services.snapshots.snapshot(principal.provinces, camera_id)
    etag = f'"{row.digest.hex()[:32]}"'
    headers = {
        "ETag": etag,
        "Last-Modified": row.taken_at.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "Cache-Control": "private, no-cache",
    }
    if if_none_match == etag:
        return Response(status_code=304, headers=headers)
    return Response(jpeg, media_type="image/jpeg", headers=headers)


def _source(source: RtspSourceIn | OnvifSourceIn) -> NewRtspSource | NewOnvifSource:
    if isinstance(source, RtspSourceIn):
        return NewRtspSource(source.url)
    return NewOnvifSource(source.host, source.port, source.profile)


def camera_out(camera: Camera) -> CameraOut:
    """A camera as the API tells it."""
    device = camera.device
    source: dict[str, Any]
    if device.protocol is Protocol.RTSP:
        source = {"kind": "rtsp", "url": rtsp_url(device.host, device.port, camera.streams[0].path, tls=device.tls)}
    else:
        source = {"kind": "onvif", "host": device.host, "port": device.port, "profile": camera.profile}
    return CameraOut(
        id=camera.id,
        facility_id=camera.facility_id,
        device_id=camera.device_id,
        name=camera.name,
        zone=camera.zone,
        source=source,
        streams=[StreamOut.model_validate(stream) for stream in camera.streams],
        has_credentials=camera.credential is not None,
        enabled=camera.enabled,
        maintenance=camera.maintenance,
        watch_policy=camera.watch_policy,
        sample_every_s=camera.sample_every_s,
        stream_choice=camera.stream_choice,
        created_at=camera.created_at,
        updated_at=camera.updated_at,
    )
