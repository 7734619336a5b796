"""Searches for devices: begin, follow, cancel, repeat, and adopt what was found."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from services.access.roles import Principal, Scope
from services.api.auth import Services, needs
from services.api.http import PageQuery
from services.api.idempotency import IdempotentRoute
from services.api.schemas.base import Advice, Listing
from services.api.schemas.cameras import CredentialsIn
from services.api.schemas.discoveries import (
    AdoptedCameraOut,
    AdoptedDeviceOut,
    AdoptIn,
    AdoptionOut,
    DiscoveryIn,
    DiscoveryOut,
    DiscoverySummary,
    FindingsIn,
    LeftOutOut,
    TargetsOut,
)
from services.api.services import ApiServices
from services.contracts.discovery import DiscoveryProgress
from services.contracts.errors import NotFound, ServiceError
from services.contracts.ladder import ADVICE
from services.contracts.scope import ProvinceScope
from services.registry.adoption import left_out_json
from services.registry.adoption_plan import WantedChannel, WantedDevice, Wish
from services.registry.discoveries import FAILURES, NewDiscovery, findings_of
from services.registry.discovery_tables import Discovery, DiscoveryStatus
from services.registry.locator import NewCredentials

router = APIRouter(prefix="/v1/discoveries", tags=["discoveries"], route_class=IdempotentRoute)

#: How often a stream of events looks for news, and how long it lasts at most; whoever wants more comes again.
_LOOK_EVERY_S = 1.0
_STREAM_AT_MOST_S = 900.0
#: Without news, something is sent so often, so that proxies keep the connection.
_SIGN_OF_LIFE_S = 15.0

Reads = Annotated[Principal, needs(Scope.REGISTRY_READ)]
Writes = Annotated[Principal, needs(Scope.REGISTRY_WRITE)]


@router.post("", status_code=202)
async def start_discovery(body: DiscoveryIn, response: Response, services: Services, principal: Writes) -> DiscoveryOut:
    """Search networks, hosts and by multicast for devices of a facility.

    A worker that gets to the facility's reach takes the search within seconds. Finding changes nothing: adopt what was
    found. What is searched is audited.
    """
    row = await services.discoveries.start(
        principal.id,
        principal.provinces,
        NewDiscovery(
            facility_id=body.facility_id,
            networks=body.networks,
            hosts=body.hosts,
            multicast=body.multicast,
            credentials=None if body.credentials is None else _credentials(body.credentials),
        ),
    )
    response.headers["Location"] = f"/v1/discoveries/{row.id}"
    return discovery_out(row)


@router.post("/findings", status_code=201)
async def keep_findings(body: FindingsIn, response: Response, services: Services, principal: Writes) -> DiscoveryOut:
    """Hand in what was found from a shell on site, so that it can be adopted. The body may have up to 8 MiB."""
    row = await services.discoveries.keep_findings(
        principal.id, principal.provinces, body.facility_id, body.found, _credentials(body.credentials)
    )
    response.headers["Location"] = f"/v1/discoveries/{row.id}"
    return discovery_out(row)


@router.get("")
async def list_discoveries(
    page: PageQuery, services: Services, principal: Reads, facility_id: UUID | None = None
) -> Listing[DiscoverySummary]:
    """Searches within your provinces, in order of time, without what they found. They are kept for 90 days."""
    found = await services.discoveries.discoveries(principal.provinces, page, facility_id=facility_id)
    return Listing(items=[summary_out(row) for row in found.items], next_cursor=found.next_cursor)


@router.get("/{discovery_id}")
async def get_discovery(discovery_id: UUID, services: Services, principal: Reads) -> DiscoveryOut:
    """How far a search is and what it found so far."""
    return discovery_out(await services.discoveries.discovery(principal.provinces, discovery_id))


@router.get(
    "/{discovery_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def follow_discovery(discovery_id: UUID, services: Services, principal: Reads) -> StreamingResponse:
    """Server-sent events while a search runs: `progress`, `found` for each host that is new or better known, `end`.

    The first ones say all that is known already. The stream ends with the search, and after 15 minutes at the latest.
    """
    await services.discoveries.discovery(principal.provinces, discovery_id)
    return StreamingResponse(
        events(services, principal.provinces, discovery_id),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.post("/{discovery_id}/cancel")
async def cancel_discovery(discovery_id: UUID, services: Services, principal: Writes) -> DiscoveryOut:
    """End a search; its worker stops within seconds. One that has ended stays as it is."""
    return discovery_out(await services.discoveries.cancel(principal.id, principal.provinces, discovery_id))


@router.post("/{discovery_id}/repeat", status_code=202)
async def repeat_discovery(
    discovery_id: UUID, response: Response, services: Services, principal: Writes
) -> DiscoveryOut:
    """Search the same targets again, with the same credentials while they are kept, else with the sets of the site."""
    row = await services.discoveries.repeat(principal.id, principal.provinces, discovery_id)
    response.headers["Location"] = f"/v1/discoveries/{row.id}"
    return discovery_out(row)


@router.post("/{discovery_id}/adopt")
async def adopt(discovery_id: UUID, body: AdoptIn, services: Services, principal: Writes) -> AdoptionOut:
    """Register what was found: all that can be, or the devices that are named, in one transaction.

    What is registered already is given back with its ids. With `all`, what cannot be adopted is in `left_out` with what
    to do about it; a named device that cannot be adopted is refused, and nothing is registered.
    """
    made = await services.adoptions.adopt(principal.id, principal.provinces, discovery_id, _wish(body))
    return AdoptionOut(
        devices=[
            AdoptedDeviceOut(id=one.device.id, address=one.device.address, port=one.device.port, created=one.created)
            for one in made.adopted
        ],
        cameras=[
            AdoptedCameraOut(
                id=camera.row.id,
                address=one.device.address,
                channel=camera.channel,
                name=camera.row.name,
                zone=camera.row.zone,
                created=camera.created,
            )
            for one in made.adopted
            for camera in one.cameras
        ],
        left_out=[LeftOutOut.model_validate(left_out_json(one)) for one in made.left_out],
    )


async def events(services: ApiServices, scope: ProvinceScope, discovery_id: UUID) -> AsyncIterator[str]:
    """News of a search as server-sent events, until it ends, its viewer leaves, or this process stops."""
    loop = asyncio.get_running_loop()
    began = spoke = loop.time()
    progress: dict[str, Any] = {}
    told: dict[tuple[str, int], dict[str, Any]] = {}
    while loop.time() - began < _STREAM_AT_MOST_S:
        try:
            row = await services.discoveries.discovery(scope, discovery_id)
        except NotFound:
            yield _event("end", {"status": "cancelled", "failure": None})
            return
        except ServiceError:
            row = None  # the database does not answer now; it may in a second
        if row is not None:
            if row.progress != progress:
                progress, spoke = row.progress, loop.time()
                yield _event("progress", progress)
            for finding in row.found:
                place = finding["address"], finding["port"]
                if told.get(place) != finding:
                    told[place], spoke = finding, loop.time()
                    yield _event("found", finding)
            if row.status is not DiscoveryStatus.RUNNING:
                summary = summary_out(row)
                yield _event("end", {"status": summary.status, "failure": summary.failure})
                return
        if loop.time() - spoke >= _SIGN_OF_LIFE_S:
            spoke = loop.time()
            yield ": still here\n\n"
        if not await services.shutdown.sleep(_LOOK_EVERY_S):
            return


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def summary_out(row: Discovery) -> DiscoverySummary:
    """A search as the API lists it."""
    return DiscoverySummary(**_summary(row))


def discovery_out(row: Discovery) -> DiscoveryOut:
    """A search as the API tells it."""
    found = list(findings_of(row))
    reasons = dict.fromkeys(
        reason
        for finding in found
        for reason in (*finding.reasons, *(one for channel in finding.channels for one in channel.reasons))
    )
    advice = {reason: Advice(en=ADVICE[reason].en, vi=ADVICE[reason].vi) for reason in reasons}
    return DiscoveryOut(**_summary(row), found=found, advice=advice)


def _summary(row: Discovery) -> dict[str, Any]:
    known = FAILURES.get(row.failure or "")
    return {
        "id": row.id,
        "facility_id": row.facility_id,
        "kind": row.kind,
        "status": row.status,
        "targets": TargetsOut.model_validate(row.targets),
        "progress": DiscoveryProgress.model_validate(row.progress),
        "found_count": len(row.found),
        "failure": known.en if known is not None else row.failure,
        "failure_advice": Advice(en=known.en, vi=known.vi) if known is not None else None,
        "created_at": row.created_at,
        "ended_at": row.ended_at,
    }


def _credentials(given: list[CredentialsIn]) -> list[NewCredentials]:
    return [NewCredentials(one.username, one.password) for one in given]


def _wish(body: AdoptIn) -> Wish:
    if body.devices is None:
        return Wish(zone=body.zone)
    return Wish(
        devices=[
            WantedDevice(
                address=device.address,
                port=device.port,
                name=device.name,
                channels=None
                if device.channels is None
                else [WantedChannel(one.key, one.name, one.zone, one.enabled) for one in device.channels],
                credentials=_credentials([device.credentials])[0] if device.credentials else None,
            )
            for device in body.devices
        ],
        zone=body.zone,
    )
