"""The ffmpeg of Debian as an independent player."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Played:
    """What ffmpeg makes of a file: frames it decoded, the length it says, the sample entry, and its complaints."""

    frames: int
    duration_s: float
    tag: str
    complaints: str


async def played(path: Path) -> Played:
    """Decode all of a file."""
    complaints = await _run("ffmpeg", "-v", "warning", "-xerror", "-i", str(path), "-f", "null", "-", stderr=True)
    told = await _run(
        *("ffprobe", "-v", "error", "-count_frames", "-of", "json"),
        *("-show_entries", "stream=codec_tag_string,nb_read_frames,duration", str(path)),
    )
    stream = json.loads(told)["streams"][0]
    return Played(int(stream["nb_read_frames"]), float(stream["duration"]), stream["codec_tag_string"], complaints)


async def _run(*command: str, stderr: bool = False) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        out, errors = await process.communicate()
    return (errors if stderr else out).decode()
