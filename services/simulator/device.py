"""A simulated camera or recorder: its two ports, its channels and what is wrong with it."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from services.simulator.account import Account
from services.simulator.channel import Channel, Role, Stream
from services.simulator.digest import DigestAlgorithm, DigestGuard, DigestPolicy
from services.simulator.faults import DEVICE_ONLY, Fault, FaultNotPossible, prevailing
from services.simulator.mount import Mount, variant_under
from services.simulator.onvif_server import AuthMode, OnvifServer
from services.simulator.onvif_view import DeviceView, Identity
from services.simulator.pictures import MAIN, SUB, Codec, StreamFormat, Variant, record, record_all
from services.simulator.quirks import Quirk
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
    A ``discoverable`` device answers WS-Discovery probes, while it is part of a site.
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
    quirks: frozenset[Quirk] = frozenset()
    discoverable: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a device is to be found."""

    host: str
    onvif_port: int
    rtsp_port: int


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
        self.state = DeviceState(Account(setup.username, setup.password), quirks=setup.quirks)
        self.channels: list[Channel] = []
        self.place = Place(setup.host, setup.onvif_port, setup.rtsp_port)
        self._plans = plans
        self._identity = Identity.of("site", name, self.model)
        self._endpoint_of_this_start = uuid.uuid4()
        self._servers: tuple[OnvifServer, RtspServer] | None = None
        self._switching = asyncio.Lock()

    @property
    def host(self) -> str:
        return self.place.host

    @property
    def onvif_port(self) -> int:
        return self.place.onvif_port

    @property
    def rtsp_port(self) -> int:
        return self.place.rtsp_port

    @property
    def identity(self) -> Identity:
        """What the device says it is."""
        return self._identity.under(self.state.quirks, self._endpoint_of_this_start)

    @property
    def answers_probes(self) -> bool:
        """Whether it answers WS-Discovery now."""
        return self.setup.discoverable and self._servers is not None and self._servers[0].listener.listening

    def view(self, local_host: str) -> DeviceView:
        """The device as it is seen at this address."""
        has_media2 = self.setup.has_media2
        return DeviceView(
            self.identity, self.state, self.channels, has_media2, local_host, self.onvif_port, self.rtsp_port
        )

    def recordings(self, variant: Variant) -> list[tuple[Codec, StreamFormat, Variant, Look]]:
        """What ``record_all`` has to prepare before this variant can be shown."""
        formats = (self.setup.main, self.setup.sub)
        return [(plan.codec, shown, variant, self._look(plan)) for plan in self._plans for shown in formats]

    async def start(self, site: str = "site") -> None:
        """Encode the pictures and open the ports. Raises PortTaken, and then leaves nothing open."""
        await record_all(self.recordings(Variant.MOVING))
        self.state.fault = Fault.NONE
        self.state.started_at = datetime.now(UTC)
        self._endpoint_of_this_start = uuid.uuid4()
        self._identity = Identity.of(site, self.name, self.model)
        self.channels = [self._build(plan) for plan in self._plans]
        await self._open()

    async def _open(self) -> None:
        """Open the ports at the present place. Raises PortTaken, and then leaves nothing open."""
        setup, state, place = self.setup, self.state, self.place
        guard = DigestGuard(DigestPolicy(self.name, setup.algorithms, setup.qop, setup.nonce_lifetime_s))
        mounts = {stream.mount.path: stream.mount for channel in self.channels for stream in channel.streams}
        rtsp_guard = None if setup.auth_mode is AuthMode.NONE else guard
        mode = setup.auth_mode
        onvif = OnvifServer(place.host, place.onvif_port, mode=mode, guard=guard, state=state, view=self.view)
        rtsp = RtspServer(place.host, place.rtsp_port, mounts, state, rtsp_guard, setup.limits)
        self._servers = onvif, rtsp
        try:
            await onvif.listener.start()
            await rtsp.listener.start()
        except OSError:
            await self.stop()
            raise
        self.place = Place(place.host, onvif.listener.port, rtsp.listener.port)
        await self._listen()

    async def stop(self) -> None:
        """Close the ports and cut all connections."""
        if self._servers is not None:
            servers, self._servers = self._servers, None
            for server in servers:
                await server.stop()

    async def move(self, place: Place) -> None:
        """Be found at another place from now on. Raises PortTaken; then the device is found nowhere."""
        async with self._switching:
            await self.stop()
            self.place = place
            await self._open()

    async def set_fault(self, fault: Fault) -> None:
        """Let the whole device suffer from a fault."""
        async with self._switching:
            await self._prepare(fault)
            self.state.fault, self.state.clock_set_by = fault, timedelta(0)
            for channel in self.channels:
                channel.switch(channel.fault, fault)
            await self._listen()

    async def set_quirks(self, quirks: frozenset[Quirk]) -> None:
        """Have these habits from now on, and no others."""
        async with self._switching:
            self.state.quirks = quirks
            await self._listen()

    async def _listen(self) -> None:
        """Hold open what fault and quirks leave open."""
        if self._servers is None:
            return
        on = self.state.fault is not Fault.OFF
        onvif, rtsp = self._servers
        for server, wanted in ((onvif, on and not self.state.has(Quirk.ONVIF_OFF)), (rtsp, on)):
            if not wanted:
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
    """One video source with the profiles ``main`` and ``sub``, by default at the paths ``/main`` and ``/sub``."""

    model = "SIM-CAM-100"

    def __init__(
        self,
        name: str,
        codec: Codec = Codec.H264,
        setup: DeviceSetup | None = None,
        *,
        paths: tuple[str, str] = ("/main", "/sub"),
    ) -> None:
        plan = ChannelPlan(name, "source-1", codec, "", {"main": paths[0], "sub": paths[1]})
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
