"""Facts of a stream from its packets: pure arithmetic over what the demuxer saw."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

# With less media time than this nothing is said about rates.
_SPAN_MIN_S = 0.5
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

    Frames are counted over the span of their timestamps (which B-frames leave out of order). The bit rate is taken
    over whole groups of pictures where there are any, because a key frame too many or too few would distort it.
    """
    timed = _timed(packets)
    if len(timed) < 2:
        return Rates(None, None, None)
    times = [at for at, _ in timed]
    span_s = max(times) - min(times)
    fps = (len(timed) - 1) / span_s if span_s >= _SPAN_MIN_S else None
    key_places = [place for place, (_, packet) in enumerate(timed) if packet.key]
    intervals = [later - earlier for earlier, later in pairwise(times[place] for place in key_places)]
    interval_s = _median(intervals) if intervals and min(intervals) > 0 else None
    kbps = None
    if interval_s is not None and times[key_places[-1]] - times[key_places[0]] >= _SPAN_MIN_S:
        groups = timed[key_places[0] : key_places[-1]]
        kbps = _kbps(groups, times[key_places[-1]] - times[key_places[0]])
    elif span_s >= _SPAN_MIN_S:
        kbps = _kbps(timed[:-1], span_s)
    return Rates(_rounded(fps, 2), _rounded(kbps, 1), _rounded(interval_s, 3))


def _timed(packets: Sequence[Packet]) -> list[tuple[float, Packet]]:
    by_media = [(packet.media_s, packet) for packet in packets if packet.media_s is not None]
    by_arrival = [(packet.arrived_monotonic, packet) for packet in packets]
    if len(by_media) >= 2 and _span(by_media) >= _LIE_RATIO * _span(by_arrival):
        return by_media
    return by_arrival


def _span(timed: list[tuple[float, Packet]]) -> float:
    times = [at for at, _ in timed]
    return max(times) - min(times)


def _kbps(timed: list[tuple[float, Packet]], span_s: float) -> float:
    return sum(packet.size for _, packet in timed) * 8 / 1000 / span_s


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
