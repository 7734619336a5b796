"""Whether frames come, in time and as a stream: judged from counters at each visit. Pure but for what it remembers."""

from dataclasses import dataclass

from services.contracts.ladder import Reason
from services.ingest.health import Signal
from services.ingest.pace import Pace
from services.ingest.rtsp.counters import Counters
from services.ingest.sense import Sense

_TICK_S = 0.2
#: While a proof is awaited.
_TICK_UNPROVED_S = 0.1
#: A look this late means that our own process stood still: what waits in the buffers is old, nothing is judged by it.
_STALL_S = 2.0


@dataclass(frozen=True, slots=True)
class Observation:
    """What changed. ``reason`` is None for a proof; ``over``: the session had its chance to go on."""

    signal: Signal | None
    reason: Reason | None = None
    over: bool = False
    silent_s: float = 0.0


class Liveness:
    """One stream, from the opening of its session on."""

    def __init__(self, now: float, *, settle_up_s: float, settle_down_s: float) -> None:
        self._settle_up_s = settle_up_s
        self._settle_down_s = settle_down_s
        self._tick_s = min(_TICK_S, settle_down_s / 10)
        self._looked_at = self._quiet_since = self._paced_from = now
        self._pace = Pace()
        self._sense = Sense(settle_down_s)
        self._flowing_since: float | None = None
        self._last_frame_at: float | None = None
        #: It fell silent and has not been proved anew.
        self.fallen_silent = False
        #: A key frame was decoded, since the beginning or the last silence. Set by whoever decodes.
        self.decoded = False
        #: Whether frames were proved.
        self.proved = False

    @property
    def settled(self) -> bool:
        """Frames were proved, and have not fallen silent since."""
        return self.proved and not self.fallen_silent

    @property
    def flowing(self) -> bool:
        """Frames come in time, as far as is known."""
        return self._flowing_since is not None

    def is_fresh(self, now: float) -> bool:
        """Whether a frame came lately."""
        return self._last_frame_at is not None and now - self._last_frame_at < self._settle_down_s

    def is_behind(self) -> bool:
        """Whether media time has been passing too slowly of late: what comes may show what was shown before."""
        return self._pace.lags(over_s=self._settle_up_s / 2)

    def look(self, now: float, counters: Counters) -> Observation | None:
        """Look at the counters; None when nothing changed, or when it is too early for another look."""
        elapsed_s = now - self._looked_at
        if elapsed_s < (self._tick_s if self.settled else min(self._tick_s, _TICK_UNPROVED_S)):
            return None
        if elapsed_s > _STALL_S:
            # Only what we looked at counts as silence, or an overloaded process would never find any.
            self._quiet_since, self._flowing_since = self._quiet_since + elapsed_s - self._tick_s, None
            self._pace.forget()
            self._paced_from = now - self._tick_s  # a frame of before the pause is no beginning
        self._looked_at = now
        self._sense.note(now, counters.received, counters.bytes)
        self._last_frame_at = last_frame_at = counters.last_frame_at
        if last_frame_at is not None and last_frame_at >= self._paced_from:
            self._pace.note(last_frame_at, counters.media_time_s, counters.frames)
        lagging = self._pace.lags(over_s=self._settle_down_s)
        if lagging or self._sense.nonsense:  # as good as silent for that long
            self._quiet_since = min(self._quiet_since, now - self._settle_down_s)
        else:
            self._quiet_since = max(self._quiet_since, last_frame_at or self._quiet_since)
        silent_s = now - self._quiet_since
        if silent_s >= self._settle_down_s:
            if not lagging:
                self._pace.forget()
                self._paced_from = now
            return self._silent(silent_s, counters)
        if last_frame_at is not None and now - last_frame_at < self._settle_down_s:
            return self._frames(last_frame_at)
        return None

    def _frames(self, last_frame_at: float) -> Observation | None:
        if self.is_behind():
            self._flowing_since = None
            return None
        if self._flowing_since is None:
            self._flowing_since = last_frame_at
        # Counted from frame to frame: a single one and then silence is no stream.
        flowed_s = last_frame_at - self._flowing_since
        if self.decoded and flowed_s >= self._settle_up_s and (self.fallen_silent or not self.proved):
            self.proved, self.fallen_silent = True, False
            return Observation(Signal.PROVED)
        return None

    def _silent(self, silent_s: float, counters: Counters) -> Observation | None:
        reason = Reason.STALLED if counters.frames else Reason.NO_FRAMES
        if self._sense.nonsense:
            reason = Reason.UNDECODABLE
        begins = not self.fallen_silent
        self.fallen_silent = True
        if begins:
            self.decoded = False  # what comes afterwards has to be proved anew, by the first key frame
        self._flowing_since = None
        # It had its chance to go on; a new session may do better than a dead one.
        over = silent_s >= 2 * self._settle_down_s
        if begins or over:
            return Observation(Signal.SILENT if begins else None, reason, over, silent_s)
        return None
