"""What all sessions of one worker share."""

import asyncio
from dataclasses import dataclass, field

from services.contracts.camera import WorkerIdentity
from services.contracts.networks import CameraNetworks
from services.ingest.auth_budget import AuthBudget
from services.ingest.connect_gate import ConnectGate
from services.ingest.device_events.hub import DeviceEvents
from services.ingest.ports import CameraDirectory, OnvifGateway, StreamMedia
from services.ingest.reporter import Reporter
from services.ingest.rtsp.reactor import Reactor
from services.ingest.rtsp.relay import Relay
from services.ingest.tls_slots import TlsSlots
from services.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """When a camera counts as up or down, and how often it is looked at. Seconds."""

    settle_up_s: float = 2.0
    settle_down_s: float = 5.0
    heartbeat_s: float = 10.0
    picture_every_s: float = 30.0
    snapshot_every_s: float = 60.0
    frozen_after_s: float = 25.0
    #: Frames without a key frame among them, from the beginning, until a stream counts as undecodable.
    keyless_max_s: float = 60.0


@dataclass(slots=True)
class LookStatistics:
    """Looks of all cameras of one worker."""

    taken: int = 0
    #: Put off, because media processes were busy: pictures give way before liveness does.
    shed: int = 0
    #: Ended with their media process.
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Tools:
    """The worker's hands."""

    worker: WorkerIdentity
    directory: CameraDirectory
    onvif: OnvifGateway
    reactor: Reactor
    relay: Relay
    media: StreamMedia
    networks: CameraNetworks
    budget: AuthBudget
    reporter: Reporter
    connecting: ConnectGate
    settings: SessionSettings
    clock: Clock
    looks: LookStatistics = field(default_factory=LookStatistics)
    tls_slots: TlsSlots = field(default_factory=lambda: TlsSlots(32))
    #: None: devices are not asked what they notice themselves.
    device_events: DeviceEvents | None = None
    #: Streams that are opened as a player would at the same time: each takes a thread for seconds.
    players: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(8))
