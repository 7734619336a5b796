"""From compressed packets to what is shown and judged: decoded frames, JPEG, luma. Uses PyAV."""

from collections.abc import Sequence
from fractions import Fraction
from operator import itemgetter
from typing import NamedTuple, cast

import av
import av.error
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from services.ingest.media.source import MAX_PIXELS

SNAPSHOT_WIDTH_MAX = 960
#: The look's grid; ``services.ingest.picture`` names the same numbers (numpy is not loaded in the child).
LOOK_COLUMNS = 96
LOOK_ROWS = 54

# FFmpeg's scale of JPEG quality runs from 2, best, to 31.
_JPEG_QSCALE = 5
_FF_QP2LAMBDA = 118

# Formats whose first plane is 8-bit luma, a byte a pixel.
_LUMA_FIRST = frozenset(
    {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray", "yuv440p", "yuvj440p"}
)


class Decoded(NamedTuple):
    """Frames in the order they are shown, and how often the decoder complained."""

    frames: list[VideoFrame]
    errors: int


def decode(codec_name: str, packets: "Sequence[Packet[VideoStream]]", extradata: bytes) -> Decoded:
    """Decode packets that begin with a key frame, in a decoder of its own, which is gone afterwards.

    Told to be strict, the H.265 decoder notices a damaged key frame that it would otherwise fill with grey. But being
    strict it also stumbles over malformed SEI messages that every player passes over: so what fails is tried once more
    as players do, and its errors stay counted.
    """
    strict = _decode(codec_name, packets, extradata, err_detect="explode")
    if not strict.errors:
        return strict
    return Decoded(_decode(codec_name, packets, extradata, err_detect="").frames, strict.errors)


def _decode(codec_name: str, packets: "Sequence[Packet[VideoStream]]", extradata: bytes, *, err_detect: str) -> Decoded:
    context = cast(VideoCodecContext, av.CodecContext.create(codec_name, "r"))
    if extradata:
        context.extradata = extradata
    context.thread_count = 1
    context.options = {"max_pixels": str(MAX_PIXELS), **({"err_detect": err_detect} if err_detect else {})}
    frames: list[VideoFrame] = []
    errors = 0
    for packet in (*packets, None):
        try:
            frames += context.decode(packet)
        except (av.error.FFmpegError, ValueError):
            errors += 1
    whole = [frame for frame in frames if not frame.is_corrupt]
    return Decoded(whole, errors + len(frames) - len(whole))


def jpeg(frame: VideoFrame) -> bytes:
    """A JPEG of at most 960 pixels in width and the frame's proportions."""
    width, height = snapshot_size(frame.width, frame.height)
    scaled = frame.reformat(
        width=width,
        height=height,
        format="yuvj420p",
        interpolation="AREA",
        dst_color_range=ColorRange.JPEG,
        threads=1,  # otherwise FFmpeg starts one for each core, for every picture
    )
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuvj420p"
    encoder.color_range = ColorRange.JPEG
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1
    encoder.qscale = True
    encoder.global_quality = _JPEG_QSCALE * _FF_QP2LAMBDA
    scaled.pts = 0
    scaled.time_base = encoder.time_base
    return b"".join(bytes(packet) for packet in (*encoder.encode(scaled), *encoder.encode(None)))


def snapshot_size(width: int, height: int) -> tuple[int, int]:
    """Even numbers, as 4:2:0 needs them."""
    if width > SNAPSHOT_WIDTH_MAX:
        width, height = SNAPSHOT_WIDTH_MAX, height * SNAPSHOT_WIDTH_MAX // width
    return max(width & ~1, 2), max(height & ~1, 2)


def luma(frame: VideoFrame) -> bytes:
    """The look: LOOK_ROWS times LOOK_COLUMNS bytes, sampled at points, so that noise is kept."""
    if frame.format.name not in _LUMA_FIRST:
        frame = frame.reformat(format="yuv420p", threads=1)
    plane = frame.planes[0]
    pixels = memoryview(plane).cast("B")
    columns = itemgetter(*((2 * column + 1) * frame.width // (2 * LOOK_COLUMNS) for column in range(LOOK_COLUMNS)))
    rows = [(2 * row + 1) * frame.height // (2 * LOOK_ROWS) * plane.line_size for row in range(LOOK_ROWS)]
    return b"".join(bytes(columns(pixels[row : row + frame.width])) for row in rows)
