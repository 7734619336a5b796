"""From drawn pictures through a real encoder and decoder to the looks that the judge is given."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from services.ingest.media import pictures
from services.ingest.picture import LOOK_HEIGHT, LOOK_WIDTH, Luma
from tests.integration.media.judged_scenes import Picture

_DECODERS = {"libx264": "h264", "libx265": "hevc", "mjpeg": "mjpeg"}


@dataclass(frozen=True)
class Encoding:
    """How a run is encoded. ``rate`` is like ``crf=28``, ``kbps=300`` or ``qscale=5``; ``group`` counts frames of a third of a second."""

    encoder: str
    rate: str
    group: int = 3

    def __str__(self) -> str:
        return f"{self.encoder}-{self.rate}-{self.group}"


def planes(picture: Picture) -> NDArray[np.uint8]:
    """YUV 4:2:0 without colour."""
    luma = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return np.vstack([luma, np.full((luma.shape[0] // 2, luma.shape[1]), 128, np.uint8)])


def looks(pictures_shown: Iterable[Picture], encoding: Encoding) -> Iterator[Luma]:
    """The look of each key frame; one picture a group, its later frames repeat it."""
    for frame in key_frames(pictures_shown, encoding):
        yield np.frombuffer(pictures.luma(frame), np.uint8).reshape(LOOK_HEIGHT, LOOK_WIDTH)


def key_frames(pictures_shown: Iterable[Picture], encoding: Encoding) -> Iterator[av.VideoFrame]:
    """Encoded and decoded key frames. The caller decides what a group shows; within it nothing moves."""
    context: VideoCodecContext | None = None
    number = 0
    decoder = _DECODERS[encoding.encoder]
    for shown in pictures_shown:
        if context is None:
            context = _context(encoding, shown.shape[1], shown.shape[0])
        array = planes(shown)
        for _ in range(encoding.group):
            frame = av.VideoFrame.from_ndarray(array, format="yuv420p")
            if encoding.encoder == "mjpeg":
                frame = frame.reformat(format="yuvj420p")
            frame.pts, frame.time_base = number, context.time_base
            number += 1
            for packet in context.encode(frame):
                if packet.is_keyframe:
                    yield pictures.decode(decoder, [packet], context.extradata or b"").frames[0]
    if context is not None:
        for packet in context.encode(None):
            if packet.is_keyframe:
                yield pictures.decode(decoder, [packet], context.extradata or b"").frames[0]


def _context(encoding: Encoding, width: int, height: int) -> VideoCodecContext:
    context = cast(VideoCodecContext, av.CodecContext.create(encoding.encoder, "w"))
    context.width, context.height = width, height
    context.time_base, context.framerate = Fraction(1, 3), Fraction(3)
    context.thread_count = 1
    name, value = encoding.rate.split("=")
    if encoding.encoder == "mjpeg":
        context.pix_fmt = "yuvj420p"
        context.options = {"qmin": value, "qmax": value}
        return context
    context.pix_fmt = "yuv420p"
    context.gop_size = encoding.group
    keys = f"keyint={encoding.group}:min-keyint={encoding.group}:scenecut=0"
    quiet = "log-level=none:ctu=16:rd=1:pools=none:frame-threads=1:open-gop=0:repeat-headers=1"
    context.options = {
        "preset": "veryfast" if encoding.encoder == "libx264" else "ultrafast",
        "tune": "zerolatency",
        **({"x264-params": keys} if encoding.encoder == "libx264" else {"x265-params": f"{keys}:{quiet}"}),
        **({"crf": value} if name == "crf" else {}),
    }
    if name == "kbps":
        context.bit_rate = int(value) * 1000
    return context
