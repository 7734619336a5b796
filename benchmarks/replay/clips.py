"""The clips that are played: the simulator's corridor, encoded by x264 at the sizes and rates of the measurements.

A clip consists of whole groups of pictures of GROUP_FRAMES frames, each begun by an IDR picture with its parameter
sets, without B-frames. So it can be repeated without end, and one clip can follow another at any key frame.
"""

import os
import struct
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat
from pathlib import Path

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from services.simulator.pictures import AccessUnit, Codec, nal_type, split_nals
from services.simulator.scene import Look, Picture, PictureSize, Scene

FPS = 25
#: Two seconds, as most cameras come from the factory.
GROUP_FRAMES = 50
#: Raise it when what is encoded changes: clips are kept on disk.
_EDITION = 2
_LYING_SIGMA = 5.0
_STIRRING_SIGMA = 8.0
_STIRRING_SHARE = 0.07
_UNIT = struct.Struct(">?I")


@dataclass(frozen=True, slots=True)
class Clip:
    """What to encode. ``groups``: so many different groups of pictures, a prime number, so that whoever looks at a key
    frame every 30 seconds never sees the same one twice running."""

    name: str
    width: int
    height: int
    kbps: int
    groups: int
    #: Still grain all over the picture, and grain that stirs in its left part, so that key frames become as large as those
    #: of a camera that looks at gravel and leaves. The rate then follows from the quantizer.
    gravel: bool = False
    #: One and the same picture all the time.
    frozen: bool = False


CLIPS = {
    clip.name: clip
    for clip in (
        Clip("360p-200k", 640, 360, 200, groups=17),
        Clip("360p-1M", 640, 360, 1000, groups=17),
        Clip("360p-2M", 640, 360, 2000, groups=17),
        Clip("1080p-4M", 1920, 1080, 4000, groups=7),
        Clip("1080p-8M", 1920, 1080, 8000, groups=3, gravel=True),
        Clip("360p-200k-frozen", 640, 360, 200, groups=1, frozen=True),
        Clip("360p-1M-frozen", 640, 360, 1000, groups=1, frozen=True),
    )
}


def frozen_clip_of(name: str) -> str:
    """The clip that a camera playing ``name`` would freeze to. KeyError when there is none."""
    return CLIPS[f"{name}-frozen"].name


def units_of(name: str) -> list[AccessUnit]:
    """The encoded pictures of a clip: from the cache on disk, or encoded now (0.5 to 20 s of CPU) and kept."""
    clip = CLIPS[name]
    path = Path(tempfile.gettempdir()) / f"vonggac-clips-{os.getuid()}" / f"{name}-{_EDITION}.units"
    if path.exists():
        return list(_read(path.read_bytes()))
    units = _encode(clip)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_bytes(_written(units))
    draft.rename(path)
    return units


def _written(units: Iterable[AccessUnit]) -> bytes:
    parts = []
    for unit in units:
        body = b"".join(b"\0\0\1" + nal for nal in unit.nals)
        parts += [_UNIT.pack(unit.key, len(body)), body]
    return b"".join(parts)


def _read(data: bytes) -> Iterator[AccessUnit]:
    position = 0
    while position < len(data):
        key, size = _UNIT.unpack_from(data, position)
        position += _UNIT.size
        yield AccessUnit(tuple(split_nals(data[position : position + size])), key)
        position += size


def _encode(clip: Clip) -> list[AccessUnit]:
    scene = Scene(
        Look.named("replay"),
        PictureSize(clip.width, clip.height),
        frames=clip.groups * GROUP_FRAMES,
        fps=FPS,
    )
    pictures: Iterator[Picture] = scene.moving()
    if clip.frozen:
        pictures = repeat(next(pictures), GROUP_FRAMES)
    if clip.gravel:
        pictures = _on_gravel(pictures, clip)
    encoder = _encoder(clip)
    packets = []
    for index, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = index
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return [AccessUnit(tuple(filter(_is_sent, split_nals(bytes(packet)))), packet.is_keyframe) for packet in packets]


def _on_gravel(pictures: Iterable[Picture], clip: Clip) -> Iterator[Picture]:
    random = np.random.default_rng(1)
    lying = (random.standard_normal((clip.height, clip.width)) * _LYING_SIGMA).astype(np.int16)
    stirring = int(clip.width * _STIRRING_SHARE)
    for picture in pictures:
        luma = picture[: clip.height] + lying
        luma[:, :stirring] += (random.standard_normal((clip.height, stirring)) * _STIRRING_SIGMA).astype(np.int16)
        picture[: clip.height] = np.clip(luma, 16, 235)
        yield picture


def _encoder(clip: Clip) -> VideoCodecContext:
    encoder = av.CodecContext.create("libx264", "w")
    if not isinstance(encoder, VideoCodecContext):
        raise TypeError("a video codec has a video context")
    parameters = [
        f"keyint={GROUP_FRAMES}:min-keyint={GROUP_FRAMES}:scenecut=0:open-gop=0:bframes=0",
        "level=42:rc-lookahead=0:sync-lookahead=0",
    ]
    if clip.gravel:
        parameters.append("qp=28:ipratio=10")  # found by trying: 1 MB for a key frame, 20 kB for the others
    elif clip.frozen:  # left alone, rate control refines a still from key frame to key frame
        parameters.append("zones=0,0,q=28/1,1000,q=51")
    else:  # it may take a whole group to come out even, as with cameras: the key frame takes what it needs
        parameters.append(f"vbv-maxrate={clip.kbps}:vbv-bufsize={2 * clip.kbps}")
    encoder.options = {"preset": "superfast", "x264-params": ":".join(parameters)}
    encoder.width, encoder.height, encoder.pix_fmt = clip.width, clip.height, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(FPS), Fraction(1, FPS)
    encoder.bit_rate = 0 if clip.gravel else clip.kbps * 1000
    encoder.gop_size = GROUP_FRAMES
    encoder.max_b_frames = 0
    encoder.thread_count = 1
    return encoder


def _is_sent(nal: bytes) -> bool:
    """Slices and parameter sets; what the encoder says about itself in SEI is left out."""
    return nal_type(Codec.H264, nal) not in {6, 9}
