"""What is taken from the objects that zeep makes of replies. Every field may be missing or hold nonsense."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from services.contracts.identity import mac_of
from services.ingest.onvif.channels import MediaService, Profile, codec_name
from services.ingest.onvif.clock import device_time, local_time
from services.ingest.onvif.identity import Interface
from services.ingest.onvif.uris import service_path

_DATE_AND_TIME = frozenset({"Date", "Time", "Year", "Month", "Day", "Hour", "Minute", "Second"})
_ADDRESSES = frozenset({"Config", "Manual", "FromDHCP", "FromRA", "LinkLocal", "Address"})
#: What is read of long replies. The rest is left out before zeep sees them: it costs three quarters of reading.
READ: Mapping[str, frozenset[str]] = {
    "GetSystemDateAndTimeResponse": _DATE_AND_TIME
    | {"SystemDateAndTime", "DaylightSavings", "TimeZone", "TZ", "UTCDateTime", "LocalDateTime"},
    "GetServicesResponse": frozenset({"Service", "Namespace", "XAddr"}),
    "GetCapabilitiesResponse": frozenset(
        {"Capabilities", "Analytics", "Device", "Events", "Imaging", "Media", "PTZ", "XAddr"}
    ),
    "GetNetworkInterfacesResponse": _ADDRESSES | {"NetworkInterfaces", "Enabled", "Info", "HwAddress", "IPv4", "IPv6"},
    "GetProfilesResponse": frozenset(
        {"Profiles", "Name", "VideoSourceConfiguration", "VideoEncoderConfiguration", "SourceToken", "Encoding"}
        | {"Resolution", "Width", "Height", "Configurations", "VideoSource", "VideoEncoder"}
    ),
}

_MAX_TEXT = 128
_MAX_SERVICES = 64
_MAX_INTERFACES = 32
_MAX_SCOPES = 256
_MAX_TOKEN = 256
_MAX_PROFILES = 1024
_MAX_PIXELS = 32768


def text(answer: Any, *names: str) -> str | None:
    """The text of a member of a member, on one line; None when it is missing or empty."""
    value = _member(answer, *names)
    return one_line(value) if isinstance(value, str) else None


def one_line(value: str) -> str | None:
    """The text without line breaks and what cannot be printed, of bounded length; None when nothing is left."""
    line = " ".join(value.split())
    if not line.isprintable():
        line = "".join(letter for letter in line if letter.isprintable())
    return line[:_MAX_TEXT] or None


def system_time(answer: Any) -> datetime | None:
    """The device's time in a SystemDateTime: UTC, or else what its local time and time zone make."""
    told = _moment(answer, "UTCDateTime")
    if told is not None:
        return told
    local = _moment(answer, "LocalDateTime")
    if local is None:
        return None
    return local_time(local, text(answer, "TimeZone", "TZ"), saving=_member(answer, "DaylightSavings") is True)


def time_zone(answer: Any) -> tuple[str | None, bool]:
    """The time zone of a SystemDateTime, and whether daylight is being saved."""
    return text(answer, "TimeZone", "TZ"), _member(answer, "DaylightSavings") is True


def services(answer: Any) -> dict[str, str | None]:
    """The namespaces of the services in the answer to GetServices, each with its path where one is told."""
    told = ((text(item, "Namespace"), item) for item in _listed(answer, "Service")[:_MAX_SERVICES])
    return {namespace: service_path(_member(item, "XAddr")) for namespace, item in told if namespace}


def services_in_capabilities(answer: Any) -> dict[str, str | None]:
    """The same in the answer to GetCapabilities, which knows them by name only."""
    return {
        namespace: service_path(_member(answer, name, "XAddr"))
        for name, namespace in _NAMESPACES.items()
        if _member(answer, name) is not None
    }


_NAMESPACES = {
    "Analytics": "http://www.onvif.org/ver20/analytics/wsdl",
    "Device": "http://www.onvif.org/ver10/device/wsdl",
    "Events": "http://www.onvif.org/ver10/events/wsdl",
    "Imaging": "http://www.onvif.org/ver20/imaging/wsdl",
    "Media": "http://www.onvif.org/ver10/media/wsdl",
    "PTZ": "http://www.onvif.org/ver20/ptz/wsdl",
}


def interfaces(answer: Any) -> list[Interface]:
    """The network interfaces with a usable hardware address."""
    found = []
    for item in _listed(answer, "NetworkInterfaces")[:_MAX_INTERFACES]:
        mac = mac_of(text(item, "Info", "HwAddress"))
        if mac is not None:
            addresses = (*_addresses(_member(item, "IPv4", "Config")), *_addresses(_member(item, "IPv6", "Config")))
            found.append(Interface(mac, enabled=_member(item, "Enabled") is not False, addresses=addresses))
    return found


def rtsp_port(answer: Any) -> int | None:
    """The port of RTSP in the answer to GetNetworkProtocols."""
    for item in _listed(answer, "NetworkProtocols")[:_MAX_INTERFACES]:
        if text(item, "Name") == "RTSP" and _member(item, "Enabled") is not False:
            for port in _listed(item, "Port"):
                if isinstance(port, int) and 0 < port < 65536:
                    return port
    return None


def name_in_scopes(answer: Any) -> str | None:
    """The name in the answer to GetScopes. A scope is a URL, so that its letters are escaped, or should be."""
    for item in _listed(answer, "Scopes")[:_MAX_SCOPES]:
        scope = text(item, "ScopeItem") or ""
        kind, _, value = scope.partition("onvif://www.onvif.org/name/")
        if not kind and value:
            return one_line(unquote(value))
    return None


def profiles(answer: Any) -> list[Profile]:
    """The profiles in Media1's answer to GetProfiles; those without a usable token are left out."""
    return list(_profiles(answer, MediaService.MEDIA1, "VideoSourceConfiguration", "VideoEncoderConfiguration"))


def profiles2(answer: Any) -> list[Profile]:
    """The same in Media2's answer."""
    return list(_profiles(answer, MediaService.MEDIA2, "VideoSource", "VideoEncoder"))


def uri(answer: Any) -> str | None:
    """The address in the answer to GetStreamUri or GetSnapshotUri. Media2 gives it bare."""
    value = answer if isinstance(answer, str) else _member(answer, "Uri")
    return value if isinstance(value, str) else None


def _profiles(answer: Any, service: MediaService, source_name: str, encoder_name: str) -> Iterator[Profile]:
    for item in _listed(answer, "Profiles")[:_MAX_PROFILES]:
        token = _member(item, "token")
        if not isinstance(token, str) or not token or len(token) > _MAX_TOKEN or not token.isprintable():
            continue
        holder = _member(item, "Configurations") if service is MediaService.MEDIA2 else item
        source, encoder = _member(holder, source_name), _member(holder, encoder_name)
        yield Profile(
            token=token,
            name=text(item, "Name"),
            has_source=source is not None,
            source_token=text(source, "SourceToken") or text(source, "token"),
            has_encoder=encoder is not None,
            codec=codec_name(text(encoder, "Encoding")),
            width=_pixels(encoder, "Width"),
            height=_pixels(encoder, "Height"),
            services=service,
            configurations=tuple(filter(None, (text(source, "token"), text(encoder, "token")))),
        )


def _moment(answer: Any, name: str) -> datetime | None:
    date, time = _member(answer, name, "Date"), _member(answer, name, "Time")
    return device_time(
        *(_member(date, part) for part in ("Year", "Month", "Day")),
        *(_member(time, part) for part in ("Hour", "Minute", "Second")),
    )


def _addresses(config: Any) -> Iterator[str]:
    for kind in ("Manual", "FromDHCP", "FromRA", "LinkLocal"):
        held = _member(config, kind)
        for item in (held if isinstance(held, list) else [held])[:_MAX_INTERFACES]:
            address = text(item, "Address")
            if address is not None:
                yield address


def _pixels(encoder: Any, name: str) -> int | None:
    value = _member(encoder, "Resolution", name)
    return value if isinstance(value, int) and 0 < value <= _MAX_PIXELS else None


def _member(answer: Any, *names: str) -> Any:
    for name in names:
        answer = getattr(answer, name, None)
    return answer


def _listed(answer: Any, name: str) -> list[Any]:
    """The items of an answer, which zeep unwraps into a list unless something else stands beside them."""
    items = answer if isinstance(answer, list) else _member(answer, name)
    return list(items) if isinstance(items, Iterable) else []
