"""What the fuzzers begin with beside the kept cases: the words of the odd servers in ``tests/data/rtsp``."""

import re
from collections.abc import Iterator

from tests.doubles import transcripts
from tests.doubles.transcripts import Transcript

_CHALLENGE = re.compile(rb"WWW-Authenticate: *([^\r\n]*)")
_LOCATION = re.compile(rb"Location: *([^\r\n]*)")
_SETUP_PARTS = tuple(
    re.compile(pattern) for pattern in (rb"Session: *(.*)", rb"Transport: *(.*)", rb"a=control:(.*)", rb"-Base: *(.*)")
)


def seeds(target: str) -> Iterator[bytes]:
    """Inputs for one target."""
    for name in transcripts.names():
        yield from _of(target, transcripts.read(name))


def _of(target: str, transcript: Transcript) -> Iterator[bytes]:
    turns = [turn.said for turn in transcript.turns]
    whole = b"".join(turns)
    match target:
        case "messages":
            yield from (said for said in turns if said[:1] != b"$")
        case "auth":
            yield b"\n".join(_CHALLENGE.findall(whole))
        case "sdp":
            yield from (body for said in turns if b"m=" in (body := re.split(rb"\r?\n\r?\n", said, maxsplit=1)[-1]))
        case "setup":
            found = [part.findall(whole) for part in _SETUP_PARTS]
            yield b"\n".join((values[-1] if values else b"").strip() for values in found)
        case "redirects":
            yield from _LOCATION.findall(whole)
        case "framing" | "intake":
            yield from (whole + bytes([cuts, choice]) for cuts, choice in ((0, 0), (1, 1), (2, 2), (3, 11)))
        case "rtp" | "keyframe":
            yield from (said + bytes([0, choice]) for said in turns if said[:1] == b"$" for choice in range(3))
        case _:
            return
