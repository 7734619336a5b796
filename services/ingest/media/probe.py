"""A look at one stream as a player takes it: open, wait for a key frame, decode, measure. Runs in a thread of the child.

What was learned is kept in ``ProbeProgress``, so that it can be told at the deadline even while this thread still waits
inside FFmpeg.
"""

import threading
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

from av.packet import Packet
from av.video.stream import VideoStream

from services.contracts.ladder import Reason
from services.ingest.media import measure, pictures
from services.ingest.media.annexb import joined, parameter_sets
from services.ingest.media.progress import ProbeProgress
from services.ingest.media.source import Source, SourceError, opened
from services.ingest.media.timeline import FOLLOWING, first_pts

# Frames after the first key frame that are decoded, to prove that they do.
_FOLLOWING = 8
# Key frames of one probe that become looks, and how far apart they are at least.
_LOOKS_MAX = 4
_LOOKS_APART_S = 0.4
# Key frames of one probe that are tried, and after how many failures in a row from its beginning it gives up.
_TRIES_MAX = 12
_TRIES_IN_VAIN = 5
# Packets of one probe that are measured, and bytes that are taken at all.
_PACKETS_MAX = 4000
_BYTES_MAX = 64 * 1024 * 1024
# Part of the longest silence after which FFmpeg has given up.
_GIVEN_UP = 0.9
# Media time may run slower than ours, or stand still: a watch never lasts longer than this beyond its length.
_WATCH_SLACK_S = 1.0

#: Decoders at work at the same time: they are what takes memory and CPU.
decoding = threading.BoundedSemaphore(2)


def run_probe(
    url: str, *, watch_s: float, silence_s: float, progress: ProbeProgress, cancelled: Callable[[], bool]
) -> tuple[Reason | None, str]:
    """Probe until everything was seen; the child answers for us at the deadline. Returns why it ended."""
    try:
        with opened(url, silence_s=silence_s) as source:
            with progress.lock:
                progress.opened = True
                progress.codec = source.codec
                progress.size = source.size
            return _Watch(source, watch_s, silence_s, progress, cancelled).run()
    except SourceError as error:
        if error.reason is Reason.TIMEOUT and progress.opened:
            return progress.reason_at(float("inf"))
        return error.reason, error.detail


class _Watch:
    """One pass over the packets of an open stream."""

    def __init__(
        self, source: Source, watch_s: float, silence_s: float, progress: ProbeProgress, cancelled: Callable[[], bool]
    ) -> None:
        self._source = source
        self._watch_s = watch_s
        self._silence_s = silence_s
        self._progress = progress
        self._cancelled = cancelled
        self._extradata = source.extradata
        self._bytes = 0
        self._tries = 0
        self._looked_at = float("-inf")
        self._decoded_at: float | None = None  # when the first key frame was decoded
        self._group: list[Packet[VideoStream]] = []  # that key frame and what follows it
        self._newest_s: float | None = None  # media time
        self._watched_s = 0.0  # media time that has passed since then

    def run(self) -> tuple[Reason | None, str]:
        if not self._source.decodable:
            return Reason.CODEC_UNSUPPORTED, f"codec {self._source.codec or 'unknown'} is not decoded"
        asked_at = time.monotonic()
        for packet in self._source.packets():
            now = time.monotonic()
            if self._cancelled():
                return None, "cancelled"
            if self._progress.seen and now - asked_at >= _GIVEN_UP * self._silence_s:
                # FFmpeg has waited in vain and gives out what it still held.
                return Reason.STALLED, "packets stopped before the watch was over"
            self._note(packet, now)
            self._bytes += packet.size
            if self._bytes > _BYTES_MAX:
                return Reason.UNDECODABLE, f"{self._bytes} bytes came and the watch is not over"
            if packet.is_keyframe:
                self._look(packet, now)
                if self._decoded_at is None and self._tries >= _TRIES_IN_VAIN:
                    return self._progress.reason_at(now)
            if self._decoded_at is not None:
                self._follow(packet)
                if self._is_over(packet, now - self._decoded_at):
                    self._decode_group()
                    return None, ""
            asked_at = time.monotonic()
        return Reason.ENDED, "the stream ended"

    def _note(self, packet: "Packet[VideoStream]", now: float) -> None:
        progress = self._progress
        time_base = self._source.time_base
        with progress.lock:
            progress.seen += 1
            progress.keys_seen += packet.is_keyframe
            if len(progress.packets) < _PACKETS_MAX and (progress.packets or packet.is_keyframe):
                media_s = None if packet.pts is None else float(packet.pts * time_base)
                progress.packets.append(measure.Packet(media_s, now, packet.size, packet.is_keyframe))
            if len(progress.packets) == 1 + FOLLOWING:
                progress.packets[0] = _first_mended(progress.packets, time_base)

    def _look(self, packet: "Packet[VideoStream]", now: float) -> None:
        progress = self._progress
        enough = len(progress.looks) >= _LOOKS_MAX or self._tries >= _TRIES_MAX
        if enough or now - self._looked_at < _LOOKS_APART_S:
            return
        self._tries += 1
        in_band = parameter_sets(self._source.codec or "", bytes(packet))
        self._extradata = joined(in_band) or self._extradata
        with decoding:
            decoded = pictures.decode(self._source.decoder_name, [packet], self._extradata)
            frame = decoded.frames[0] if decoded.frames else None
            snapshot = pictures.jpeg(frame) if frame is not None and not progress.snapshot else b""
            luma = pictures.luma(frame) if frame is not None else b""
        with progress.lock:
            progress.decode_errors += decoded.errors
            if frame is None:
                return
            progress.keyframe_decoded = True
            progress.frames_decoded += 1
            progress.size = (frame.width, frame.height)
            progress.snapshot = progress.snapshot or snapshot
            progress.looks.append((now, luma))
        self._looked_at = now
        if self._decoded_at is None:
            self._decoded_at = now
            self._group = [packet]

    def _follow(self, packet: "Packet[VideoStream]") -> None:
        """Decode the first frames after the first key frame, once they are together."""
        if not self._group or packet is self._group[0]:
            return
        if not packet.is_keyframe:
            self._group.append(packet)
        if packet.is_keyframe or len(self._group) > _FOLLOWING:
            self._decode_group()

    def _decode_group(self) -> None:
        group, self._group = self._group, []
        if len(group) < 2:
            return
        with decoding:
            decoded = pictures.decode(self._source.decoder_name, group, self._extradata)
        with self._progress.lock:
            self._progress.decode_errors += decoded.errors
            # The key frame among them has been counted.
            self._progress.frames_decoded += max(len(decoded.frames) - 1, 0)

    def _is_over(self, packet: "Packet[VideoStream]", elapsed_s: float) -> bool:
        """By media time, or by ours when media time lags behind."""
        if packet.pts is not None:
            at = float(packet.pts * self._source.time_base)
            step_s = at - self._newest_s if self._newest_s is not None else 0.0
            if abs(step_s) > measure.JUMP_S:
                self._newest_s = at
            elif step_s >= 0:
                self._newest_s = at
                self._watched_s += step_s
        return self._watched_s >= self._watch_s or elapsed_s >= self._watch_s + _WATCH_SLACK_S


def _first_mended(packets: Sequence[measure.Packet], time_base: Fraction) -> measure.Packet:
    """The first key frame with the time that FFmpeg leaves out; see ``timeline.first_pts``."""
    first, *others = packets
    following = [round(other.media_s / time_base) for other in others if other.media_s is not None]
    if not following:
        return first
    told = None if first.media_s is None else round(first.media_s / time_base)
    steps = [later - earlier for earlier, later in pairwise(sorted(following)) if later > earlier]
    begun = first_pts(told, following, min(steps, default=0), round(1 / time_base))
    return first._replace(media_s=float(begun * time_base))
