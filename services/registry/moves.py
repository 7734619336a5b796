"""Devices that are found at another address: which have moved, and how their rows follow.

A device that moved keeps its id, and so do its cameras with their history. Decisions: docs/decisions/0026.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.contracts.discovery import Found
from services.contracts.identity import Likeness, weigh
from services.registry import discovery_repository, identity
from services.registry.discovery_tables import DeviceChange
from services.registry.identity import KnownDevice, evidence_of_finding
from services.registry.ports import AuditLog
from services.registry.sources import at_endpoint
from services.registry.tables import Camera, Device, Facility, Protocol
from services.registry.targets import Targets
from services.storage.database import AsyncSession


@dataclass(frozen=True, slots=True)
class Move:
    """A registered device and where it was found instead."""

    device_id: UUID
    finding: Found


def plan_moves(
    found: Sequence[Found], recognised: Mapping[int, UUID], known: Sequence[KnownDevice], looked_at: Targets | None
) -> list[Move]:
    """Which devices have moved. Pure.

    Only where the search looked at a device's own address too (``looked_at``; None: a human says so) and the device
    is not there: nobody is there, or clearly somebody else. Evidence that is not clear moves nothing.
    """
    moves = []
    devices = {device.id: device for device in known}
    for place, device_id in recognised.items():
        device, finding = devices[device_id], found[place]
        if device.stands_at(finding) or (looked_at is not None and not looked_at.cover(device.address)):
            continue
        comparison = weigh(device.evidence, evidence_of_finding(finding))
        if comparison.likeness is not Likeness.SAME or (comparison.differ and "mac" not in comparison.agree):
            continue
        at_home = [other for other in found if device.stands_at(other)]
        if all(weigh(device.evidence, evidence_of_finding(other)).likeness is Likeness.DIFFERENT for other in at_home):
            moves.append(Move(device_id, finding))
    return moves


class Mover:
    """Carries moves out, in the transaction of the search that found them."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    async def carry_out(
        self,
        session: AsyncSession,
        facility: Facility,
        moves: Sequence[Move],
        now: datetime,
        principal_id: UUID | None = None,
    ) -> list[UUID]:
        """Ids of the devices that moved. One whose new address another registered device has is left to a human.

        All at once: devices that swapped addresses pass through places that no device can have.
        """
        devices = {device.id: device for device in await discovery_repository.devices_of(session, facility.id)}
        going = await self._free(session, devices, moves, now)
        places = {device_id: (devices[device_id].host, devices[device_id].port) for device_id in going}
        cameras = await discovery_repository.cameras_of(session, going)
        keys = {camera.id: _key(camera, devices[camera.device_id], going[camera.device_id]) for camera in cameras}
        for device_id in going:
            devices[device_id].address = f"moving {device_id.hex}"
        for camera in cameras:
            camera.source_key = f"moving|{camera.id}"
        await session.flush()
        for camera in cameras:
            _follow(camera, keys[camera.id], devices[camera.device_id], going[camera.device_id], now)
        for device_id, finding in going.items():
            _settle(session, devices[device_id], places[device_id], finding, now)
            await self._audit.record(
                session,
                principal_id=principal_id,
                action="device.move",
                subject=str(device_id),
                province_unit_id=facility.province_unit_id,
                details={"address": finding.address, "port": finding.port},
            )
        await session.flush()
        return list(going)

    async def _free(
        self,
        session: AsyncSession,
        devices: Mapping[UUID, Device],
        moves: Sequence[Move],
        now: datetime,
    ) -> dict[UUID, Found]:
        """The moves whose new place is free once all of them have left the old one."""
        going = {move.device_id: move.finding for move in moves}
        while True:
            taken = await self._taken(session, devices, going)
            if not taken:
                return going
            for device_id, other in taken.items():
                finding = going.pop(device_id)
                port = _port(devices[device_id], finding)
                identity.note_address_taken(devices[device_id], finding.address, port, other, now)

    async def _taken(
        self, session: AsyncSession, devices: Mapping[UUID, Device], going: Mapping[UUID, Found]
    ) -> dict[UUID, UUID]:
        """By device that would move: the device that stays where it would come to."""
        standing = {
            (device.protocol, device.address, device.port): device.id
            for device in devices.values()
            if device.id not in going
        }
        taken = {}
        keys: dict[str, UUID] = {}
        moving = await discovery_repository.cameras_of(session, going)
        for camera in moving:
            finding, device = going[camera.device_id], devices[camera.device_id]
            keys[_key(camera, device, finding)] = device.id
        for device_id, finding in going.items():
            device = devices[device_id]
            other = standing.get((device.protocol, finding.address, _port(device, finding)))
            if other is not None:
                taken[device_id] = other
        there = await discovery_repository.cameras_by_key(session, list(keys))
        leaving = {camera.id for camera in moving}
        for key, camera in there.items():
            if camera.id not in leaving:
                taken.setdefault(keys[key], camera.device_id)
        return taken


def _follow(camera: Camera, key: str, device: Device, finding: Found, now: datetime) -> None:
    """A camera goes where its device went. Before ``_settle``, which forgets the old port."""
    camera.source_key = key
    camera.watch_version += 1
    camera.version += 1
    camera.updated_at = now
    for stream in camera.streams:
        if device.protocol is Protocol.RTSP and stream.port == device.port:
            stream.port = _port(device, finding)


def _settle(session: AsyncSession, device: Device, was: tuple[str, int], finding: Found, now: datetime) -> None:
    device.port = _port(device, finding)
    device.address = device.host = finding.address
    if device.protocol is Protocol.ONVIF and finding.protocol == "onvif":
        device.tls = finding.tls
        device.service_path = finding.service_path or device.service_path
    identity.learn(device, evidence_of_finding(finding), now)
    session.add(
        DeviceChange(
            device_id=device.id,
            at=now,
            field="address",
            was=f"{was[0]}:{was[1]}",
            now=f"{device.address}:{device.port}",
        )
    )


def _key(camera: Camera, device: Device, finding: Found) -> str:
    return at_endpoint(camera.source_key, finding.address, _port(device, finding))


def _port(device: Device, finding: Found) -> int:
    """A device found by another protocol than it is registered by keeps its port."""
    return finding.port if finding.protocol == device.protocol else device.port
