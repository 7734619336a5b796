"""What a SETUP is answered with: the session's name and patience, and the interleaved channels."""

import re

from services.ingest.rtsp.errors import RtspProtocolError

#: RFC 2326 section 12.37: sixty seconds when the server names none.
DEFAULT_TIMEOUT_S = 60.0

_TIMEOUT = re.compile(r";\s*timeout\s*=\s*(\d{1,5})", re.ASCII | re.IGNORECASE)
_SESSION_ID = re.compile(r"[!-:<-~]{1,256}", re.ASCII)
_SERVER_PORT = re.compile(r"server_port\s*=\s*(\d{1,5})(?:\s*-\s*(\d{1,5}))?", re.ASCII | re.IGNORECASE)
_INTERLEAVED = re.compile(r"interleaved\s*=\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?", re.ASCII | re.IGNORECASE)


def parse_session(value: str) -> tuple[str, float | None]:
    """Identifier and timeout in seconds of a ``Session`` header. Raises RtspProtocolError for an unusable identifier."""
    session_id = value.partition(";")[0].strip()
    if not _SESSION_ID.fullmatch(session_id):
        raise RtspProtocolError("a session identifier that is empty, too long or not printable")
    timeout = _TIMEOUT.search(value)
    return session_id, (float(timeout[1]) or None) if timeout else None


def parse_server_ports(value: str | None) -> tuple[int, int] | None:
    """The ports from which a camera sends RTP and RTCP over UDP; None when it does not tell. Raises RtspProtocolError
    when the transport is not UDP to us alone.
    """
    first = (value or "").split(",")[0]
    if "TCP" in first.upper() or "MULTICAST" in first.upper() or "interleaved" in first:
        raise RtspProtocolError("asked for RTP over UDP, the camera answers with another transport")
    found = _SERVER_PORT.search(first)
    if found is None:
        return None
    rtp = int(found[1])
    ports = rtp, int(found[2]) if found[2] else rtp + 1
    return ports if all(0 < port <= 0xFFFF for port in ports) else None


def parse_transport(value: str | None) -> tuple[int, int] | None:
    """The channels of RTP and RTCP in a ``Transport`` header; those we asked for when it names none; None when the
    transport is not TCP. Raises RtspProtocolError for channels that do not exist.
    """
    first = (value or "").split(",")[0]
    if found := _INTERLEAVED.search(first):
        rtp = int(found[1])
        rtcp = int(found[2]) if found[2] else rtp + 1
        if rtp > 255 or rtcp > 255:
            raise RtspProtocolError("an interleaved channel beyond 255")
        return rtp, rtcp
    return (0, 1) if not first or "TCP" in first.upper() else None
