"""Live view: links for those who may look, and the HLS behind them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from services.access.roles import Principal, Scope
from services.api.auth import Services, needs
from services.api.schemas.cameras import LiveLinkOut, LiveLinksOut

router = APIRouter(tags=["live"])

Token = Annotated[str, Query(min_length=1, max_length=2048)]
Number = Annotated[int, Path(ge=0, le=2**53)]

_PLAYLIST = "application/vnd.apple.mpegurl"
_NEVER_KEEP = {"Cache-Control": "private, no-store"}
#: Segments never change, but they are for this viewer only and soon gone.
_KEEP_BRIEFLY = {"Cache-Control": "private, max-age=60"}


@router.post("/v1/cameras/{camera_id}/live-links", status_code=201)
async def create_live_link(
    camera_id: UUID,
    request: Request,
    services: Services,
    principal: Annotated[Principal, needs(Scope.LIVE_REQUEST)],
) -> LiveLinksOut:
    """A link to the live picture of a camera, to be opened until `expires_at`. Audited."""
    base_url = services.public_url or str(request.base_url)
    links, expires_at = await services.live.issue(principal.id, principal.provinces, camera_id, base_url)
    return LiveLinksOut(links=[LiveLinkOut(protocol="hls", url=link.url) for link in links], expires_at=expires_at)


@router.get("/live/{camera_id}/index.m3u8", response_class=Response)
async def open_live_link(camera_id: UUID, token: Token, request: Request, services: Services) -> Response:
    """Open a live link: its playlist names the view that was opened for you."""
    client = request.client.host if request.client else "unknown"
    text = await services.live.open(camera_id, token, client)
    return Response(text, media_type=_PLAYLIST, headers=_NEVER_KEEP)


@router.get("/live/{camera_id}/media.m3u8", response_class=Response)
async def get_media_playlist(camera_id: UUID, session: Token, services: Services) -> Response:
    """The segments of a view as they are now."""
    text = await services.live.media_playlist(camera_id, session)
    return Response(text, media_type=_PLAYLIST, headers=_NEVER_KEEP)


@router.get("/live/{camera_id}/init-{number}.mp4", response_class=Response)
async def get_init(camera_id: UUID, number: Number, session: Token, services: Services) -> Response:
    """An initialisation section."""
    body = await services.live.init(camera_id, session, number)
    return Response(body, media_type="video/mp4", headers=_KEEP_BRIEFLY)


@router.get("/live/{camera_id}/seg-{index}.m4s", response_class=Response)
async def get_segment(camera_id: UUID, index: Number, session: Token, services: Services) -> Response:
    """A media segment."""
    body = await services.live.segment(camera_id, session, index)
    return Response(body, media_type="video/mp4", headers=_KEEP_BRIEFLY)
