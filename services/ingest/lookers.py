"""Two ways to look at the picture of a running stream: at key frames of the watch's own packets, or as a player."""

import asyncio
from typing import Protocol

from services.contracts.camera import StreamFacts
from services.contracts.ladder import Reason, Rung
from services.ingest.faults import CameraFault
from services.ingest.liveness import Liveness
from services.ingest.media.results import ProbeResult
from services.ingest.ports import StreamMedia
from services.ingest.rtsp.relay import Relay
from services.ingest.rtsp.upstream import Upstream
from services.runtime.clock import Clock

#: Units after a first key frame that are decoded with it: to H.265 one in eighty slices of noise is a picture.
FOLLOWING = 8
_DECODE_DEADLINE_S = 15.0
_PLAY_DEADLINE_S = 20.0
_KEY_POLL_S = 0.1


_NOT_ONE_WHOLE = ProbeResult(
    opened=True,
    packets=0,
    keyframe_decoded=False,
    frames_decoded=0,
    decode_errors=1,
    facts=StreamFacts(),
    snapshot=None,
    looks=(),
    reason=Reason.UNDECODABLE,
    detail="key frames come, and not one is whole",
)


class Looker(Protocol):
    """Looks once. Raises CameraFault, MediaHostBusy or MediaHostLost."""

    async def look(self, *, first: bool, keys: int, snapshot: bool, alone: bool) -> ProbeResult:
        """Wait for a key frame that was not looked at yet, and look at it; ``keys``: at so many in a row."""


class Keyless:
    """How long frames may come without a key frame, until one was decoded."""

    def __init__(self, liveness: Liveness, max_s: float, clock: Clock) -> None:
        self._liveness = liveness
        self._max_s = max_s
        self._clock = clock
        self._since = clock.monotonic()

    @property
    def patience_s(self) -> float:
        """How often to ask."""
        return self._max_s / 10

    def begin(self) -> None:
        """A key frame is waited for from now on."""
        self._since = self._clock.monotonic()

    def check(self) -> None:
        """Raises CameraFault when it was too long."""
        now = self._clock.monotonic()
        if not self._liveness.is_fresh(now):
            self._since = now
        elif not self._liveness.decoded and now - self._since >= self._max_s:
            raise CameraFault(Reason.UNDECODABLE, Rung.PLAYING, "frames come, but no key frame to begin with")


class KeyFrameLooker:
    """Key frames are put together from what is read anyway, and decoded: nothing is opened, no thread waits."""

    def __init__(self, upstream: Upstream, media: StreamMedia, keyless: Keyless) -> None:
        self._upstream = upstream
        self._media = media
        self._keyless = keyless

    async def look(self, *, first: bool, keys: int, snapshot: bool, alone: bool) -> ProbeResult:
        gathering = self._upstream.gather(keys=keys, following=FOLLOWING if first else 0)
        self._keyless.begin()
        try:
            while not (await asyncio.wait([gathering], timeout=self._keyless.patience_s))[0]:
                self._keyless.check()
        finally:
            self._upstream.stop_gathering()
        gathered = gathering.result()
        if not gathered.units:
            return _NOT_ONE_WHOLE
        return await self._media.decode(gathered, deadline_s=_DECODE_DEADLINE_S, snapshot=snapshot, alone=alone)


class PlayerLooker:
    """PyAV opens the stream through the relay, as a player does: proves that players can, and reads any codec."""

    def __init__(self, upstream: Upstream, url: str, media: StreamMedia, relay: Relay, keyless: Keyless) -> None:
        self._upstream = upstream
        self._url = url
        self._media = media
        self._relay = relay
        self._keyless = keyless
        self._looked_at = 0  # how many key frames had come before the one that is held for the next look

    async def look(self, *, first: bool, keys: int, snapshot: bool, alone: bool) -> ProbeResult:  # noqa: ARG002 - it always takes one
        await self._hold_key_frame()
        # Media measured after the first key frame: long enough for the key frames that are wanted.
        watch_s = 2.0 if first else (keys - 1) * 8.0
        try:
            return await self._media.probe(self._url, watch_s=watch_s, deadline_s=_PLAY_DEADLINE_S, alone=alone)
        finally:
            # Where nothing decodes, a thread may wait inside FFmpeg for what never comes: it would take its process along.
            self._relay.cut(self._url)
            self._upstream.hold_gop = False  # the next look is at another key frame

    async def _hold_key_frame(self) -> None:
        """Wait until a key frame is held that was not looked at yet, so that a look begins at once.

        PyAV would give up a stream on which nothing comes for five seconds, and some cameras send a key frame a minute.
        While it is waited for, no thread is taken.
        """
        upstream = self._upstream
        if not upstream.hold_gop:
            self._looked_at = upstream.counters.key_frames
            upstream.hold_gop = True
        self._keyless.begin()
        while upstream.counters.key_frames <= self._looked_at:
            self._keyless.check()
            await asyncio.sleep(_KEY_POLL_S)
