"""A simulated site: several cameras and recorders that start and stop together."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from services.simulator.channel import Channel
from services.simulator.device import Place, SimulatedDevice, SimulatedRecorder
from services.simulator.discovery_responder import DiscoveryResponder
from services.simulator.faults import Fault
from services.simulator.onvif_view import DEVICE_PATH
from services.simulator.pictures import Variant, record_all
from services.simulator.quirks import Quirk


class UnknownName(LookupError):
    """No device or channel of the site has this name."""


class SimulatedSite:
    """Devices by name. An async context manager: on entry everything runs, on exit nothing does."""

    def __init__(self, devices: Sequence[SimulatedDevice], name: str = "site") -> None:
        names = [device.name for device in devices]
        if len(set(names)) != len(names):
            raise ValueError("two devices of a site have the same name")
        self.name = name
        self.devices = list(devices)
        self._responder = DiscoveryResponder(self._discoverable)

    async def start(self) -> None:
        """Start all devices; when one fails, none is left running. Raises PortTaken."""
        await record_all([wish for device in self.devices for wish in device.recordings(Variant.MOVING)])
        try:
            for device in self.devices:
                await device.start(self.name)
        except OSError:
            await self.stop()
            raise
        self._responder.update()

    async def stop(self) -> None:
        """Stop all devices."""
        self._responder.close()
        await asyncio.gather(*(device.stop() for device in self.devices))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def set_fault(self, name: str, fault: Fault) -> None:
        """Switch the fault of a device or of one channel of a recorder. Raises UnknownName, FaultNotPossible."""
        for device in self.devices:
            if device.name == name:
                await device.set_fault(fault)
                return
            for channel in device.channels:
                if channel.name == name:
                    await device.set_channel_fault(channel, fault)
                    return
        raise UnknownName(f"nothing here is named {name}")

    async def set_quirks(self, name: str, quirks: frozenset[Quirk]) -> None:
        """Give a device these quirks and no others. Raises UnknownName."""
        await self.find(name).set_quirks(quirks)

    async def move(self, name: str, host: str) -> None:
        """Let a device be found at another address, at its ports, as after DHCP gave it one. Raises UnknownName, PortTaken."""
        device = self.find(name)
        try:
            await device.move(Place(host, device.onvif_port, device.rtsp_port))
        finally:
            self._responder.update()

    async def swap(self, name: str, other: str) -> None:
        """Let two devices be found each where the other was. Raises UnknownName, PortTaken."""
        one, two = self.find(name), self.find(other)
        first, second = one.place, two.place
        try:
            await one.stop()
            await two.move(first)
            await one.move(second)
        finally:
            self._responder.update()

    def find(self, name: str) -> SimulatedDevice:
        """The device of this name. Raises UnknownName."""
        for device in self.devices:
            if device.name == name:
                return device
        raise UnknownName(f"no device here is named {name}")

    def _discoverable(self) -> list[SimulatedDevice]:
        return [device for device in self.devices if device.setup.discoverable]

    def describe(self) -> dict[str, Any]:
        """Everything that is needed to register the site, and how each part of it fares. Contains the passwords."""
        return {
            "name": self.name,
            "devices": [_device(device) for device in self.devices],
            "cameras": [_camera(device, channel) for device in self.devices for channel in device.channels],
        }


def _device(device: SimulatedDevice) -> dict[str, Any]:
    return {
        "name": device.name,
        "kind": "recorder" if isinstance(device, SimulatedRecorder) else "camera",
        "onvif": {"host": device.host, "port": device.onvif_port, "path": DEVICE_PATH},
        "rtsp": {"host": device.host, "port": device.rtsp_port},
        "auth_mode": device.setup.auth_mode.value,
        "username": device.setup.username,
        "password": device.setup.password,
        "fault": device.state.fault.value,
        "quirks": sorted(device.state.quirks),
        "attempts": device.state.account.attempts,
        "refusals": device.state.refusals,
        "locked": device.state.account.locked_s > 0,
        "discoverable": device.setup.discoverable,
        "serial": device.identity.serial,
        "mac": device.identity.mac,
        "endpoint": device.identity.endpoint.urn,
        "channels": [channel.name for channel in device.channels],
    }


def _camera(device: SimulatedDevice, channel: Channel) -> dict[str, Any]:
    about = _device(device)
    host = device.host
    authority = f"{f'[{host}]' if ':' in host else host}:{device.rtsp_port}"
    streams = {}
    for stream in channel.streams:
        shown = stream.mount.loop.format
        streams[stream.role] = {
            "path": stream.mount.path,
            "url": f"rtsp://{authority}{stream.mount.path}",
            "profile": stream.profile,
            "width": shown.size.width,
            "height": shown.size.height,
            "fps": shown.fps,
        }
    return {
        "name": channel.name,
        "device": device.name,
        "codec": channel.codec.value,
        **{key: about[key] for key in ("kind", "onvif", "rtsp", "auth_mode", "username", "password")},
        "streams": streams,
        "fault": channel.fault.value if about["kind"] == "recorder" else about["fault"],
        "viewers": channel.viewers,
    }
