"""Session descriptions (RFC 8866): the first video track of a camera's, read within bounds; and one of our own.

Nothing a camera wrote reaches FFmpeg as it is: ``render`` writes a new description from checked values.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.ingest.rtsp.errors import RtspProtocolError

MAX_LINES = 1000
MAX_LINE_CHARS = 8 * 1024
MAX_MEDIA = 32

#: RFC 3551 fixes these without an rtpmap; of them only JPEG is a picture that cameras send.
_STATIC_PAYLOADS = {26: ("JPEG", 90_000)}
_SPELLINGS = {"HEVC": "H265"}
_CODECS = {"H264": "h264", "H265": "h265", "JPEG": "mjpeg"}

_RTPMAP = re.compile(r"(\d{1,3})\s+([\w.+-]{1,40})\s*/\s*(\d{1,9})(?:/\S*)?\s*", re.ASCII)
_FMTP = re.compile(r"(\d{1,3})\s+(.*)", re.ASCII)
_MEDIA = re.compile(r"(\w+)\s+\d+(?:/\d+)?\s+(\S+)\s+(\d{1,3})(?:\s.*)?", re.ASCII)
_FRAMERATE = re.compile(r"\d{1,3}(?:\.\d{1,6})?", re.ASCII)

#: Names under which an fmtp attribute holds parameter sets (RFC 6184 section 8.1, RFC 7798 section 7.1).
PARAMETER_SETS = {"H264": ("sprop-parameter-sets",), "H265": ("sprop-vps", "sprop-sps", "sprop-pps"), "JPEG": ()}
#: Plain numbers that a decoder may need, beside the parameter sets.
_PLAIN = {
    "H264": {"packetization-mode": re.compile(r"[01]"), "profile-level-id": re.compile(r"[0-9A-Fa-f]{6}")},
    "H265": {},
    "JPEG": {},
}


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The first video track of a session. ``encoding`` is in upper case, ``fmtp`` has its names in lower case."""

    payload_type: int
    encoding: str
    clock_rate: int
    fmtp: Mapping[str, str] = field(default_factory=dict)
    control: str | None = None
    framerate: float | None = None
    has_audio: bool = False

    @property
    def codec(self) -> str | None:
        """``h264``, ``h265``, ``mjpeg``; None when we cannot read it."""
        if self.fmtp.get("packetization-mode") == "2" or self.fmtp.get("sprop-max-don-diff", "0") != "0":
            return None  # Interleaved decoding order: no camera we know of sends it, and nothing here reads it.
        return _CODECS.get(self.encoding)


@dataclass(frozen=True, slots=True)
class Description:
    """What a DESCRIBE told. ``control`` is that of the whole session."""

    video: VideoTrack | None
    has_audio: bool
    control: str | None


def parse(body: bytes) -> Description:
    """Read a description. Raises RtspProtocolError for what is no SDP, or is beyond the bounds."""
    lines = body.decode("latin-1").replace("\r", "\n").strip("\n\0 ").split("\n")
    if len(lines) > MAX_LINES or any(len(line) > MAX_LINE_CHARS for line in lines):
        raise RtspProtocolError("a description with too many or too long lines")
    if not lines[0].startswith(("v=", "m=")):  # go2rtc issue 679: a camera that leaves out all but the media
        raise RtspProtocolError("a description that begins with neither a version nor a track")
    sections: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line.strip())
    session, *media = sections
    if len(media) > MAX_MEDIA:
        raise RtspProtocolError(f"a description with more than {MAX_MEDIA} tracks")
    has_audio = any(section[0].startswith("m=audio") for section in media)
    video = next((section for section in media if section[0].startswith("m=video")), None)
    return Description(
        video=_video_track(video, has_audio=has_audio) if video else None,
        has_audio=has_audio,
        control=_attribute(session, "control"),
    )


def _video_track(section: list[str], *, has_audio: bool) -> VideoTrack:
    media = _MEDIA.fullmatch(section[0].removeprefix("m="))
    if media is None or "RTP" not in media[2].upper() or int(media[3]) > 127:
        raise RtspProtocolError("a video track that is not RTP")
    payload_type = int(media[3])
    encoding, clock_rate = _STATIC_PAYLOADS.get(payload_type, ("", 90_000))
    fmtp: dict[str, str] = {}
    framerate = None
    for line in section:
        if line.startswith("a=rtpmap:") and (found := _RTPMAP.fullmatch(line[9:])) and int(found[1]) == payload_type:
            encoding, clock_rate = found[2].upper(), int(found[3])
        elif line.startswith("a=fmtp:") and (found := _FMTP.fullmatch(line[7:])) and int(found[1]) == payload_type:
            fmtp = _parameters(found[2])
        elif line.startswith("a=framerate:") and (found := _FRAMERATE.fullmatch(line[12:].strip())):
            # H264DVR recorders write "0S" into one of two such lines (retina's recording h264dvr_describe).
            framerate = float(found[0]) or framerate
    if not clock_rate:
        raise RtspProtocolError("a video track whose clock stands still")
    return VideoTrack(
        payload_type=payload_type,
        encoding=_SPELLINGS.get(encoding, encoding),
        clock_rate=clock_rate,
        fmtp=fmtp,
        control=_attribute(section, "control"),
        framerate=framerate,
        has_audio=has_audio,
    )


def _attribute(section: list[str], name: str) -> str | None:
    prefix = f"a={name}:"
    return next((line[len(prefix) :].strip() for line in section if line.startswith(prefix)), None)


def _parameters(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}


def render(track: VideoTrack) -> bytes:
    """A description of this track alone, for a player of ours. The track's control is ``video``.

    Only numbers that were parsed and parameter sets that were decoded and encoded again stand in it.
    """
    lines = [
        "v=0",
        "o=- 0 0 IN IP4 127.0.0.1",
        "s=camera",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        "a=control:*",
        f"m=video 0 RTP/AVP {track.payload_type}",
        f"a=rtpmap:{track.payload_type} {track.encoding}/{track.clock_rate}",
    ]
    if parameters := _checked_parameters(track):
        lines.append(f"a=fmtp:{track.payload_type} {';'.join(parameters)}")
    if track.framerate:
        lines.append(f"a=framerate:{track.framerate:g}")
    return "\r\n".join([*lines, "a=control:video", ""]).encode("ascii")


def _checked_parameters(track: VideoTrack) -> list[str]:
    checked = [
        f"{name}={track.fmtp[name]}"
        for name, pattern in _PLAIN.get(track.encoding, {}).items()
        if pattern.fullmatch(track.fmtp.get(name, ""))
    ]
    for name in PARAMETER_SETS.get(track.encoding, ()):
        sets = [_recoded(text) for text in track.fmtp.get(name, "").split(",")[:16]]
        if kept := [text for text in sets if text]:
            checked.append(f"{name}={','.join(kept)}")
    return checked


def _recoded(text: str) -> str:
    try:
        data = base64.b64decode(text.strip() + "=" * (-len(text.strip()) % 4), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(data).decode("ascii")
