"""What devices told, kept in their rows, and what of it is another thing than before."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from services.contracts.camera import AuthOutcome, DeviceFacts, DeviceStream, Evidence, Interrogation
from services.contracts.identity import Likeness, weigh
from services.registry import identity, repository
from services.registry.discovery_tables import DeviceChange
from services.registry.readable import readable
from services.registry.tables import AuthAttempt, Camera, Device, Stream, StreamRole
from services.storage.database import AsyncSession


async def keep_facts(session: AsyncSession, device: Device, told: Interrogation, now: datetime) -> bool:
    """Note what a device says of itself. A member it leaves out keeps its earlier value.

    False when it is not the known device, or not clearly: nothing is kept then but the conflict, for a human.
    """
    facts = told.device
    if not keep_identity(device, facts.evidence, now):
        return False
    firmware = readable(facts.firmware)
    await note_change(session, device.id, None, "firmware", device.firmware, firmware, now)
    device.firmware = firmware or device.firmware
    device.auth_mode = facts.auth_mode or device.auth_mode
    device.clock_offset_s = facts.clock_offset_s if facts.clock_offset_s is not None else device.clock_offset_s
    device.name = readable(facts.name) or device.name
    device.services = _services(facts) or device.services
    device.service_certificate = device.service_certificate or facts.certificate
    device.channels = [channel.model_dump(mode="json") for channel in told.channels]
    device.facts_at = now
    return True


def keep_identity(device: Device, seen: Evidence, now: datetime) -> bool:
    """Learn who a device is, or note that it is another one."""
    comparison = weigh(identity.evidence_of(device), seen)
    if comparison.differ and comparison.likeness is not Likeness.SAME:
        identity.contradict(device, seen, comparison, now)
        return False
    identity.learn(device, seen, now)
    return True


async def keep_streams(session: AsyncSession, camera: Camera, told: Interrogation, now: datetime) -> None:
    """Replace the streams of an ONVIF camera by those the device named. An answer without streams changes nothing."""
    if not told.streams:
        return
    changed = False
    for field, was, is_now in stream_changes(camera.streams, told.streams):
        changed |= await note_change(session, camera.device_id, camera.id, field, was, is_now, now)
    if changed:
        camera.watch_version += 1
    camera.streams.clear()
    await session.flush()
    camera.streams.extend(
        Stream(
            role=StreamRole(stream.role),
            port=stream.source.port,
            path=stream.source.path[:1024],
            profile=stream.profile[:200],
            original_uri=stream.original_uri[:2048],
            codec=_codec(stream.codec),
            width=stream.width,
            height=stream.height,
        )
        for stream in told.streams
    )


def stream_changes(before: Sequence[Stream], after: Sequence[DeviceStream]) -> list[tuple[str, str | None, str | None]]:
    """Field, earlier and present value of every setting known both times, changed or not. Pure."""
    earlier = {str(stream.role): stream for stream in before}
    settings = []
    for stream in after:
        was = earlier.get(stream.role)
        if was is not None:
            settings += [
                (f"{stream.role}.codec", _codec(was.codec), _codec(stream.codec)),
                (f"{stream.role}.size", _size(was.width, was.height), _size(stream.width, stream.height)),
                (f"{stream.role}.profile", was.profile, stream.profile[:200]),
            ]
    return settings


async def note_change(
    session: AsyncSession,
    device_id: UUID,
    camera_id: UUID | None,
    field: str,
    was: str | None,
    is_now: str | None,
    now: datetime,
) -> bool:
    """Keep that something became another thing; True if there is something new to tell.

    One that nobody has acknowledged yet goes on with the present value, and is gone when all is as it was: a device
    that changes its mind at every question fills no table. Values not known both times are no change.
    """
    if was is None or is_now is None or was == is_now:
        return False
    query = select(DeviceChange).where(
        DeviceChange.device_id == device_id,
        DeviceChange.camera_id == camera_id if camera_id is not None else DeviceChange.camera_id.is_(None),
        DeviceChange.field == field,
        DeviceChange.acknowledged_at.is_(None),
    )
    pending = (await session.scalars(query.order_by(DeviceChange.id.desc()).limit(1))).first()
    if pending is None:
        session.add(
            DeviceChange(device_id=device_id, camera_id=camera_id, at=now, field=field, was=was[:500], now=is_now[:500])
        )
        return True
    pending.now, pending.at = is_now[:500], now
    if pending.now == pending.was:
        await session.delete(pending)
    return True


async def changed_cameras(session: AsyncSession, cameras: Collection[UUID]) -> frozenset[UUID]:
    """Those of these cameras whose settings were changed on site, which nobody has acknowledged yet."""
    query = select(DeviceChange.camera_id).where(
        DeviceChange.camera_id.in_(cameras), DeviceChange.acknowledged_at.is_(None)
    )
    return frozenset(found for found in await session.scalars(query) if found is not None)


async def remember_auth(
    session: AsyncSession, device_id: UUID, fingerprint: str, outcome: AuthOutcome, now: datetime, *, times: int = 1
) -> None:
    """Count what a device said to one set of credentials, ``times`` times."""
    attempt = await repository.auth_attempt(session, device_id, fingerprint)
    if attempt is None:
        attempt = AuthAttempt(device_id=device_id, fingerprint=fingerprint, refusals=0, locked_out=False, at=now)
        session.add(attempt)
    attempt.at = now
    if outcome is AuthOutcome.ACCEPTED:
        attempt.refusals, attempt.locked_out = 0, False
    else:
        attempt.refusals += times
        attempt.locked_out = outcome is AuthOutcome.LOCKED_OUT


def _services(facts: DeviceFacts) -> list[str] | None:
    return [service for text in facts.services[:64] if (service := readable(text)) is not None] or None


def _codec(name: str | None) -> str | None:
    return name.lower()[:16] if name else None


def _size(width: int | None, height: int | None) -> str | None:
    return f"{width}x{height}" if width and height else None
