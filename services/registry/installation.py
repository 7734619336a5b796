"""Puts a camera into its rows: where its source is, which device gives it, its streams and credentials."""

import asyncio
import contextlib
from dataclasses import dataclass
from weakref import WeakValueDictionary

from services.contracts.camera import REFUSALS_MAX, Credentials, OnvifSource, StreamChoice, WatchPolicy
from services.contracts.ids import FacilityId, new_id
from services.contracts.zones import Zone
from services.registry import interrogations, repository
from services.registry.attempts import SearchAttempts
from services.registry.credentials import CredentialVault
from services.registry.errors import CameraAlreadyRegistered
from services.registry.identity import become
from services.registry.leases import onvif_source
from services.registry.locator import (
    Located,
    NewCredentials,
    NewOnvifSource,
    NewRtspSource,
    SourceLocator,
    Standing,
)
from services.registry.tables import Camera, Device, Facility, Protocol, Stream, StreamRole
from services.runtime.clock import Clock
from services.storage.database import AsyncSession, Transactions


@dataclass(frozen=True, slots=True)
class NewCamera:
    """A camera as an integrator describes it."""

    facility_id: FacilityId
    name: str
    zone: str
    source: NewRtspSource | NewOnvifSource
    credentials: NewCredentials | None = None
    enabled: bool = True
    maintenance: bool = False
    watch_policy: WatchPolicy | None = None
    sample_every_s: int | None = None
    stream_choice: StreamChoice = StreamChoice.AUTO


class Installer:
    """Locates sources and writes what they are, within the transactions of ``cameras.CameraRegistry``."""

    def __init__(
        self, transactions: Transactions, vault: CredentialVault, locator: SourceLocator, clock: Clock
    ) -> None:
        self._transactions = transactions
        self._vault = vault
        self._locator = locator
        self._clock = clock
        self._attempts = SearchAttempts(vault)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, source: NewRtspSource | NewOnvifSource) -> contextlib.AbstractAsyncContextManager[object]:
        """One registration at a time for each ONVIF device: a refusal is counted before the next one asks."""
        if isinstance(source, NewRtspSource):
            return contextlib.nullcontext()
        return self._turns.setdefault(f"{source.host}:{source.port}", asyncio.Lock())

    async def locate(
        self,
        facility_id: FacilityId,
        reach: str,
        source: NewRtspSource | NewOnvifSource,
        credentials: NewCredentials | None,
    ) -> Located:
        """Raises SourceInvalid, AddressRefused or ChannelRequired. Not within a transaction: it may take seconds."""

        async def standing(address: str, port: int) -> Standing:
            async with self._transactions.read() as session:
                device = await repository.device_at(session, facility_id, Protocol.ONVIF, address, port)
                source = OnvifSource(address=address, port=port) if device is None else onvif_source(device)
                return Standing(source, await self._may_sign_in(session, reach, address, device, credentials))

        return await self._locator.locate(source, reach, credentials, standing)

    async def _may_sign_in(
        self,
        session: AsyncSession,
        reach: str,
        address: str,
        device: Device | None,
        credentials: NewCredentials | None,
    ) -> bool:
        """Whether these credentials have an attempt left, of those that searches spent too."""
        if credentials is None:
            return True
        given = Credentials(username=credentials.username, password=credentials.password, version=1)
        if await self._attempts.spent(session, reach, address, given, REFUSALS_MAX):
            return False
        if device is None:
            return True
        fingerprint = self._vault.fingerprint(device.id, given.username, given.password)
        attempt = await repository.auth_attempt(session, device.id, fingerprint)
        return attempt is None or (attempt.refusals < REFUSALS_MAX and not attempt.locked_out)

    async def insert(
        self, session: AsyncSession, facility: Facility, new: NewCamera, zone: Zone, located: Located
    ) -> Camera:
        """Raises CameraAlreadyRegistered."""
        taken = await repository.camera_by_key(session, located.key(facility.reach))
        if taken is not None:
            raise CameraAlreadyRegistered(str(taken.id) if taken.facility_id == facility.id else None)
        now = self._clock.now()
        device = await self._device(session, facility.id, located)
        camera = Camera(
            id=new_id(),
            facility_id=facility.id,
            device_id=device.id,
            name=new.name,
            zone=zone,
            profile=located.profile,
            source_key=located.key(facility.reach),
            enabled=new.enabled,
            maintenance=new.maintenance,
            watch_policy=new.watch_policy,
            sample_every_s=new.sample_every_s,
            stream_choice=new.stream_choice,
            version=1,
            watch_version=1,
            streams=_streams(located),
            credential=None,
            created_at=now,
            updated_at=now,
        )
        camera.device = device
        session.add(camera)
        if new.credentials is not None:
            self._vault.enter(camera, new.credentials.username, new.credentials.password, now)
        await session.flush()
        await session.refresh(camera, ["facility"])
        if new.credentials is not None:
            await self._attempts.carry_over(
                session,
                facility.reach,
                device.address,
                device.id,
                new.credentials.username,
                new.credentials.password,
            )
        if located.auth is not None:
            fingerprint = camera.credential.fingerprint if camera.credential else ""
            await interrogations.remember_auth(session, device.id, fingerprint, located.auth, now)
        return camera

    async def _device(self, session: AsyncSession, facility_id: FacilityId, located: Located) -> Device:
        device = await repository.device_at(
            session, facility_id, located.protocol, located.address, located.endpoint.port
        )
        if device is None:
            device = Device(
                id=new_id(),
                facility_id=facility_id,
                protocol=located.protocol,
                host=located.endpoint.host,
                address=located.address,
                port=located.endpoint.port,
                tls=located.endpoint.tls,
                created_at=self._clock.now(),
            )
            session.add(device)
            await session.flush()
        elif located.protocol is Protocol.RTSP and device.tls != located.endpoint.tls:
            device.tls, device.certificate = located.endpoint.tls, None
            await repository.retell_cameras(session, device.id)
        if located.told is not None:
            await interrogations.keep_facts(session, device, located.told, self._clock.now())
        return device

    async def move(self, session: AsyncSession, camera: Camera, located: Located) -> None:
        """Another source for a camera, which keeps its id and its credentials."""
        old_device, credentials = camera.device_id, self._vault.reveal(camera)
        device = await self._device(session, camera.facility_id, located)
        if device.certificate is not None or device.conflict is not None:
            # Whoever saves an address anew vouches for what answers there now.
            device.certificate = None
            if device.conflict is not None:
                now = self._clock.now()
                become(device, located.told.device.evidence if located.told else None, now)
                if located.told is not None:
                    await interrogations.keep_facts(session, device, located.told, now)
            await repository.retell_cameras(session, device.id)
        camera.device_id, camera.device = device.id, device
        camera.profile = located.profile
        camera.source_key = located.key(camera.facility.reach)
        camera.watch_version += 1
        camera.streams.clear()
        await session.flush()
        camera.streams.extend(_streams(located))
        if credentials is not None:
            # The fingerprint names the device, so it is made anew.
            self._vault.enter(camera, credentials.username, credentials.password, self._clock.now())
        await session.flush()
        if old_device != device.id:
            await repository.delete_unused_device(session, old_device)


def _streams(located: Located) -> list[Stream]:
    if located.protocol is Protocol.RTSP:
        assert located.path is not None  # noqa: S101 - _locate gives every RTSP source a path
        return [Stream(role=StreamRole.MAIN, port=located.endpoint.port, path=located.path)]
    return []
