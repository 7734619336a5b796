"""The session description of one mount (RFC 8866, RFC 6184 section 8.2.1, RFC 7798 section 7.2.1)."""

from base64 import b64encode

from services.simulator.pictures import Codec, Loop
from services.simulator.rtp import CLOCK_RATE, PAYLOAD_TYPE

#: The control attribute of the only track, relative to Content-Base.
TRACK = "trackID=0"


def describe(loop: Loop, *, title: str, host: str, session_id: int) -> str:
    """The SDP of a mount that plays this loop. ``host`` is an address of either family."""
    family, anywhere = ("IP6", "::") if ":" in host else ("IP4", "0.0.0.0")  # noqa: S104 - SDP for "sender unspecified"
    size = loop.format.size
    lines = [
        "v=0",
        f"o=- {session_id} 1 IN {family} {host}",
        f"s={title}",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"c=IN {family} {anywhere}",
        f"b=AS:{loop.format.kbps * 5 // 4}",
        f"a=rtpmap:{PAYLOAD_TYPE} {loop.codec.value.upper()}/{CLOCK_RATE}",
        f"a=fmtp:{PAYLOAD_TYPE} {_parameters(loop)}",
        f"a=framerate:{loop.format.fps}",
        f"a=x-dimensions:{size.width},{size.height}",
        "a=recvonly",
        f"a=control:{TRACK}",
    ]
    return "\r\n".join(lines) + "\r\n"


def _parameters(loop: Loop) -> str:
    sets = [b64encode(nal).decode() for nal in loop.parameter_sets]
    if loop.codec is Codec.H264:
        level = loop.parameter_sets[0][1:4].hex().upper()
        return f"packetization-mode=1;profile-level-id={level};sprop-parameter-sets={','.join(sets)}"
    vps, sps, pps = sets
    return f"sprop-vps={vps};sprop-sps={sps};sprop-pps={pps}"
