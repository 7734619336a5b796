"""What sessions share, with a double in every place."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from ipaddress import ip_network
from typing import TypeAlias

import numpy as np

from services.bus.port import Subscription
from services.contracts.camera import CameraReport, Credentials, Interrogation, OnvifSource, StreamFacts
from services.contracts.ladder import Reason
from services.contracts.messages import CameraHealthReported, Message
from services.contracts.networks import CameraNetworks
from services.ingest.auth_budget import AuthBudget
from services.ingest.media.results import MuxEvent, ProbeResult
from services.ingest.picture import LOOK_HEIGHT, LOOK_WIDTH, Look
from services.ingest.ports import CameraDirectory, OnvifGateway, StreamMedia
from services.ingest.reporter import Reporter
from services.ingest.rtsp.relay import Relay
from services.ingest.tools import SessionSettings, Tools
from services.runtime.clock import Clock, SystemClock
from tests.doubles.directory import WORKER

#: Judged as by default, but ten times as fast.
QUICK = SessionSettings(
    settle_up_s=0.2, settle_down_s=0.5, heartbeat_s=1.0, picture_every_s=0.3, frozen_after_s=25.0, keyless_max_s=0.6
)

Outcome: TypeAlias = ProbeResult | Exception
_noise = np.random.default_rng(7)


def a_picture(*, decode_errors: int = 0, snapshot: bytes | None = None) -> ProbeResult:
    """A look at a scene that lives."""
    luma = _noise.integers(80, 180, (LOOK_HEIGHT, LOOK_WIDTH), dtype=np.uint8)
    return ProbeResult(
        opened=True,
        packets=30,
        keyframe_decoded=True,
        frames_decoded=1,
        decode_errors=decode_errors,
        facts=StreamFacts(codec="h264", width=640, height=360),
        snapshot=snapshot,
        looks=(Look(SystemClock().monotonic(), luma),),
        reason=None,
        detail="",
    )


def no_picture(reason: Reason = Reason.UNDECODABLE) -> ProbeResult:
    """A look that decoded nothing."""
    return ProbeResult(
        opened=True,
        packets=30,
        keyframe_decoded=False,
        frames_decoded=0,
        decode_errors=30,
        facts=StreamFacts(codec="h264"),
        snapshot=None,
        looks=(),
        reason=reason,
        detail="scripted",
    )


class ScriptedMedia:
    """Satisfies ``ingest.ports.StreamMedia``: looks come out as the test says, and then well; nothing is opened."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        #: What all looks come to once ``outcomes`` is used up; None: a living picture.
        self.otherwise: Callable[[], Outcome] | None = None
        #: Whether each look was alone.
        self.looks: list[bool] = []

    async def probe(self, url: str, *, watch_s: float, deadline_s: float, alone: bool = False) -> ProbeResult:
        self.looks.append(alone)
        await asyncio.sleep(0.01)
        if self.outcomes:
            outcome = self.outcomes.pop(0)
        else:
            outcome = self.otherwise() if self.otherwise is not None else a_picture()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def mux(self, url: str) -> "AbstractAsyncContextManager[Iterator[MuxEvent]]":  # type: ignore[override]
        raise NotImplementedError("nobody looks live in these tests")


class RecordingBus:
    """Satisfies ``bus.port.Bus``: keeps what is published, or refuses it."""

    def __init__(self) -> None:
        self.messages: list[CameraHealthReported] = []
        #: What publishing raises, by facility or for all (None).
        self.refusing: Callable[[Message], Exception | None] = lambda _: None

    @property
    def reports(self) -> list[CameraReport]:
        return [report for message in self.messages for report in message.reports]

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ping(self) -> None: ...

    async def subscribe(self, subscription: Subscription) -> None: ...

    async def publish(self, message: Message) -> None:
        await asyncio.sleep(0)
        error = self.refusing(message)
        if error is not None:
            raise error
        assert isinstance(message, CameraHealthReported)
        self.messages.append(message)


class NoOnvif:
    """Satisfies ``ports.OnvifGateway`` where no camera has ONVIF."""

    async def interrogate(self, source: OnvifSource, credentials: Credentials | None) -> Interrogation:
        raise AssertionError("nobody has ONVIF here")


def some_tools(
    *,
    directory: CameraDirectory | None = None,
    onvif: OnvifGateway | None = None,
    relay: Relay | None = None,
    media: StreamMedia | None = None,
    networks: CameraNetworks | None = None,
    reporter: Reporter | None = None,
    settings: SessionSettings = QUICK,
    clock: Clock | None = None,
) -> Tools:
    """Tools of which the test makes those it looks at."""
    running = clock or SystemClock()
    return Tools(
        worker=WORKER,
        directory=directory or _of_one_camera(running),
        onvif=onvif or NoOnvif(),
        relay=relay or Relay(),
        media=media or ScriptedMedia(),
        networks=networks or CameraNetworks([ip_network("127.0.0.0/8")]),
        budget=AuthBudget(running),
        reporter=reporter or Reporter(WORKER.worker_id, RecordingBus()),
        connecting=asyncio.Semaphore(8),
        settings=settings,
        clock=running,
    )
