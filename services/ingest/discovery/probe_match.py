"""WS-Discovery answers as devices really write them. Pure: bytes in, sightings out, never an error.

Written by local names, since libraries that ask for the letter of the specification do not see a part of the devices
(andreikop/python-ws-discovery issue 38 and pull request 29; ipycam 1.3.0 sends a bare ProbeMatch under another Action).
The header is not looked at: answers without To and RelatesTo, and with our own MessageID, are answers all the same, and
only our probes are answered at our port.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

from services.contracts.discovery import SeenBy
from services.ingest.device_xml import root_of
from services.ingest.discovery.service_addresses import read_service_addresses
from services.ingest.discovery.sighting import Sighting

#: More than fits into one UDP datagram does not come from one.
_DATAGRAM_MAX_BYTES = 65_535
_MATCHES_MAX = 16
_ELEMENTS_MAX = 5_000
_TYPES_MAX = 32
_TEXT_MAX = 200
#: ProbeMatch answers a probe; Hello is said by a device that starts, ResolveMatch by one that was looked for by name.
_MATCHES = frozenset({"ProbeMatch", "Hello", "ResolveMatch"})
_SEPARATOR = re.compile(r"[}:]")
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_SCOPE = re.compile(r"onvif://www\.onvif\.org/(name|hardware|mac)/", re.IGNORECASE)
_UUID = re.compile(r"(?:urn:)?(?:uuid:)?\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?", re.IGNORECASE)
_NIL_UUID = "urn:uuid:00000000-0000-0000-0000-000000000000"
_MAC = re.compile(r"[0-9a-f]{12}")
#: Types of what else answers a probe that names no type: Windows (Devices Profile for Web Services), printers, scanners.
_OTHERS = frozenset({"Computer", "PrintDeviceType", "ScanDeviceType", "PrinterServiceType", "ScannerServiceType"})


def parse(datagram: bytes, source: str, seen_by: SeenBy) -> list[Sighting]:
    """What a datagram from ``source`` tells: a sighting for each match in it, none if it holds no match.

    Computers and printers are left out. The address is always ``source``; what the device named for itself is kept in
    ``service_addresses``.
    """
    root = _document(datagram)
    if root is None:
        return []
    sightings = (_sighting(match, source, seen_by) for match in _matches(root))
    return list(dict.fromkeys(sighting for sighting in sightings if sighting is not None))


def _document(datagram: bytes) -> etree._Element | None:
    """The root of the document, broken or not; None when there is none or it could be made to grow."""
    if len(datagram) > _DATAGRAM_MAX_BYTES:
        return None
    return root_of(_decoded(datagram).strip("\x00 \t\r\n"))


def _decoded(datagram: bytes) -> str:
    for bom, encoding in _BOMS:
        if datagram.startswith(bom):
            return datagram[len(bom) :].decode(encoding, "replace")
    # Names in the local code page under a UTF-8 label (openvideolibs/python-onvif-zeep-async pull request 44).
    return datagram.decode("utf-8", "replace")


def _matches(root: etree._Element) -> Iterator[etree._Element]:
    found = 0
    for number, element in enumerate(root.iter()):
        if number == _ELEMENTS_MAX or found == _MATCHES_MAX:
            return
        if _local(element) in _MATCHES:
            found += 1
            yield element


def _sighting(match: etree._Element, source: str, seen_by: SeenBy) -> Sighting | None:
    types = frozenset(_SEPARATOR.split(name)[-1][:_TEXT_MAX] for name in _text(match, "Types").split()[:_TYPES_MAX])
    scopes = _text(match, "Scopes")
    if types & _OTHERS and not _SCOPE.search(scopes) and not any(name.startswith("NetworkVideo") for name in types):
        return None
    told = _read_scopes(scopes)
    return Sighting(
        address=source,
        seen_by=seen_by,
        endpoint=_endpoint(match),
        service_addresses=read_service_addresses(_text(match, "XAddrs"), source),
        types=types,
        name=told.get("name"),
        hardware=told.get("hardware"),
        mac=_mac(told.get("mac")),
    )


def _endpoint(match: etree._Element) -> str | None:
    """The endpoint reference, in the one form in which it can be compared. A nil UUID names nothing."""
    reference = next((child for child in match if _local(child) == "EndpointReference"), None)
    if reference is None:
        return None
    # Without the element for the address, some write it into the reference itself.
    text = (_text(reference, "Address") or "".join(reference.itertext())).strip()
    uuid = _UUID.fullmatch(text)
    if uuid is not None:
        text = f"urn:uuid:{uuid[1].lower()}"
    text = _clean(text)
    return text if text and text != _NIL_UUID else None


def _read_scopes(scopes: str) -> dict[str, str]:
    """Name, hardware and MAC, the first of each. Percent-encoded as they should be, or raw.

    A raw name with blanks makes several scopes of one ("…/name/Virtual" and "Camera" from ipycam 1.3.0): what looks
    like no URI belongs to the scope before it.
    """
    told: dict[str, list[str]] = {}
    current: list[str] | None = None
    for word in scopes.split():
        if "://" in word or word.startswith("urn:"):
            found = _SCOPE.match(word)
            current = None
            if found is not None and found[1].lower() not in told and word[found.end() :].strip("/"):
                current = told[found[1].lower()] = [word[found.end() :].strip("/")]
        elif current is not None:
            current.append(word)
    decoded = {kind: _clean(unquote(" ".join(words), errors="replace")) for kind, words in told.items()}
    return {kind: text for kind, text in decoded.items() if text}


def _mac(text: str | None) -> str | None:
    """Lower case with colons; None for what is none and for the MAC of nobody."""
    digits = re.sub(r"[:.-]", "", text or "").lower()
    if not _MAC.fullmatch(digits) or digits in {"0" * 12, "f" * 12}:
        return None
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def _text(element: etree._Element, name: str) -> str:
    """The text of the first child of this local name."""
    child = next((child for child in element if _local(child) == name), None)
    return "" if child is None else "".join(child.itertext())


def _local(element: etree._Element) -> str:
    """The name without namespace and without a prefix that nobody declared (mvantellingen/python-zeep issue 1205)."""
    return _SEPARATOR.split(element.tag)[-1] if isinstance(element.tag, str) else ""


def _clean(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())[:_TEXT_MAX]
