"""Opening one loopback RTSP URL with PyAV, as a player would: RTP over TCP, video only.

PyAV's ``timeout=`` is never given: its callback takes the GIL each time FFmpeg polls (peers' numbers: PyAV #1112).
FFmpeg's own ``timeout`` bounds each wait for bytes instead, and the host kills what goes on for ever nevertheless.
"""

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from urllib.parse import urlsplit

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from services.contracts.ladder import Reason

#: FFmpeg's names of codecs, where ours differ.
_CODEC_NAMES = {"hevc": "h265"}

# Decoders that hostile bytes may reach. Anything else is named and left alone.
DECODERS = ("h264", "hevc", "mjpeg", "mpeg4")

# Most pixels of a frame: beyond the largest panoramic cameras (8160 x 3616).
MAX_PIXELS = 36_000_000

_REASONS_BY_ERROR: tuple[tuple[type[BaseException], Reason], ...] = (
    (av.error.HTTPNotFoundError, Reason.NOT_FOUND),
    (av.error.HTTPUnauthorizedError, Reason.AUTH_FAILED),
    (av.error.HTTPForbiddenError, Reason.AUTH_FAILED),
    (ConnectionRefusedError, Reason.REFUSED),
    (TimeoutError, Reason.TIMEOUT),
    (EOFError, Reason.ENDED),
)
_REASONS_BY_ERRNO = {
    errno.ETIMEDOUT: Reason.TIMEOUT,
    errno.EHOSTUNREACH: Reason.NO_ROUTE,
    errno.ENETUNREACH: Reason.NO_ROUTE,
}


class SourceError(Exception):
    """The stream does not open. The text holds no URL, which would carry the token of the relay."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(detail)


class Source:
    """An open stream. Used by the thread that opened it only."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container = container
        self.stream = stream
        context = stream.codec_context
        name: str | None = context.name if context is not None else None
        self.codec = _CODEC_NAMES.get(name, name) if name is not None else None
        #: What FFmpeg calls the decoder; empty when it has none.
        self.decoder_name: str = name or ""
        self.time_base: Fraction = stream.time_base or Fraction(1, 90_000)
        #: Size as the session description tells it; None when it does not.
        self.size = (context.width, context.height) if context is not None and context.width else None
        self.extradata: bytes = (context.extradata or b"") if context is not None else b""
        self.reorder: int = context.reorder_depth if context is not None else 0

    @property
    def decodable(self) -> bool:
        """Whether we let a decoder near this codec."""
        return self.decoder_name in DECODERS

    def packets(self) -> "Iterator[Packet[VideoStream]]":
        """Packets in decoding order until the stream ends. Raises SourceError."""
        demuxed = self._container.demux(self.stream)
        while True:
            try:
                packet = next(demuxed, None)
            except (av.error.FFmpegError, OSError) as error:
                raise _source_error(error) from None
            if packet is None:
                return
            if packet.size:
                yield packet


@contextmanager
def opened(url: str, *, silence_s: float) -> Iterator[Source]:
    """Open a loopback RTSP URL; nothing may be silent for longer than ``silence_s``. Raises SourceError."""
    if urlsplit(url).scheme != "rtsp" or urlsplit(url).hostname != "127.0.0.1":
        raise SourceError(Reason.ADDRESS_REFUSED, "only the relay on 127.0.0.1 is opened")
    began_at = time.monotonic()
    try:
        # Titles in a session description are in any encoding; read strictly they would fail a good stream.
        container = av.open(url, "r", format="rtsp", options=_options(silence_s), metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        failure = _source_error(error)
        if failure.reason is Reason.PROTOCOL_ERROR and time.monotonic() - began_at >= silence_s:
            # FFmpeg calls a reply that does not come invalid data.
            raise SourceError(Reason.TIMEOUT, "no reply") from None
        raise failure from None
    with container:
        if not container.streams.video:
            raise SourceError(Reason.NO_VIDEO, "there is no video track")
        yield Source(container, container.streams.video[0])


def _options(silence_s: float) -> dict[str, str]:
    return {
        "rtsp_transport": "tcp",
        "allowed_media_types": "video",
        # What a session description or a reply may make FFmpeg open: nothing but this connection.
        "protocol_whitelist": "rtsp,tcp",
        "codec_whitelist": ",".join(DECODERS),
        "max_pixels": str(MAX_PIXELS),
        "timeout": str(int(silence_s * 1_000_000)),
        # The codec stands in the session description, and all else we take from the first key frame. FFmpeg would
        # collect 20 frames to guess a frame rate, and 500 kB where the description holds no parameter sets.
        "fpsprobesize": "0",
        "analyzeduration": "1",
        "probesize": "32",
        # Over TCP nothing arrives out of order.
        "reorder_queue_size": "0",
    }


def _source_error(error: BaseException) -> SourceError:
    number = getattr(error, "errno", None)
    text = getattr(error, "strerror", None) or "failed"
    detail = f"{type(error).__name__}: {text}"
    for kind, reason in _REASONS_BY_ERROR:
        if isinstance(error, kind):
            return SourceError(reason, detail)
    return SourceError(_REASONS_BY_ERRNO.get(number or 0, Reason.PROTOCOL_ERROR), detail)
