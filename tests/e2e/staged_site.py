"""A site as integrators find them: 20 cameras at 13 addresses, some of which are not as they say they are.

It lives in a network namespace of its own. Every trouble is one that somebody reported: docs/devices.md.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.simulator.control import ControlServer
from services.simulator.device import DeviceSetup, SimulatedCamera, SimulatedDevice, SimulatedRecorder
from services.simulator.digest import DigestAlgorithm
from services.simulator.faults import Fault
from services.simulator.onvif_server import AuthMode
from services.simulator.pictures import Codec, StreamFormat
from services.simulator.quirks import Quirk
from services.simulator.scene import PictureSize
from services.simulator.site import SimulatedSite
from tests.harness.namespace import Namespace

NETWORK = "10.77.0.0/24"
LOGIN = ("integrator", "p@ss: cổng/1?")
RECORDER_CHANNELS = 8
CAMERAS = 12
#: Cameras that our account does not open, and what has to be said of them.
CLOSED = {"lab": "auth_locked_out", "store": "auth_failed"}

_MAIN = StreamFormat(PictureSize(320, 180), fps=15, kbps=200)
_SUB = StreamFormat(PictureSize(160, 96), fps=15, kbps=60)


def host(number: int) -> str:
    """An address of the site."""
    return f"10.77.0.{number}"


def _setup(number: int, *quirks: Quirk, **options: Any) -> DeviceSetup:
    given: dict[str, Any] = {
        "host": host(number),
        "onvif_port": 80,
        "rtsp_port": 554,
        "username": LOGIN[0],
        "password": LOGIN[1],
        "quirks": frozenset(quirks),
        "discoverable": True,
        "label": "staged",
    }
    return DeviceSetup(main=_MAIN, sub=_SUB, **given | options)


def devices() -> list[SimulatedDevice]:
    """The devices in the order of their addresses."""
    wsse: dict[str, Any] = {"auth_mode": AuthMode.WSSE}
    both: dict[str, Any] = {"algorithms": (DigestAlgorithm.SHA256, DigestAlgorithm.MD5)}
    hikvision = "/Streaming/Channels/101", "/Streaming/Channels/102"
    return [
        SimulatedRecorder("recorder", [Codec.H264, Codec.H265] * (RECORDER_CHANNELS // 2), _setup(10)),
        SimulatedCamera("gate", Codec.H264, _setup(21)),
        SimulatedCamera("yard", Codec.H264, _setup(22, **wsse)),
        # Behind rewritten addresses: services and streams are named at a host that nobody reaches.
        SimulatedCamera("corridor-1", Codec.H264, _setup(23, Quirk.STREAM_CREDENTIALS)),
        SimulatedCamera("corridor-2", Codec.H264, _setup(24, **wsse)),
        # An hour behind, and checks how old tokens are.
        SimulatedCamera("reception", Codec.H264, _setup(25, **wsse)),
        SimulatedCamera("lab", Codec.H264, _setup(26, Quirk.LOCKOUT, **wsse)),
        SimulatedCamera("sampling", Codec.H265, _setup(27, Quirk.H265_IN_MEDIA2_ONLY)),
        SimulatedCamera("goods", Codec.H264, _setup(28, Quirk.ONVIF_OFF, discoverable=False), paths=hikvision),
        SimulatedCamera("store", Codec.H264, _setup(29, Quirk.LOCKOUT, password="nobody knows it")),
        SimulatedCamera("floor-2", Codec.H264, _setup(30, **both)),
        # Silent when it is asked who is there: found by looking at its ports.
        SimulatedCamera("floor-3", Codec.H264, _setup(31, Quirk.METADATA_PROFILE, discoverable=False, **wsse)),
        SimulatedCamera("outside", Codec.H264, _setup(32, Quirk.BARE_MATCH, Quirk.SEVERAL_XADDRS)),
    ]


@dataclass
class StagedSite:
    """The running site. ``control_url`` answers in its namespace."""

    site: SimulatedSite
    control_url: str
    namespace: Namespace

    def refusals(self) -> dict[str, int]:
        """How often each device was asked with credentials that it did not accept."""
        return {device.name: device.state.refusals for device in self.site.devices}

    async def vonggac(
        self, *arguments: str, environment: dict[str, str], within_s: float = 90.0
    ) -> tuple[int, str, str]:
        """Run a command in the namespace to its end: exit status, output, messages."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services", *arguments),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(within_s):
                out, messages = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, out.decode(), messages.decode()


@asynccontextmanager
async def staged_site() -> AsyncIterator[StagedSite]:
    """Build the namespace, start the site in it, and be in it until the end. Needs root."""
    with Namespace() as namespace:
        namespace.add_local_network(NETWORK)
        with namespace.entered():
            async with SimulatedSite(devices(), "staged") as site:
                for name in ("corridor-1", "corridor-2"):
                    await site.set_fault(name, Fault.ADDRESS_WRONG)
                await site.set_fault("reception", Fault.CLOCK_WRONG)
                site.find("lab").state.account.lock()
                control = ControlServer(site, 0)
                await control.listener.start()
                try:
                    yield StagedSite(site, control.url, namespace)
                finally:
                    await control.listener.stop()


def password_file(directory: Path) -> Path:
    """A file of the account's password."""
    file = directory / "password"
    file.write_text(f"{LOGIN[1]}\n", encoding="utf-8")
    return file
