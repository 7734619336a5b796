"""A simulated camera or recorder: its two ports, its channels and what is wrong with it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from services.simulator.channel import Channel, Role, Stream
from services.simulator.digest import DigestAlgorithm, DigestGuard, DigestPolicy
from services.simulator.faults import DEVICE_ONLY, Fault, FaultNotPossible, prevailing
from services.simulator.mount import Mount, variant_under
from services.simulator.onvif_server import AuthMode, OnvifServer
from services.simulator.onvif_view import DeviceView, Identity
from services.simulator.pictures import MAIN, SUB, Codec, StreamFormat, Variant, record, record_all
from services.simulator.rtsp_server import RtspServer
from services.simulator.rtsp_session import RtspLimits
from services.simulator.scene import Look
from services.simulator.state import DeviceState

USERNAME = "operator"
PASSWORD = "gate-2021-Corridor"  # noqa: S105 - of a simulated device, printed for everybody to see


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSetup:
    """How a device is set up. Port 0 is any free one.

    ``label`` is written into the picture, by default the channel's name; devices with the same label share their encoded
    pictures, which makes hundreds of them affordable. With ``auth_mode`` none RTSP asks for no credentials either.
    """

    host: str = "127.0.0.1"
    onvif_port: int = 0
    rtsp_port: int = 0
    username: str = USERNAME
    password: str = field(default=PASSWORD, repr=False)
    auth_mode: AuthMode = AuthMode.DIGEST
    algorithms: tuple[DigestAlgorithm, ...] = (DigestAlgorithm.MD5,)
    qop: bool = True
    nonce_lifetime_s: float = 300.0
    has_media2: bool = True
    limits: RtspLimits = field(default_factory=RtspLimits)
    main: StreamFormat = MAIN
    sub: StreamFormat = SUB
    label: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelPlan:
    """One channel to be built: its names and the paths of its streams."""

    name: str
    source_token: str
    codec: Codec
    profile_prefix: str
    paths: dict[Role, str]


class SimulatedDevice:
    """One ONVIF and one RTSP port. ``start`` before use; ports are known from then on, and stay over ``stop``."""

    model = "SIM-100"

    def __init__(self, name: str, plans: Sequence[ChannelPlan], setup: DeviceSetup) -> None:
        self.name = name
        self.setup = setup
        self.state = DeviceState(setup.username, setup.password)
        self.channels: list[Channel] = []
        self._plans = plans
        self._servers: tuple[OnvifServer, RtspServer] | None = None
        self._ports = setup.onvif_port, setup.rtsp_port
        self._switching = asyncio.Lock()

    @property
    def onvif_port(self) -> int:
        return self._ports[0]

    @property
    def rtsp_port(self) -> int:
        return self._ports[1]

    def recordings(self, variant: Variant) -> list[tuple[Codec, StreamFormat, Variant, Look]]:
        """What ``record_all`` has to prepare before this variant can be shown."""
        formats = (self.setup.main, self.setup.sub)
        return [(plan.codec, shown, variant, self._look(plan)) for plan in self._plans for shown in formats]

    async def start(self, site: str = "site") -> None:
        """Encode the pictures and open the ports. Raises PortTaken, and then leaves nothing open."""
        await record_all(self.recordings(Variant.MOVING))
        setup, state = self.setup, self.state
        state.fault = Fault.NONE
        self.channels = [self._build(plan) for plan in self._plans]
        identity = Identity.of(site, self.name, self.model)
        guard = DigestGuard(DigestPolicy(self.name, setup.algorithms, setup.qop, setup.nonce_lifetime_s))

        def view(local_host: str) -> DeviceView:
            return DeviceView(
                identity, state, self.channels, setup.has_media2, local_host, self.onvif_port, self.rtsp_port
            )

        mounts = {stream.mount.path: stream.mount for channel in self.channels for stream in channel.streams}
        rtsp_guard = None if setup.auth_mode is AuthMode.NONE else guard
        onvif = OnvifServer(setup.host, self.onvif_port, mode=setup.auth_mode, guard=guard, state=state, view=view)
        rtsp = RtspServer(setup.host, self.rtsp_port, mounts, state, rtsp_guard, setup.limits)
        self._servers = onvif, rtsp
        try:
            await onvif.listener.start()
            await rtsp.listener.start()
        except OSError:
            await self.stop()
            raise
        self._ports = onvif.listener.port, rtsp.listener.port

    async def stop(self) -> None:
        """Close the ports and cut all connections."""
        if self._servers is not None:
            for server in self._servers:
                await server.listener.stop()
            self._servers = None

    async def set_fault(self, fault: Fault) -> None:
        """Let the whole device suffer from a fault."""
        async with self._switching:
            await self._prepare(fault)
            self.state.fault = fault
            for channel in self.channels:
                channel.switch(channel.fault, fault)
            for server in self._servers or ():
                if fault is Fault.OFF:
                    await server.listener.pause()
                elif not server.listener.listening:
                    await server.listener.start()

    async def set_channel_fault(self, channel: Channel, fault: Fault) -> None:
        """Let a single channel suffer from a fault. Raises FaultNotPossible."""
        if fault in DEVICE_ONLY:
            raise FaultNotPossible(f"{fault} can only happen to the whole recorder {self.name}")
        async with self._switching:
            await self._prepare(fault)
            channel.switch(fault, self.state.fault)

    async def _prepare(self, fault: Fault) -> None:
        """Encode what the fault shows, for all channels: a channel's own fault may show again, too."""
        faults = {fault, *(channel.fault for channel in self.channels)}
        variants = {variant_under(prevailing(fault, own)) for own in faults}
        await record_all([wish for variant in variants for wish in self.recordings(variant)])

    def _build(self, plan: ChannelPlan) -> Channel:
        look = self._look(plan)
        streams = []
        formats: dict[Role, StreamFormat] = {"main": self.setup.main, "sub": self.setup.sub}
        for role, shown in formats.items():
            loop_of = partial(record, plan.codec, shown, look=look)
            mount = Mount(plan.paths[role], f"{plan.name} {role}", loop_of, self.state.now)
            streams.append(Stream(role, f"{plan.profile_prefix}{role}", mount))
        return Channel(plan.name, plan.source_token, plan.codec, tuple(streams))

    def _look(self, plan: ChannelPlan) -> Look:
        return Look.named(self.setup.label or plan.name)


class SimulatedCamera(SimulatedDevice):
    """One video source with the profiles ``main`` and ``sub``, at the paths ``/main`` and ``/sub``."""

    model = "SIM-CAM-100"

    def __init__(self, name: str, codec: Codec = Codec.H264, setup: DeviceSetup | None = None) -> None:
        plan = ChannelPlan(name, "source-1", codec, "", {"main": "/main", "sub": "/sub"})
        super().__init__(name, [plan], setup or DeviceSetup())


class SimulatedRecorder(SimulatedDevice):
    """One video source for each codec given.

    Channel ``n`` is named ``<recorder>-<n>``, its profiles ``channel-<n>-main`` and ``channel-<n>-sub``. The paths carry
    a query, as those of a well-known family of recorders do.
    """

    model = "SIM-NVR-400"

    def __init__(self, name: str, codecs: Sequence[Codec], setup: DeviceSetup | None = None) -> None:
        plans = [
            ChannelPlan(
                f"{name}-{number}",
                f"source-{number}",
                codec,
                f"channel-{number}-",
                {
                    "main": f"/stream?channel={number}&subtype=0",
                    "sub": f"/stream?channel={number}&subtype=1",
                },
            )
            for number, codec in enumerate(codecs, start=1)
        ]
        super().__init__(name, plans, setup or DeviceSetup())
