"""The addresses that a device names for itself, as wrong as its quirks make them. Pure."""

from urllib.parse import quote

from services.simulator.quirks import Quirk

#: The port that a device behind NAT listens on inside.
_INNER_PORT = 80
_OTHER_INNER_PORT = 8080
#: What a host name of the device's own resolves to on Debian.
_OWN_NAME_HOST = "127.0.1.1"


def service_url(host: str, port: int, path: str, quirks: frozenset[Quirk]) -> str:
    """The address of a service or snapshot over HTTP."""
    if Quirk.SERVICE_PORT_WRONG in quirks:
        port = _OTHER_INNER_PORT if port == _INNER_PORT else _INNER_PORT
    return _written(f"http://{_authority(host, port, quirks)}{path}", quirks)


def stream_url(host: str, port: int, path: str, login: tuple[str, str], quirks: frozenset[Quirk]) -> str:
    """The address of a stream over RTSP; ``login`` is user and password."""
    if Quirk.STREAM_HOST_WRONG in quirks:
        host = _OWN_NAME_HOST
    if Quirk.STREAM_PORT_WRONG in quirks:
        port = 80
    user = f"{quote(login[0], safe='')}:{quote(login[1], safe='')}@" if Quirk.STREAM_CREDENTIALS in quirks else ""
    return _written(f"rtsp://{user}{_authority(host, port, quirks)}{path}", quirks)


def _authority(host: str, port: int, quirks: frozenset[Quirk]) -> str:
    bracketed = f"[{host}]" if ":" in host else host
    return f"{bracketed}:{port}:{port}" if Quirk.DOUBLED_PORT in quirks else f"{bracketed}:{port}"


def _written(url: str, quirks: frozenset[Quirk]) -> str:
    return f"\n  {url}\n  {url}&second\n" if Quirk.URI_LINE_BREAKS in quirks else url
