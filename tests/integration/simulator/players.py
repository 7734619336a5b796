"""Players that none of us wrote, each as a process of its own."""

import asyncio
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from services.simulator.device import PASSWORD, USERNAME

PLAYERS = Path(__file__).parent


def with_credentials(url: str, username: str = USERNAME, password: str = PASSWORD) -> str:
    """The URL as ffmpeg wants it."""
    where = urlsplit(url)
    user = f"{quote(username, safe='')}:{quote(password, safe='')}"
    return where._replace(netloc=f"{user}@{where.netloc}").geturl()


@dataclass(frozen=True)
class Played:
    """How a player fared. ``complaints`` is all it wrote at level error."""

    status: int
    frames: int
    complaints: str


async def ffmpeg(url: str, seconds: float, *, within_s: float = 30) -> Played:
    """Decode for a while."""
    status, out, complaints = await _run(
        "ffmpeg", "-nostdin", "-v", "error", "-progress", "-", "-rtsp_transport", "tcp", "-i", url,
        "-t", str(seconds), "-f", "null", "/dev/null", within_s=within_s,
    )  # fmt: skip
    return Played(status, int(re.findall(r"frame=(\d+)", out)[-1]) if "frame=" in out else 0, complaints)


async def ffprobe(url: str) -> dict[str, Any]:
    """What ffprobe says of the first stream."""
    shown = "stream=codec_name,width,height,avg_frame_rate"
    status, out, complaints = await _run(
        "ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_entries", shown, "-of", "json", url, within_s=20
    )
    assert status == 0, complaints
    assert complaints == ""
    first: dict[str, Any] = json.loads(out)["streams"][0]
    return first


async def pyav(url: str, frames: int) -> dict[str, Any]:
    """What ``pyav_player.py`` saw."""
    return await _player("pyav_player.py", url, str(frames))


async def onvif_zeep(port: int, username: str = USERNAME, password: str = PASSWORD, *options: str) -> dict[str, Any]:
    """What ``zeep_client.py`` was told."""
    return await _player("zeep_client.py", str(port), username, password, *options)


async def _player(script: str, *arguments: str) -> dict[str, Any]:
    status, out, complaints = await _run(sys.executable, str(PLAYERS / script), *arguments, within_s=40)
    assert status == 0, complaints
    told: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    return told


async def _run(program: str, *arguments: str, within_s: float) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(within_s):
            out, complaints = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
        raise
    return process.returncode or 0, out.decode(), complaints.decode()
