"""One stream, remuxed without transcoding into fragmented MP4 for HLS. Runs in a thread of the child.

FFmpeg's muxer writes a fragment when the next key frame comes; whole fragments make segments of at least a second.
A new track with a new init segment begins when timestamps jump or the encoder's parameter sets change.
"""

from collections.abc import Callable
from dataclasses import replace

from av.packet import Packet
from av.video.stream import VideoStream

from services.contracts.ladder import Reason
from services.ingest.media import pictures
from services.ingest.media.annexb import joined, nal_units, parameter_sets
from services.ingest.media.events import Ended, MuxEvent, Segment
from services.ingest.media.source import Source, SourceError, opened
from services.ingest.media.timeline import FOLLOWING, Broken, Placed, Timeline, first_pts
from services.ingest.media.track import Track, Unmuxable

_MUXABLE = frozenset({"h264", "h265"})
# Bytes that may pass without a key frame before we give up.
_KEYLESS_MAX_BYTES = 64 * 1024 * 1024
# Assumed where the stream does not say how long a frame lasts.
_DEFAULT_FPS = 25

Emit = Callable[[MuxEvent], None]


def run_mux(url: str, *, silence_s: float, emit: Emit, cancelled: Callable[[], bool]) -> Ended:
    """Remux until the stream ends or nobody wants it. Returns the last event, which the child sends."""
    remux: Remux | None = None
    try:
        with opened(url, silence_s=silence_s) as source:
            if source.codec not in _MUXABLE:
                return Ended(Reason.CODEC_UNSUPPORTED, f"codec {source.codec or 'unknown'} does not go into MP4")
            remux = Remux(source, emit)
            for packet in source.packets():
                if cancelled():
                    return Ended(None, "cancelled")
                remux.feed(packet)
            remux.finish()
            return Ended(Reason.ENDED, "the stream ended")
    except SourceError as error:
        if remux is None:
            return Ended(error.reason, error.detail)
        return _ended_early(remux, error)
    except Unmuxable as error:
        return Ended(Reason.UNDECODABLE, str(error))


def _ended_early(remux: "Remux", error: SourceError) -> Ended:
    try:
        remux.finish()
    except Unmuxable as failure:
        return Ended(Reason.UNDECODABLE, str(failure))
    if error.reason is not Reason.TIMEOUT:
        return Ended(error.reason, error.detail)
    return Ended(Reason.STALLED if remux.began else Reason.NO_FRAMES, error.detail)


class Remux:
    """Turns packets into events. ``feed`` in decoding order; ``finish`` gives what is left. Both raise Unmuxable."""

    def __init__(self, source: Source, emit: Emit) -> None:
        self._source = source
        self._codec = source.codec or ""
        self._emit = emit
        self._ticks_per_s = round(1 / source.time_base)
        self._extradata = source.extradata
        self._reorder = source.reorder
        self._held: list[Packet[VideoStream]] | None = []  # the first key frame and a few that follow
        self._track: Track | None = None
        self._timeline = Timeline(ticks_per_s=self._ticks_per_s, step=1, reorder=0)
        self._tracks = 0
        self._segments = 0
        self._keyless_bytes = 0

    @property
    def began(self) -> bool:
        """Whether a first key frame came."""
        return self._tracks > 0

    def feed(self, packet: "Packet[VideoStream]") -> None:
        """Take the next packet."""
        if self._held is None:
            self._place(packet)
        elif self._held or packet.is_keyframe:
            self._held.append(packet)
            timed = sum(held.pts is not None for held in self._held[1:])
            if timed >= FOLLOWING or len(self._held) > 2 * FOLLOWING:
                self._release()
        else:
            self._skip(packet)

    def finish(self) -> None:
        """Emit what is complete, the last group of pictures included."""
        if self._held:
            self._release()
        if self._track is not None:
            self._end_track(self._track)

    def _release(self) -> None:
        """The first packets are together: mend the first one's time and let them go."""
        held, self._held = self._held or [], None
        following = [packet.pts for packet in held[1:] if packet.pts is not None]
        if following:
            held[0].pts = first_pts(held[0].pts, following, self._step(held[0]), self._ticks_per_s)
        elif held[0].pts is None:
            held[0].pts = 0
        for packet in held:
            self._place(packet)

    def _place(self, packet: "Packet[VideoStream]") -> None:
        if self._track is not None and packet.is_keyframe and self._settings_changed(packet):
            self._end_track(self._track)
        track = self._track or self._begin_track(packet)
        if track is None:
            self._skip(packet)
            return
        placing = self._timeline.place(packet.pts)
        if isinstance(placing, Broken):
            self._reorder = placing.reorder
            self._end_track(track)
            self._place(packet)
        elif isinstance(placing, Placed):
            segment = track.write(packet, placing.pts, placing.dts, self._step(packet))
            if segment is not None:
                self._emit_segment(segment)

    def _begin_track(self, packet: "Packet[VideoStream]") -> Track | None:
        """A track that begins with this packet, or None when it cannot."""
        if not packet.is_keyframe or packet.pts is None:
            return None
        units = parameter_sets(self._codec, bytes(packet))
        self._extradata = joined(units) or self._extradata
        # The session description may name no size or an outdated one; the picture knows.
        decoded = pictures.decode(self._source.decoder_name, [packet], self._extradata)
        if not self._extradata or not decoded.frames:
            return None
        size = (decoded.frames[0].width, decoded.frames[0].height)
        track = self._track = Track(self._source, self._extradata, size, self._ticks_per_s)
        self._timeline = Timeline(ticks_per_s=self._ticks_per_s, step=self._step(packet), reorder=self._reorder)
        self._emit(replace(track.init, discontinuity=self.began))
        self._tracks += 1
        self._keyless_bytes = 0
        return track

    def _end_track(self, track: Track) -> None:
        self._track = None
        segment = track.close()
        if segment is not None:
            self._emit_segment(segment)

    def _emit_segment(self, segment: tuple[float, bytes]) -> None:
        duration_s, data = segment
        self._emit(Segment(self._segments, duration_s, data))
        self._segments += 1

    def _settings_changed(self, key: "Packet[VideoStream]") -> bool:
        units = parameter_sets(self._codec, bytes(key))
        return not set(units) <= set(nal_units(self._extradata))

    def _skip(self, packet: "Packet[VideoStream]") -> None:
        self._keyless_bytes += packet.size
        if self._keyless_bytes > _KEYLESS_MAX_BYTES:
            raise Unmuxable(f"no key frame to begin with in {self._keyless_bytes} bytes")

    def _step(self, packet: "Packet[VideoStream]") -> int:
        return packet.duration or self._ticks_per_s // _DEFAULT_FPS
