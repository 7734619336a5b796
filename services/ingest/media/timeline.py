"""Timestamps of a live stream made fit for MP4. Pure; everything is in ticks of the stream's time base.

RTP carries presentation times only, in decoding order, and cameras get them wrong in known ways. FFmpeg's own DTS is
not used: it leaves the first key frame and others without one (PyAV #1917, #2290). DTS is derived from PTS instead,
which is exact for any depth of reordering.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

# A longer gap forward, or a longer step back, begins a new timeline.
_GAP_S = 30
_BACK_S = 1
# Packets without a timestamp that are bridged in a row.
_UNTIMED_MAX = 8
# Cameras that use B-frames reorder by 1 to 3; deeper than this it is a jump. The standards allow 16.
REORDER_MAX = 4
_RECENT = 16

#: Timestamps after the first by which that one is checked: one more than the usual reordering.
FOLLOWING = 3
_FIRST_TOLERANCE_S = 1


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a packet stands: 0 ≤ ``dts`` ≤ ``pts``, and ``dts`` grows with every packet."""

    pts: int
    dts: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """The packet has no place: its time is that of an earlier one."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The timeline ends before this packet; ``reorder`` is the depth that the next one needs."""

    reorder: int
    why: str


Placing: TypeAlias = Placed | Dropped | Broken


def first_pts(first: int | None, following: Sequence[int], step: int, ticks_per_s: int) -> int:
    """The time of the first packet, which is often missing or wrong (FFmpeg #5018), from those that follow it.

    ``following`` holds the times of the next few packets, at least one; with B-frames the earliest is the next shown.
    """
    expected = min(following) - step
    if first is None or abs(first - expected) > _FIRST_TOLERANCE_S * ticks_per_s:
        return expected
    return first


class Timeline:
    """Places packets one after another on a time axis that begins at 0."""

    def __init__(self, *, ticks_per_s: int, step: int, reorder: int) -> None:
        """``step`` is the duration of a frame, ``reorder`` how many frames may be shown before an earlier packet."""
        self._ticks_per_s = ticks_per_s
        self._step = max(step, 1)
        self._reorder = min(reorder, REORDER_MAX)
        self._waiting: list[int] = []
        self._recent: deque[int] = deque(maxlen=_RECENT)
        self._placed = 0
        self._first = 0
        self._last_pts: int | None = None
        self._last_dts = -1
        self._untimed = 0

    def place(self, pts: int | None) -> Placing:
        """Place the next packet in decoding order."""
        if pts is None:
            if self._last_pts is None or self._untimed >= _UNTIMED_MAX:
                return Broken(self._reorder, "packets without timestamps")
            self._untimed += 1
            pts = self._last_pts + self._step
        else:
            self._untimed = 0
        if self._last_pts is None:
            # The first packet is a key frame; those before it in time are never shown.
            self._first = pts - self._reorder * self._step
        else:
            newest = max(self._recent)
            if pts - newest > _GAP_S * self._ticks_per_s or newest - pts > _BACK_S * self._ticks_per_s:
                return Broken(self._reorder, "timestamps jumped")
            depth = sum(earlier > pts for earlier in self._recent)
            if depth > REORDER_MAX:
                return Broken(self._reorder, "timestamps jumped")
            if depth > self._reorder:
                return Broken(depth, "frames are reordered more deeply than announced")
        self._last_pts = pts
        return self._at(pts)

    def _at(self, pts: int) -> Placing:
        if pts in self._recent:
            return Dropped()
        self._recent.append(pts)
        heapq.heappush(self._waiting, pts)
        if len(self._waiting) > self._reorder:
            dts = heapq.heappop(self._waiting) - self._first
        else:
            dts = self._placed * self._step
        if dts <= self._last_dts:
            dts = self._last_dts + 1
        if pts - self._first < dts:
            return Dropped()
        self._placed += 1
        self._last_dts = dts
        return Placed(pts - self._first, dts)
