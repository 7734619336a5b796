"""Short loops of encoded video. The one place of the simulator that knows PyAV.

A loop is encoded once and shared by everything that plays it. It consists of closed groups of pictures that begin with
an IDR picture and hold no B-frames, so that it can be entered at any key frame and repeated without end.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from itertools import islice

import av
from av.video.codeccontext import VideoCodecContext

from services.simulator.scene import Look, Picture, PictureSize, Scene

#: A prime number of groups: whoever looks at a key frame every 10 or 30 seconds sees each of them in turn, never the
#: same one twice running, which would look like a frozen picture.
GROUPS_IN_LOOP = 7
_LOOPS_KEPT = 128


class Codec(StrEnum):
    """How a stream is encoded."""

    H264 = "h264"
    H265 = "h265"


class Variant(StrEnum):
    """What a loop shows."""

    MOVING = "moving"
    STILL = "still"
    BLACK = "black"


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """Size and rate of one stream. A group of pictures lasts one second."""

    size: PictureSize
    fps: int
    kbps: int


MAIN = StreamFormat(PictureSize(640, 360), fps=25, kbps=400)
SUB = StreamFormat(PictureSize(320, 180), fps=25, kbps=120)


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One encoded picture: its NAL units without start codes; a key frame begins with the parameter sets."""

    nals: tuple[bytes, ...]
    key: bool


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """Encoded pictures to be played again and again. ``parameter_sets`` are (VPS,) SPS, PPS. Compared by identity."""

    codec: Codec
    format: StreamFormat
    units: tuple[AccessUnit, ...]
    parameter_sets: tuple[bytes, ...]
    jpeg: bytes


async def record_all(wanted: Iterable[tuple[Codec, StreamFormat, Variant, Look]], *, at_once: int = 2) -> None:
    """Fill the cache, so that ``record`` answers at once. Encoding runs in threads and does not hold up the loop."""
    turn = asyncio.Semaphore(at_once)

    async def one(codec: Codec, stream_format: StreamFormat, variant: Variant, look: Look) -> None:
        async with turn:
            await asyncio.to_thread(record, codec, stream_format, variant, look)

    await asyncio.gather(*(one(*wish) for wish in set(wanted)))


def record(codec: Codec, stream_format: StreamFormat, variant: Variant, look: Look) -> Loop:
    """The loop for these parameters, encoded on first use (0.1 to 1 s of CPU) and then shared."""
    return _record(codec, stream_format, variant, Look("", 0) if variant is Variant.BLACK else look)


@lru_cache(maxsize=_LOOPS_KEPT)
def _record(codec: Codec, stream_format: StreamFormat, variant: Variant, look: Look) -> Loop:
    fps = stream_format.fps
    scene = Scene(look, stream_format.size, frames=fps * GROUPS_IN_LOOP, fps=fps)
    match variant:
        case Variant.MOVING:
            first = next(scene.moving())
            units = _encode(codec, stream_format, scene.moving())
        case Variant.STILL | Variant.BLACK:
            first = scene.still() if variant is Variant.STILL else scene.black()
            units = _encode(codec, stream_format, [first] * fps, still=True)
    sets = tuple(nal for nal in units[0].nals if _is_parameter_set(codec, nal))
    return Loop(codec, stream_format, units, sets, _jpeg(first, stream_format.size))


def _encode(
    codec: Codec, stream_format: StreamFormat, pictures: Iterable[Picture], *, still: bool = False
) -> tuple[AccessUnit, ...]:
    encoder = _encoder(codec, stream_format, still=still)
    packets = []
    for index, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = index
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return tuple(
        AccessUnit(tuple(nal for nal in split_nals(bytes(packet)) if _is_sent(codec, nal)), packet.is_keyframe)
        for packet in packets
    )


def _encoder(codec: Codec, stream_format: StreamFormat, *, still: bool) -> VideoCodecContext:
    group, kbps = stream_format.fps, stream_format.kbps
    shared = (
        f"keyint={group}:min-keyint={group}:scenecut=0:open-gop=0:bframes=0:{_rate_control(codec, kbps, still=still)}"
    )
    if codec is Codec.H264:
        encoder = av.CodecContext.create("libx264", "w")
        encoder.options = {"preset": "superfast", "x264-params": f"{shared}:level=40:rc-lookahead=0:sync-lookahead=0"}
    else:
        encoder = av.CodecContext.create("libx265", "w")
        # Without pools=none every encoder starts a thread for each core.
        quiet = "repeat-headers=1:info=0:pools=none:frame-threads=1:wpp=0:log-level=none"
        encoder.options = {"preset": "ultrafast", "x265-params": f"{shared}:rc-lookahead=5:rd=1:ctu=16:{quiet}"}
    if not isinstance(encoder, VideoCodecContext):
        raise TypeError("a video codec has a video context")
    encoder.width, encoder.height = stream_format.size.width, stream_format.size.height
    encoder.pix_fmt = "yuv420p"
    encoder.framerate = Fraction(stream_format.fps)
    encoder.time_base = Fraction(1, stream_format.fps)
    encoder.bit_rate = kbps * 1000
    encoder.gop_size = group
    encoder.max_b_frames = 0
    encoder.thread_count = 1
    return encoder


def _rate_control(codec: Codec, kbps: int, *, still: bool) -> str:
    """Left alone, rate control refines a still picture frame by frame, so what follows its key frame is held coarse.

    Both ways keep the encoder in the mode of the moving loop, and with it the parameter sets.
    """
    if not still:
        return f"vbv-maxrate={kbps}:vbv-bufsize={kbps}"
    return "zones=0,0,q=28/1,1000,q=51" if codec is Codec.H264 else "qpmin=28:qpmax=28"


def _jpeg(picture: Picture, size: PictureSize) -> bytes:
    encoder = av.CodecContext.create("mjpeg", "w")
    if not isinstance(encoder, VideoCodecContext):
        raise TypeError("a video codec has a video context")
    encoder.width, encoder.height, encoder.pix_fmt = size.width, size.height, "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(picture, format="yuv420p").reformat(format="yuvj420p")
    frame.pts = 0
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def split_nals(annex_b: bytes) -> Iterable[bytes]:
    """The NAL units of a byte stream with start codes (H.264 and H.265 annex B)."""
    # A NAL unit never ends with a zero byte, so zeros before a start code belong to the start code.
    return (nal for nal in (part.rstrip(b"\0") for part in islice(annex_b.split(b"\0\0\1"), 1, None)) if nal)


def nal_type(codec: Codec, nal: bytes) -> int:
    """The type in the NAL unit's header (H.264 table 7-1, H.265 table 7-1)."""
    return nal[0] & 0x1F if codec is Codec.H264 else (nal[0] >> 1) & 0x3F


def _is_parameter_set(codec: Codec, nal: bytes) -> bool:
    return nal_type(codec, nal) in ({7, 8} if codec is Codec.H264 else {32, 33, 34})


def _is_sent(codec: Codec, nal: bytes) -> bool:
    """Slices and parameter sets; what the encoder says about itself in SEI is left out."""
    return nal_type(codec, nal) not in ({6, 9} if codec is Codec.H264 else {35, 39, 40})
