"""The picture of one running stream: looked at every half minute, sooner on suspicion, and judged."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Protocol

from services.contracts.camera import Snapshot, StreamFacts
from services.contracts.ladder import Reason, Rung
from services.ingest.device_events.camera import worth_a_look
from services.ingest.device_events.topics import Kind
from services.ingest.faults import CameraFault
from services.ingest.liveness import Liveness
from services.ingest.lookers import KeyFrameLooker, Keyless, Looker, PlayerLooker
from services.ingest.media.results import MediaHostBusy, MediaHostLost, ProbeResult
from services.ingest.picture import History, judge, seen_before, stands_still, undecided
from services.ingest.rtsp.upstream import Upstream
from services.ingest.tools import Tools
from services.runtime.bell import Bell

#: Looks in a row at running frames that decoded nothing, until the stream counts as undecodable.
_UNDECODED_MAX = 2
#: A picture that looks as before, or doubtful, is looked at again so soon.
_SUSPICION_S = 5.0
#: Key frames further apart than that are seen one by one: so many must show the same picture.
_KEYS_APART_MAX_S = 20.0
_LONE_LOOKS_MIN = 5
#: So long after the first look the stream is opened as a player would, once, when there is time for it.
_PLAYER_AFTER_S = 5.0


class PictureEvents(Protocol):
    """Who is told. Implementation: ``session.CameraSession``."""

    def on_picture(self, reasons: tuple[Reason, ...]) -> None:
        """The picture was judged."""

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """A key frame was decoded to a picture."""


class PictureWatch:
    """Looks at one stream until cancelled, or until it raises the CameraFault that a look showed."""

    def __init__(
        self,
        upstream: Upstream,
        url: str,
        history: History,
        liveness: Liveness,
        events: PictureEvents,
        tools: Tools,
        keyframe_interval_s: Callable[[], float | None],
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """``url`` is that of the relay. ``keyframe_interval_s`` tells how far apart key frames are, if known."""
        self._upstream = upstream
        self._liveness = liveness
        self._events = events
        self._tools = tools
        self._keyframe_interval_s = keyframe_interval_s
        self._uniform = uniform
        keyless = Keyless(liveness, tools.settings.keyless_max_s, tools.clock)
        self._player = PlayerLooker(upstream, url, tools.media, tools.relay, keyless)
        self._key_frames = KeyFrameLooker(upstream, tools.media, keyless)
        self._look_now = Bell()
        self._player_due_at: float | None = None
        self._died = False  # a process, at the last look: it may have been this stream
        self._undecoded = 0  # looks in a row
        self._doubtful = False  # the picture looks as it did before, or wrong but not for long enough
        self._snapshot_at = self._looked_at = float("-inf")
        #: What decoding told of the stream.
        self.facts = StreamFacts()
        #: Looks so far; outlives this watch, since a frozen picture may survive a reconnect.
        self.history = history

    def look_now(self) -> None:
        """Something happened that the next look should not wait for."""
        self._look_now.set()

    def hint(self, kind: Kind) -> None:
        """The device noticed something itself."""
        if worth_a_look(
            kind,
            doubtful=self._doubtful,
            looked_s_ago=self._tools.clock.monotonic() - self._looked_at,
            picture_every_s=self._tools.settings.picture_every_s,
        ):
            self._look_now.set()

    async def run(self) -> None:
        """Never returns. Raises CameraFault."""
        while True:
            self._look_now.clear()
            await self._pause(await self._look_once())

    async def _look_once(self) -> float:
        """Look and judge; returns the seconds until the next look.

        Nothing of the look is kept but its history: a picture of 20 KB, held until the next one, would be most of what a
        camera costs in memory.
        """
        statistics = self._tools.looks
        self._looked_at = self._tools.clock.monotonic()
        try:
            result = await self._look()
        except MediaHostBusy:
            statistics.shed += 1
            return self._tools.settings.picture_every_s if self._liveness.decoded else self._soon()
        except MediaHostLost as error:
            statistics.lost += 1
            if self._died:
                raise CameraFault(Reason.UNDECODABLE, Rung.PLAYING, "the decoder died of it, alone") from error
            # It may have been another stream of that process: look again where it can only harm itself.
            self._died = True
            return self._soon()
        statistics.taken += 1
        self._died = False
        if result.decodes:
            self._undecoded = 0
            return self._take(result) * self._uniform(0.9, 1.1)
        if result.reason is Reason.CODEC_UNSUPPORTED:
            raise CameraFault(Reason.CODEC_UNSUPPORTED, Rung.PLAYING, result.detail)
        if self._liveness.flowing and self._liveness.is_fresh(self._tools.clock.monotonic()):
            self._undecoded += 1
        if self._undecoded >= _UNDECODED_MAX:
            keys = self._upstream.counters.key_frames
            raise CameraFault(Reason.UNDECODABLE, Rung.PLAYING, f"{keys} key frames came, the last do not decode")
        return self._soon()

    async def _look(self) -> ProbeResult:
        first = not self._liveness.decoded
        interval_s = self._keyframe_interval_s() or 0.0
        keys = 2 if self._doubtful and interval_s <= _KEYS_APART_MAX_S else 1
        now = self._tools.clock.monotonic()
        snapshot = now - self._snapshot_at >= 0.9 * self._tools.settings.snapshot_every_s
        looker: Looker = self._key_frames if self._upstream.gathers else self._player
        due = self._player_due_at is not None and now >= self._player_due_at
        if looker is self._key_frames and due and not first and not self._died and not self._tools.players.locked():
            self._player_due_at = None
            async with self._tools.players:
                return await self._player.look(first=True, keys=keys, snapshot=snapshot, alone=False)
        if self._player_due_at is None and first:
            self._player_due_at = now + _PLAYER_AFTER_S
        return await looker.look(first=first, keys=keys, snapshot=snapshot, alone=self._died)

    def _soon(self) -> float:
        """Seconds until what failed is tried again."""
        return self._uniform(0.5, 1.5)

    async def _pause(self, seconds: float) -> None:
        """Until the next look is due, or something happens."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._look_now.wait()

    def _take(self, result: ProbeResult) -> float:
        """Judge what was seen; returns the seconds until the next look."""
        settings, liveness = self._tools.settings, self._liveness
        if result.facts.codec is not None:
            self.facts = merged(self.facts, result.facts) if liveness.decoded else result.facts
        # While nothing flows it was a key frame from before the silence.
        liveness.decoded = liveness.flowing or not liveness.fallen_silent
        if liveness.fallen_silent or liveness.is_behind():
            # What comes too late may show what was shown before: no judgement on it, nor by it.
            self.history = self.history.interrupted()
            return settings.settle_up_s
        reasons: tuple[Reason, ...] = ()
        for look in result.looks:
            self.history, reasons = judge(self.history, look, frozen_after_s=settings.frozen_after_s)
        self._doubtful = undecided(self.history)
        if Reason.FROZEN in reasons and not self._is_frozen(result):
            reasons = tuple(reason for reason in reasons if reason is not Reason.FROZEN)
        self._events.on_picture(reasons)
        now = self._tools.clock.monotonic()
        if result.snapshot is not None:
            self._snapshot_at = now
            self._events.on_snapshot(Snapshot(taken_at=self._tools.clock.now(), jpeg=result.snapshot))
        every_s = settings.picture_every_s
        if self._doubtful or reasons:
            return min(every_s, max(_SUSPICION_S, settings.frozen_after_s / 4))
        if self._player_due_at is not None and self._player_due_at > now:
            return min(every_s, self._player_due_at - now)
        return every_s

    def _is_frozen(self, result: ProbeResult) -> bool:
        """Whether the looks of this time bear out what comparing with old ones says.

        A clip in a loop shows the same key frame again though its picture moves; two key frames in a row do not.
        """
        still = stands_still(result.looks)
        if still is not None:
            return still
        interval_s = self._keyframe_interval_s() or 0.0
        alone = interval_s > _KEYS_APART_MAX_S
        return alone and seen_before(self.history) and len(self.history.looks) >= _LONE_LOOKS_MIN


def merged(known: StreamFacts, newer: StreamFacts) -> StreamFacts:
    """The newer facts where they were measured, else the known ones."""
    return known.model_copy(update={name: value for name, value in newer.model_dump().items() if value is not None})
