"""Addresses as devices write them: full of surprises, and never followed.

Of a stream address we keep port, path and query; of a service address path and query. The host is always the one we
reached, since devices name inner, stale and foreign ones (home-assistant/core issue 163938: the wrong camera was shown).
"""

import re
from dataclasses import dataclass
from urllib.parse import quote

RTSP_PORT = 554

_MAX_LENGTH = 2048
_URL = re.compile(r"(?P<scheme>rtsp|https?)://(?P<rest>.+)", re.IGNORECASE)
_IP_HOST = r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.%]+\])(?::\d*)*(?=[/?#]|$)"
_STARTS_WITH_IP = re.compile(_IP_HOST)
_IP_AFTER_USER_INFO = re.compile(f"@(?={_IP_HOST})")
_TARGET = re.compile(r"[/?#]")
_HOST_AND_PORTS = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.%]+\])(?P<ports>(?::\d+)*):?")
_BARE_IPV6 = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f:.%]*")
_PASSWORD_IN_TARGET = re.compile(r"(?i)(pass(?:word|wd)?|pwd)=[^&_;/?]*")
#: What may stand in the path and query of a request line: the characters of RFC 3986, and "%" as the device wrote it.
_SAFE = "/?:@!$&'()*+,;=-._~%[]"


@dataclass(frozen=True, slots=True)
class StreamUri:
    """What is kept of a stream address. ``original`` is what the device said, without credentials."""

    port: int
    path: str
    original: str


def read_stream_uri(text: str | None) -> StreamUri | None:
    """The first RTSP address in ``text``, or None when there is none.

    Some devices put line breaks or several addresses into one field (AlexxIT/go2rtc issues 638, 662, 884).
    """
    for candidate in (text or "").split():
        parts = _split(candidate, {"rtsp"})
        if parts is not None:
            authority, port, target = parts
            shown = _PASSWORD_IN_TARGET.sub(r"\1=…", target)
            return StreamUri(
                port=port or RTSP_PORT, path=_request_target(target), original=f"rtsp://{authority}{shown}"
            )
    return None


def service_path(xaddr: str | None) -> str | None:
    """Path and query of the first HTTP address in ``xaddr``, or None when there is none."""
    for candidate in (xaddr or "").split():
        if candidate.startswith("/") and not candidate.startswith("//"):
            return _request_target(candidate[:_MAX_LENGTH])
        parts = _split(candidate, {"http", "https"})
        if parts is not None:
            return _request_target(parts[2])
    return None


def snapshot_path(uri: str | None) -> str | None:
    """Path and query of a picture over HTTP; None for any other address (home-assistant/core issue 66554 has rtsp://),
    and for one whose query holds a password, which would stand open wherever it is kept."""
    path = service_path(uri)
    return None if path is None or _PASSWORD_IN_TARGET.search(path) else path


def _split(url: str, schemes: set[str]) -> tuple[str, int | None, str] | None:
    """Authority without user info, port, and the rest; None if the URL has another scheme or no host."""
    match = _URL.fullmatch(url) if len(url) <= _MAX_LENGTH else None
    if match is None or match["scheme"].lower() not in schemes:
        return None
    rest = _without_user_info(match["rest"])
    cut = _TARGET.search(rest)
    authority, target = (rest[: cut.start()], rest[cut.start() :]) if cut else (rest, "")
    named = _HOST_AND_PORTS.fullmatch(authority)
    if named is None:
        return (authority, None, target) if _BARE_IPV6.fullmatch(authority) else None
    # "host:8106:8106" (home-assistant/core issue 92603): the second port is a repetition.
    ports = [int(digits) for digits in named["ports"].split(":") if digits and len(digits) <= 5]
    port = ports[0] if ports and 0 < ports[0] < 65536 else None
    return authority, port, target


def _without_user_info(rest: str) -> str:
    """What follows "scheme://" without user and password (home-assistant/core issue 41815).

    Devices write the password as it is, and it may hold "/", "?", "#" and "@" (AlexxIT/go2rtc issue 703). The user info therefore ends
    at the first "@" that an IP address follows; only without one does the rule of RFC 3986 apply.
    """
    if _STARTS_WITH_IP.match(rest):
        return rest
    after = _IP_AFTER_USER_INFO.search(rest)
    if after is not None:
        return rest[after.end() :]
    cut = _TARGET.search(rest)
    authority = rest[: cut.start()] if cut else rest
    return rest[authority.rfind("@") + 1 :]


def _request_target(target: str) -> str:
    """Path and query, beginning with a slash, in ASCII without spaces and control characters."""
    target = target.partition("#")[0]
    return quote(target if target.startswith("/") else f"/{target}", safe=_SAFE)
