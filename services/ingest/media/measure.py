"""Facts of a stream from its packets: pure arithmetic over what the demuxer saw."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

# With less media time than this nothing is said about rates.
_SPAN_MIN_S = 0.5
_REORDER_MAX = 4
#: Media time that steps further than this, either way, began anew.
JUMP_S = 10.0
# Some cameras give all packets one timestamp: then arrival says more than media time.
_LIE_RATIO = 0.1


class Packet(NamedTuple):
    """One access unit: media time in seconds, None when the camera gave none, and its arrival."""

    media_s: float | None
    arrived_monotonic: float
    size: int
    key: bool


class Rates(NamedTuple):
    """What was measured; None where the packets do not tell."""

    fps: float | None
    bitrate_kbps: float | None
    keyframe_interval_s: float | None


def rates(packets: Sequence[Packet]) -> Rates:
    """Measure packets in decoding order, the first of them a key frame.

    Where there are two key frames, the whole groups of pictures between the first and the last are measured: a key
    frame too many would distort the bit rate, and B-frames that are still to come the frame rate.
    """
    timed = _timed(packets)
    key_places = [place for place, (_, packet) in enumerate(timed) if packet.key]
    intervals = [later - earlier for earlier, later in pairwise(timed[place][0] for place in key_places)]
    if intervals and min(intervals) > 0 and sum(intervals) >= _SPAN_MIN_S:
        groups, span_s = timed[key_places[0] : key_places[-1]], sum(intervals)
        interval_s: float | None = _median(intervals)
    else:
        groups, span_s = _shown(timed)
        interval_s = None
    if span_s < _SPAN_MIN_S:
        return Rates(None, None, _rounded(interval_s, 3))
    kbps = sum(packet.size for _, packet in groups) * 8 / 1000 / span_s
    return Rates(_rounded(len(groups) / span_s, 2), _rounded(kbps, 1), _rounded(interval_s, 3))


def _shown(timed: list[tuple[float, Packet]]) -> tuple[list[tuple[float, Packet]], float]:
    """Packets with no gap among their times, and how long they last; the last one only ends the span."""
    ordered = sorted(timed, key=lambda one: one[0])
    if ordered != timed:
        # B-frames: those that come before the last few are not all there yet.
        ordered = ordered[:-_REORDER_MAX]
    if len(ordered) < 2:
        return [], 0.0
    return ordered[:-1], ordered[-1][0] - ordered[0][0]


def _timed(packets: Sequence[Packet]) -> list[tuple[float, Packet]]:
    by_media = [(packet.media_s, packet) for packet in packets if packet.media_s is not None]
    by_arrival = [(packet.arrived_monotonic, packet) for packet in packets]
    if len(by_media) >= 2 and _span(by_media) >= _LIE_RATIO * _span(by_arrival):
        return _since_jump(by_media)
    return by_arrival


def _since_jump(timed: list[tuple[float, Packet]]) -> list[tuple[float, Packet]]:
    begins = [place for place, (a, b) in enumerate(pairwise(timed), 1) if abs(b[0] - a[0]) > JUMP_S]
    return timed[begins[-1] :] if begins else timed


def _span(timed: list[tuple[float, Packet]]) -> float:
    times = [at for at, _ in timed]
    return max(times) - min(times)


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
