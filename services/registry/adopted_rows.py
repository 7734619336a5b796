"""The rows of adopted devices and cameras."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.contracts.camera import (
    AuthOutcome,
    Credentials,
    StreamChoice,
)
from services.contracts.discovery import Found, FoundChannel
from services.contracts.ids import new_id
from services.contracts.ladder import Reason
from services.contracts.zones import Zone
from services.registry import discovery_repository, identity, interrogations, repository
from services.registry.adoption_plan import Chosen, LeftOut, WantedChannel, name_of, unused_name
from services.registry.attempts import SearchAttempts
from services.registry.credentials import CredentialVault
from services.registry.found_channels import PATH_MAX, facts_of, fits, keys_of, silent_key, streams_of
from services.registry.tables import Camera, Device, Facility, Protocol
from services.storage.database import AsyncSession


@dataclass(frozen=True, slots=True)
class AdoptedCamera:
    """A camera, and whether it was made now."""

    row: Camera
    channel: str
    created: bool


@dataclass(frozen=True, slots=True)
class Adopted:
    """A device with its cameras, and whether it was made now."""

    device: Device
    created: bool
    cameras: Sequence[AdoptedCamera]


@dataclass(slots=True)
class Batch:
    """What is there before an adoption, kept up to date while it goes on."""

    facility: Facility
    known: dict[str, Camera]
    of_device: dict[UUID, list[Camera]]
    names: set[str] = field(default_factory=set)


class Rows:
    """Makes the rows, in the transaction of the adoption."""

    def __init__(self, vault: CredentialVault, attempts: SearchAttempts) -> None:
        self._vault = vault
        self._attempts = attempts

    async def batch(self, session: AsyncSession, facility: Facility, chosen: Sequence[Chosen]) -> Batch:
        """What is registered already of all this."""
        keys = [
            key
            for one in chosen
            for channel, _ in one.channels
            for key in (*keys_of(facility.reach, one.finding, channel), silent_key(facility.reach, one.finding))
        ]
        cameras = await repository.cameras_of_facility(session, facility.id)
        of_device: dict[UUID, list[Camera]] = {}
        for camera in cameras:
            of_device.setdefault(camera.device_id, []).append(camera)
        return Batch(
            facility,
            await discovery_repository.cameras_by_key(session, keys),
            of_device,
            {camera.name.casefold() for camera in cameras},
        )

    async def adopt(
        self,
        session: AsyncSession,
        batch: Batch,
        one: Chosen,
        credentials: tuple[Credentials | None, bool],
        zones: Mapping[tuple[str, int, str], Zone],
        now: datetime,
    ) -> tuple[Adopted | None, list[LeftOut]]:
        """The device with its cameras; None when none of it could be adopted."""
        finding = one.finding
        left_out: list[LeftOut] = []
        standing: list[AdoptedCamera] = []
        wanted: list[tuple[FoundChannel, WantedChannel]] = []
        for channel, wish in one.channels:
            camera = _registered(batch, finding, channel)
            if camera is not None and camera.facility_id != batch.facility.id:
                left_out.append(
                    LeftOut(finding.address, finding.port, "registered_elsewhere", channel.key, one.pointer)
                )
            elif camera is not None:
                standing.append(AdoptedCamera(camera, channel.key, created=False))
            elif not fits(finding, channel):
                left_out.append(LeftOut(finding.address, finding.port, Reason.NOT_FOUND, channel.key, one.pointer))
            else:
                wanted.append((channel, wish))
        evidence = identity.evidence_of_finding(finding)
        for registered in {camera.row.device for camera in standing}:
            if not interrogations.keep_identity(registered, evidence, now):
                left_out.append(LeftOut(finding.address, finding.port, Reason.WRONG_DEVICE, pointer=one.pointer))
                return None, left_out
        if not wanted:
            return (Adopted(standing[0].row.device, False, standing) if standing else None), left_out
        device, created = await self._device(session, batch.facility, finding, now)
        if device is None:
            left_out.append(LeftOut(finding.address, finding.port, Reason.WRONG_DEVICE, pointer=one.pointer))
            return None, left_out
        cameras = list(standing)
        for channel, wish in wanted:
            zone = zones.get((finding.address, finding.port, channel.key), zones["", 0, ""])
            name = unused_name(name_of(one, channel, wish), batch.names)
            row = self._camera(batch.facility, device, finding, channel, name, zone, enabled=wish.enabled, now=now)
            session.add(row)
            known = credentials[0] or self._of_siblings(batch, device)
            if known is not None:
                self._vault.enter(row, known.username, known.password, now)
            batch.names.add(name.casefold())
            batch.of_device.setdefault(device.id, []).append(row)
            for key in keys_of(batch.facility.reach, finding, channel):
                batch.known[key] = row
            cameras.append(AdoptedCamera(row, channel.key, created=True))
        await session.flush()
        await self._note_sign_in(session, batch.facility, device, credentials, now)
        return Adopted(device, created, cameras), left_out

    async def _device(
        self, session: AsyncSession, facility: Facility, finding: Found, now: datetime
    ) -> tuple[Device | None, bool]:
        """The device at this place, new or known; None when clearly another one is registered here."""
        protocol = Protocol.ONVIF if finding.protocol == "onvif" else Protocol.RTSP
        device = await repository.device_at(session, facility.id, protocol, finding.address, finding.port)
        created = device is None
        if device is None:
            device = Device(
                id=new_id(),
                facility_id=facility.id,
                protocol=protocol,
                host=finding.address,
                address=finding.address,
                port=finding.port,
                tls=finding.tls,
                created_at=now,
            )
            session.add(device)
            await session.flush()
        if not await interrogations.keep_facts(session, device, facts_of(finding), now):
            return None, False
        if protocol is Protocol.ONVIF:
            device.tls = finding.tls
            device.service_path = (finding.service_path or "")[:PATH_MAX] or device.service_path
        elif created and finding.tls:
            device.certificate = finding.certificate
        return device, created

    def _camera(
        self,
        facility: Facility,
        device: Device,
        finding: Found,
        channel: FoundChannel,
        name: str,
        zone: Zone,
        *,
        enabled: bool,
        now: datetime,
    ) -> Camera:
        camera = Camera(
            id=new_id(),
            facility_id=facility.id,
            device_id=device.id,
            name=name,
            zone=zone,
            profile=channel.key if device.protocol is Protocol.ONVIF else None,
            source_key=keys_of(facility.reach, finding, channel)[0],
            enabled=enabled,
            maintenance=False,
            watch_policy=None,
            sample_every_s=None,
            stream_choice=StreamChoice.AUTO,
            version=1,
            watch_version=1,
            streams=streams_of(channel),
            credential=None,
            created_at=now,
            updated_at=now,
        )
        camera.device, camera.facility = device, facility
        return camera

    def _of_siblings(self, batch: Batch, device: Device) -> Credentials | None:
        """Another channel's credentials, once those of the search are erased."""
        for camera in batch.of_device.get(device.id, ()):
            if camera.credential is not None:
                return self._vault.reveal(camera)
        return None

    async def _note_sign_in(
        self,
        session: AsyncSession,
        facility: Facility,
        device: Device,
        credentials: tuple[Credentials | None, bool],
        now: datetime,
    ) -> None:
        known, accepted = credentials
        if known is None:
            return
        if accepted:
            fingerprint = self._vault.fingerprint(device.id, known.username, known.password)
            await interrogations.remember_auth(session, device.id, fingerprint, AuthOutcome.ACCEPTED, now)
        else:
            await self._attempts.carry_over(
                session, facility.reach, device.address, device.id, known.username, known.password
            )


def _registered(batch: Batch, finding: Found, channel: FoundChannel) -> Camera | None:
    for key in keys_of(batch.facility.reach, finding, channel):
        if key in batch.known:
            return batch.known[key]
    silent = batch.known.get(silent_key(batch.facility.reach, finding))
    return silent if len(finding.channels) == 1 else None
