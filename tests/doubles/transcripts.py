"""Conversations with odd RTSP servers, written by us after what was seen of them: ``tests/data/rtsp/*.rtsp``.

A transcript begins with lines ``# …``: what is odd, and ``# Evidence: …``, where it was seen. Then the camera's words, in
turns:

* ``--- SETUP`` or ``--- SETUP rtsp://…``: the answer to our next request, which must have this method (and this URL).
* ``--- MEDIA 0 5``: five access units of H.264, 25 to the second, as RTP on interleaved channel 0.
* ``--- MEDIA 0 5 deadbeef``: the same from another source (SSRC, hexadecimal).
* ``--- FRAME 1 80c8…``: one interleaved frame on channel 1, its payload in hexadecimal.
* ``--- UNASKED``: words that answer nothing.

Words end their lines with CR LF, or with LF alone after ``# Lines: LF``. A first line ``Content-Length: *`` in the
headers becomes the length of the body, which ends where the turn ends. ``192.0.2.7`` stands for the camera.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from tests.doubles.rtp_packets import SSRC, h264_units, interleaved

FOLDER = Path(__file__).parent.parent / "data" / "rtsp"

_TURN = re.compile(r"^--- (.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Turn:
    """What the camera says next, and, when it is an answer, to what."""

    said: bytes
    method: str | None = None
    uri: str | None = None


@dataclass(frozen=True)
class Transcript:
    """One conversation. ``notes`` are the lines of its head, without their sign."""

    name: str
    notes: tuple[str, ...]
    turns: tuple[Turn, ...] = field(repr=False)


def names() -> list[str]:
    """The names of all transcripts."""
    return sorted(path.stem for path in FOLDER.glob("*.rtsp"))


def read(name: str) -> Transcript:
    """One transcript by its name."""
    head, *parts = _TURN.split((FOLDER / f"{name}.rtsp").read_text("utf-8"))
    notes = tuple(line.removeprefix("#").strip() for line in head.splitlines())
    line_end = b"\n" if "Lines: LF" in notes else b"\r\n"
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return Transcript(name, notes, tuple(_turn(what, words, line_end) for what, words in pairs))


def _turn(what: str, words: str, line_end: bytes) -> Turn:
    kind, *rest = what.split()
    if kind == "MEDIA":
        channel, count, *source = rest
        return Turn(b"".join(_media(int(channel), int(count), int(source[0], 16) if source else SSRC)))
    if kind == "FRAME":
        return Turn(interleaved(bytes.fromhex(rest[1]), int(rest[0])))
    said = _with_length(words.encode("latin-1").replace(b"\n", line_end), line_end)
    return Turn(said) if kind == "UNASKED" else Turn(said, kind, rest[0] if rest else None)


def _media(channel: int, count: int, ssrc: int) -> Iterator[bytes]:
    source = ssrc.to_bytes(4, "big")
    for unit in islice(h264_units(), count):
        for packet in unit:
            yield interleaved(packet[:8] + source + packet[12:], channel)


def _with_length(said: bytes, line_end: bytes) -> bytes:
    head, blank, body = said.partition(line_end * 2)
    return head.replace(b"Content-Length: *", b"Content-Length: %d" % len(body)) + blank + body
