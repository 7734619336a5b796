"""Players that none of us wrote, each asked to watch a stream for a while: PyAV, and ffmpeg of Debian."""

import asyncio
import logging
from dataclasses import dataclass
from fractions import Fraction

import av
import av.logging

_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Seen:
    """What a player saw."""

    frames: int
    key_frames: int
    codec: str
    size: tuple[int, int]
    seconds: float
    #: What FFmpeg complained of.
    complaints: tuple[str, ...]


def _watch(url: str, seconds: float) -> Seen:
    """No ``timeout=``: its callback takes the GIL. The relay bounds the time instead."""
    av.logging.set_level(av.logging.WARNING)
    frames = key_frames = 0
    last = Fraction(0)
    with av.logging.Capture(local=False) as complaints, av.open(url, options={"rtsp_transport": "tcp"}) as container:
        stream = container.streams.video[0]
        for frame in container.decode(stream):
            frames += 1
            key_frames += frame.key_frame
            if frame.pts is not None and frame.time_base is not None:
                last = frame.pts * frame.time_base
            if last >= seconds:
                break
        codec, size = stream.codec_context.name, (stream.codec_context.width, stream.codec_context.height)
    words = tuple(f"{logging.getLevelName(level)} {name}: {text}" for level, name, text in complaints)
    return Seen(frames, key_frames, codec, size, float(last), words)


async def watch_with_pyav(url: str, seconds: float) -> Seen:
    """Open and decode with PyAV, in a thread, until the stream has gone on for so many seconds or ended."""
    async with asyncio.timeout(_PATIENCE_S):
        return await asyncio.to_thread(_watch, url, seconds)


async def watch_with_ffmpeg(url: str, seconds: float, *options: str) -> tuple[int, str]:
    """Exit code and complaints of ``ffmpeg`` decoding for so many seconds."""
    process = await asyncio.create_subprocess_exec(
        "ffmpeg",
        *("-nostdin", "-v", "warning", *options, "-i", url, "-t", str(seconds), "-an", "-f", "null", "-"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_PATIENCE_S):
            _, complaints = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return process.returncode, complaints.decode()
