"""What the tests of device events listen with."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network
from uuid import UUID, uuid4

from services.contracts.camera import AuthOutcome, Credentials, OnvifSource
from services.contracts.networks import CameraNetworks
from services.ingest.device_events.exchange import AuthMode
from services.ingest.device_events.hub import DeviceEvents, Listener
from services.ingest.device_events.topics import Hint
from services.runtime.clock import SystemClock
from tests.doubles.onvif_events import EventDevice

NETWORKS = CameraNetworks([ip_network("127.0.0.0/8")])


def shortest(least: float, most: float) -> float:
    """Dice that make the pauses after a failure a hundred times shorter."""
    return least / 100


class Ear:
    """Hears the hints for one camera."""

    def __init__(self) -> None:
        self.hints: list[Hint] = []
        self.refusals: list[AuthOutcome] = []

    def listener(
        self,
        device: EventDevice,
        *,
        credentials: Credentials | None = None,
        auth_mode: AuthMode = "none",
        clock_offset_s: float = 0.0,
        tokens: tuple[str, ...] = ("source0",),
        alone: bool = False,
        device_id: UUID | None = None,
        **members: object,
    ) -> Listener:
        source = OnvifSource(address=device.address, port=device.port)
        return Listener(
            device_id=device_id or uuid4(),
            source=source.model_copy(update=members),
            credentials=credentials,
            auth_mode=auth_mode,
            clock_offset_s=clock_offset_s,
            tokens=frozenset(tokens),
            alone=alone,
            on_hint=self.hints.append,
            on_refused=self.refusals.append,
        )


@contextlib.asynccontextmanager
async def events() -> AsyncIterator[DeviceEvents]:
    """The events of a worker, ended at the end."""
    hub = DeviceEvents(SystemClock(), NETWORKS, uniform=shortest, spread_s=0.0)
    try:
        yield hub
    finally:
        await hub.close()


async def until(condition: Callable[[], bool], within_s: float = 4.0) -> None:
    """Wait for something to be so."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)


def account(password: str = "right", version: int = 1) -> Credentials:
    return Credentials(username="admin", password=password, version=version)
