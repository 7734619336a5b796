"""WS-Discovery as a device answers it (WS-Discovery, April 2005; ONVIF Core specification, "Device discovery"). Pure."""

import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from services.simulator.named_urls import service_url
from services.simulator.onvif_view import DEVICE_PATH, DeviceView
from services.simulator.quirks import Quirk
from services.simulator.soap import ENVELOPE, NAMESPACES, Markup, element

PORT: Final = 3702
GROUP: Final = "239.255.255.250"

_ADDRESSING: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_DISCOVERY: Final = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_NETWORK: Final = "http://www.onvif.org/ver10/network/wsdl"
_ANYBODY: Final = f"{_ADDRESSING}/role/anonymous"
#: What a device is, as it answers and as it may be asked for: namespace and name, and how the answer writes it.
_TYPES: Final = {
    (_NETWORK, "NetworkVideoTransmitter"): "dn:NetworkVideoTransmitter",
    (NAMESPACES["tds"], "Device"): "tds:Device",
}
_LITERAL_TYPE: Final = b"dn:NetworkVideoTransmitter"
#: Reserved for documentation or of the link only: none of them leads anywhere.
_OTHER_HOSTS: Final = ("169.254.12.34", "192.0.2.1", "fe80::1234", "2001:db8::1234")
_STALE_HOST: Final = "198.51.100.7"
_PROBE_MAX_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Probe:
    """A question for devices. ``types`` are pairs of namespace and name; a prefix that is not declared has none."""

    message_id: str
    types: tuple[tuple[str, str], ...]
    scopes: tuple[str, ...]
    exact_scopes: bool
    raw: bytes


def read_probe(datagram: bytes) -> Probe | None:
    """The probe in a datagram, or None when it holds none: whatever cannot be understood is not answered."""
    lowered = datagram.lower()
    if len(datagram) > _PROBE_MAX_BYTES or b"<!doctype" in lowered or b"<!entity" in lowered:
        return None
    prefixes: dict[str, str] = {}
    root: ElementTree.Element | None = None
    try:
        for event, what in ElementTree.iterparse(io.BytesIO(datagram), ("start-ns", "end")):  # noqa: S314 - no DTD
            if event == "start-ns":
                prefix, uri = what
                prefixes[prefix] = uri
            else:
                root = what
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    if root is None:
        return None
    action = (root.findtext(f"{{{ENVELOPE}}}Header/{{{_ADDRESSING}}}Action") or "").strip()
    message_id = (root.findtext(f"{{{ENVELOPE}}}Header/{{{_ADDRESSING}}}MessageID") or "").strip()
    probe = root.find(f"{{{ENVELOPE}}}Body/{{{_DISCOVERY}}}Probe")
    if action != f"{_DISCOVERY}/Probe" or not message_id or probe is None:
        return None
    types = (probe.findtext(f"{{{_DISCOVERY}}}Types") or "").split()
    scopes = probe.find(f"{{{_DISCOVERY}}}Scopes")
    return Probe(
        message_id,
        tuple((prefixes.get(prefix, ""), name) for prefix, _, name in (_qualified(kind) for kind in types)),
        tuple((scopes.text or "").split()) if scopes is not None else (),
        scopes is not None and scopes.get("MatchBy", "").endswith("/strcmp0"),
        datagram,
    )


def matches(probe: Probe, view: DeviceView) -> bool:
    """Whether the device is one of those that are asked for."""
    if view.has(Quirk.TYPED_PROBES_ONLY):
        return _LITERAL_TYPE in probe.raw
    if view.has(Quirk.UNTYPED_PROBES_ONLY) and probe.types:
        return False
    wanted = all(kind in _TYPES for kind in probe.types)
    return wanted and all(_in_scope(scope, view.scopes, exact=probe.exact_scopes) for scope in probe.scopes)


def probe_match(probe: Probe, view: DeviceView, *, number: int) -> bytes:
    """The answer of a device to a probe. ``number`` grows with each of its messages."""
    match = element(
        "d:ProbeMatch",
        element("a:EndpointReference", element("a:Address", view.identity.endpoint.urn)),
        element("d:Types", " ".join(_TYPES.values())),
        element("d:Scopes", " ".join(view.scopes)),
        element("d:XAddrs", " ".join(_service_addresses(view))),
        element("d:MetadataVersion", 1),
    )
    action = f"{_DISCOVERY}/ProbeMatches"
    if view.has(Quirk.BARE_MATCH):
        action = f"{_DISCOVERY}/ProbeMatch"
    else:
        match = element("d:ProbeMatches", match)
    echoes = view.has(Quirk.SAME_MESSAGE_ID)
    header = [
        element("a:MessageID", probe.message_id if echoes else uuid.uuid4().urn),
        element("a:RelatesTo", probe.message_id),
        *([] if echoes else [element("a:To", _ANYBODY)]),
        element("a:Action", action),
        element("d:AppSequence", InstanceId=1, MessageNumber=number),
    ]
    return _envelope(header, match)


def _service_addresses(view: DeviceView) -> list[str]:
    own = view.address(DEVICE_PATH)
    if view.has(Quirk.STALE_XADDR):
        return [service_url(_STALE_HOST, view.onvif_port, DEVICE_PATH, view.state.quirks)]
    if view.has(Quirk.SEVERAL_XADDRS):
        others = (service_url(host, view.onvif_port, DEVICE_PATH, view.state.quirks) for host in _OTHER_HOSTS)
        return [*others, own, own.replace("http:", "https:")]
    return [own]


def _envelope(header: Sequence[Markup], body: Markup) -> bytes:
    declared = {
        "xmlns:s": ENVELOPE,
        "xmlns:a": _ADDRESSING,
        "xmlns:d": _DISCOVERY,
        "xmlns:dn": _NETWORK,
        "xmlns:tds": NAMESPACES["tds"],
    }
    whole = element("s:Envelope", element("s:Header", *header), element("s:Body", body), **declared)
    return b'<?xml version="1.0" encoding="UTF-8"?>' + whole.encode()


def _qualified(kind: str) -> tuple[str, str, str]:
    prefix, colon, name = kind.rpartition(":")
    return prefix, colon, name


def _in_scope(wanted: str, own: Sequence[str], *, exact: bool) -> bool:
    """Scopes match by segments of their path (RFC 2396 rule of WS-Discovery section 5.1), or letter by letter."""
    if exact:
        return wanted in own
    return any(_is_prefix(wanted, scope) for scope in own)


def _is_prefix(wanted: str, scope: str) -> bool:
    one, other = urlsplit(wanted), urlsplit(scope)
    if (one.scheme.lower(), one.netloc.lower()) != (other.scheme.lower(), other.netloc.lower()):
        return False
    asked = [unquote(part) for part in one.path.split("/") if part]
    given = [unquote(part) for part in other.path.split("/") if part]
    return given[: len(asked)] == asked
