"""One run of FFmpeg's MP4 muxer: placed packets in, an init segment and whole segments out. Uses PyAV."""

import av
import av.error
from av.packet import Packet
from av.video.stream import VideoStream

from services.ingest.media import fmp4
from services.ingest.media.events import InitSegment
from services.ingest.media.source import Source

_SEGMENT_S = 1
# A segment must fit in a frame of the protocol, and in the memory of whoever serves it.
_SEGMENT_MAX_BYTES = 24 * 1024 * 1024

_OPTIONS = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof+skip_trailer+frag_discont",
    # Otherwise the last bytes of a fragment wait in FFmpeg's buffer for the next one.
    "flush_packets": "1",
}


class Unmuxable(Exception):
    """This stream cannot be made into segments."""


class Sink:
    """What the muxer writes, in order; it cannot seek."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Called by FFmpeg through PyAV."""
        self._parts.append(data)
        return len(data)

    def take(self) -> bytes:
        """What was written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


class Track:
    """Packets whose timestamps begin at 0, the first of them a key frame."""

    def __init__(self, source: Source, extradata: bytes, size: tuple[int, int], ticks_per_s: int) -> None:
        """Raises Unmuxable when FFmpeg cannot describe the stream in MP4."""
        self._ticks_per_s = ticks_per_s
        self._sink = Sink()
        try:
            self._output = av.open(self._sink, "w", format="mp4", options=_OPTIONS)
            # "opaque" takes the decoder's context as it is, instead of making an encoder.
            self._stream: VideoStream = self._output.add_stream_from_template(source.stream, opaque=True)
            context = self._stream.codec_context
            context.extradata = extradata
            context.width, context.height = size
            if source.codec == "h265":
                # Safari and Chrome play H.265 under this tag only.
                context.codec_tag = "hvc1"
            self._output.start_encoding()
            init, _ = fmp4.split_init(self._sink.take())
            codec = fmp4.codec_string(init)
        except (av.error.FFmpegError, ValueError, fmp4.Mp4Error) as error:
            raise Unmuxable(f"no init segment: {type(error).__name__}") from error
        self.init = InitSegment(init, codec, *size, discontinuity=False)
        self._segment_dts = 0
        self._end_dts = 0
        self._bytes = 0

    def write(self, packet: "Packet[VideoStream]", pts: int, dts: int, step: int) -> tuple[float, bytes] | None:
        """Take a packet. Returns duration in seconds and bytes of the segment before it, if it begins one."""
        begins = packet.is_keyframe and dts - self._segment_dts >= _SEGMENT_S * self._ticks_per_s
        self._bytes = packet.size if begins else self._bytes + packet.size
        if self._bytes > _SEGMENT_MAX_BYTES:
            raise Unmuxable(f"no key frame to cut at within {self._bytes} bytes")
        packet.stream = self._stream
        packet.pts, packet.dts, packet.duration = pts, dts, step
        try:
            self._output.mux_one(packet)
        except (av.error.FFmpegError, ValueError) as error:
            raise Unmuxable(f"a packet does not go into MP4: {type(error).__name__}") from error
        self._end_dts = dts + step
        return self._cut(dts) if begins else None

    def close(self) -> tuple[float, bytes] | None:
        """End it. Returns duration and bytes of the last segment, if anything was written."""
        try:
            self._output.close()
        except (av.error.FFmpegError, ValueError) as error:
            raise Unmuxable(f"the last fragment does not close: {type(error).__name__}") from error
        return self._cut(self._end_dts) if self._end_dts > self._segment_dts else None

    def _cut(self, dts: int) -> tuple[float, bytes]:
        data = self._sink.take()
        if not fmp4.is_whole_fragments(data):
            raise Unmuxable("the muxer left a fragment unfinished")
        duration_s = (dts - self._segment_dts) / self._ticks_per_s
        self._segment_dts = dts
        return duration_s, data
