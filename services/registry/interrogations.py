"""What devices told, kept in their rows."""

from datetime import datetime
from uuid import UUID

from services.contracts.camera import AuthOutcome, Interrogation
from services.registry import repository
from services.registry.tables import AuthAttempt, Camera, Device, Stream, StreamRole
from services.storage.database import AsyncSession


def keep_facts(device: Device, told: Interrogation, now: datetime) -> None:
    """Note what a device says of itself. A member it leaves out keeps its earlier value."""
    facts = told.device
    device.maker = _short(facts.maker) or device.maker
    device.model = _short(facts.model) or device.model
    device.firmware = _short(facts.firmware) or device.firmware
    device.serial = _short(facts.serial) or device.serial
    device.auth_mode = facts.auth_mode or device.auth_mode
    device.clock_offset_s = facts.clock_offset_s if facts.clock_offset_s is not None else device.clock_offset_s
    device.channels = [channel.model_dump() for channel in told.channels]
    device.facts_at = now


async def keep_streams(session: AsyncSession, camera: Camera, told: Interrogation) -> None:
    """Replace the streams of an ONVIF camera by those the device named. An answer without streams changes nothing."""
    if not told.streams:
        return
    camera.streams.clear()
    await session.flush()
    camera.streams.extend(
        Stream(
            role=StreamRole(stream.role),
            port=stream.source.port,
            path=stream.source.path[:1024],
            profile=stream.profile[:200],
            original_uri=stream.original_uri[:2048],
            codec=stream.codec,
            width=stream.width,
            height=stream.height,
        )
        for stream in told.streams
    )


async def remember_auth(
    session: AsyncSession, device_id: UUID, fingerprint: str, outcome: AuthOutcome, now: datetime
) -> None:
    """Count what a device said to one set of credentials."""
    attempt = await repository.auth_attempt(session, device_id, fingerprint)
    if attempt is None:
        attempt = AuthAttempt(device_id=device_id, fingerprint=fingerprint, refusals=0, locked_out=False, at=now)
        session.add(attempt)
    attempt.at = now
    if outcome is AuthOutcome.ACCEPTED:
        attempt.refusals, attempt.locked_out = 0, False
    else:
        attempt.refusals += 1
        attempt.locked_out = outcome is AuthOutcome.LOCKED_OUT


def _short(text: str | None) -> str | None:
    """What a device says, printable and bounded: devices put anything here."""
    if text is None:
        return None
    printable = "".join(char for char in text if char.isprintable()).strip()
    return printable[:200] or None
