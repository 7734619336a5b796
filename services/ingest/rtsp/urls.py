"""Request URLs and control URLs as real cameras need them. They are text for the request line only: whatever host
stands in one, the connection stays the one we made to the checked address."""

from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from services.contracts.camera import RtspSource
from services.ingest.rtsp.errors import RtspProtocolError

MAX_URL_CHARS = 2048

#: Everything printable stays as it was registered; blanks, control and foreign characters are percent-encoded.
_KEPT = "".join(chr(code) for code in range(0x21, 0x7F))


def request_url(source: RtspSource) -> str:
    """The URL of a stream, without credentials. ValueError when the address is not a plain IP address."""
    address = ip_address(source.address)
    if "%" in source.address:
        raise ValueError("a scoped address names no single device")
    host = f"[{address}]" if address.version == 6 else str(address)
    return f"{'rtsps' if source.tls else 'rtsp'}://{host}:{source.port}{quote(source.path, safe=_KEPT)}"


def base_url(requested: str, content_base: str | None, content_location: str | None) -> str:
    """What relative control URLs are relative to (RFC 2326 appendix C.1.1). Nonsense in a header is passed over."""
    for candidate in (content_base, content_location):
        if candidate and _is_absolute(candidate) and _can_be_split(candidate):
            return _bounded(candidate)
    return requested


def control_url(base: str, control: str | None) -> str:
    """The URL that a control attribute means.

    Relative ones are appended to the base, query and all, as FFmpeg and live555 do. Resolving them like links of a web
    page breaks Dahua, whose base is ``…/cam/realmonitor?channel=1&subtype=0&unicast=true&proto=Onvif/``, and the
    recorders whose base ends in a query without a slash (retina's recordings dahua_describe and gw_main_describe).
    """
    if not control or control == "*":
        return base
    if _is_absolute(control):
        return _bounded(control)
    if control.startswith("/"):
        # An absolute path only where it leads below the base; otherwise a track name with a slash too many.
        root = urlsplit(base)
        if control.startswith(root.path.rstrip("/") + "/") and root.path.strip("/"):
            return _bounded(f"{root.scheme}://{root.netloc}{control}")
    return _bounded(f"{base.rstrip('/')}/{control.lstrip('/')}")


def _is_absolute(text: str) -> bool:
    return text.lower().startswith(("rtsp://", "rtspu://", "rtsps://"))


def _can_be_split(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:  # brackets around what is no IPv6 address
        return False
    return True


def _bounded(url: str) -> str:
    if len(url) > MAX_URL_CHARS or not all("!" <= char <= "~" for char in url):
        raise RtspProtocolError("a URL that is too long or not printable")
    return url
