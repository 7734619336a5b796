"""SOAP 1.2 envelopes: what a request asks for, and the XML of answers and faults."""

import re
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from services.simulator.wsse import UsernameToken

ENVELOPE: Final = "http://www.w3.org/2003/05/soap-envelope"
NAMESPACES: Final = {
    "env": ENVELOPE,
    "tt": "http://www.onvif.org/ver10/schema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "ter": "http://www.onvif.org/ver10/error",
}
CONTENT_TYPE: Final = "application/soap+xml; charset=utf-8"

_PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}
_SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_SECURITY_TAG = re.compile(rb"<(?:([A-Za-z][\w.-]*):)?Security[\s>]")
_UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"


class Markup(str):
    """Finished XML, which is not escaped again."""

    __slots__ = ()


class SoapFault(Exception):
    """A fault to be sent. ``subcodes`` go from the general to the particular, for example ter:InvalidArgVal, ter:NoProfile."""

    def __init__(self, code: str, subcodes: tuple[str, ...], reason: str) -> None:
        self.code = code
        self.subcodes = subcodes
        self.reason = reason
        super().__init__(reason)

    @property
    def http_status(self) -> int:
        """SOAP 1.2 part 2, table 20."""
        return 400 if self.code == "env:Sender" else 500


@dataclass(frozen=True, slots=True)
class SoapRequest:
    """``operation`` is prefixed with our prefix of its namespace, for example ``tds:GetServices``."""

    operation: str
    element: ElementTree.Element
    token: UsernameToken | None

    def argument(self, name: str) -> str | None:
        """The text of the first child of that local name, or None."""
        return next(iter(self.arguments(name)), None)

    def number(self, *path: str) -> int:
        """The number in a child of a child, by local names. Raises SoapFault."""
        found: ElementTree.Element | None = self.element
        for name in path:
            found = next((child for child in found or () if child.tag.rpartition("}")[2] == name), None)
        text = "" if found is None else (found.text or "").strip()
        if not text.isdecimal() or len(text) > 9:
            raise SoapFault("env:Sender", ("ter:InvalidArgVal",), f"{'/'.join(path)} must be a number")
        return int(text)

    def arguments(self, name: str) -> list[str]:
        """The texts of all children of that local name."""
        return [(child.text or "").strip() for child in self.element if child.tag.rpartition("}")[2] == name]


def parse(body: bytes) -> SoapRequest:
    """What a request asks for. Raises SoapFault."""
    lowered = body.lower()
    if b"<!doctype" in lowered or b"<!entity" in lowered:
        raise SoapFault("env:Sender", ("ter:WellFormed",), "document types are not accepted")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - bounded in size, and without DTD there are no entities
    except ElementTree.ParseError as error:
        raise SoapFault("env:Sender", ("ter:WellFormed",), "this is not well-formed XML") from error
    payload = root.find(f"{{{ENVELOPE}}}Body")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or payload is None or len(payload) != 1:
        raise SoapFault("env:Sender", ("ter:WellFormed",), "this is not a SOAP 1.2 envelope with one request")
    namespace, _, name = payload[0].tag.removeprefix("{").rpartition("}")
    return SoapRequest(f"{_PREFIXES.get(namespace, '?')}:{name}", payload[0], _username_token(root, body))


def _username_token(root: ElementTree.Element, body: bytes) -> UsernameToken | None:
    token = root.find(f"{{{ENVELOPE}}}Header/{{{_SECURITY}}}Security/{{{_SECURITY}}}UsernameToken")
    if token is None:
        return None
    password = token.find(f"{{{_SECURITY}}}Password")
    return UsernameToken(
        username=token.findtext(f"{{{_SECURITY}}}Username", ""),
        password="" if password is None else (password.text or ""),
        password_type="" if password is None else password.get("Type", ""),
        nonce=token.findtext(f"{{{_SECURITY}}}Nonce", ""),
        created=token.findtext(f"{{{_UTILITY}}}Created", ""),
        prefix=_written_prefix(body),
    )


def _written_prefix(body: bytes) -> str:
    """The prefix of Security as it was written, which some firmware looks at."""
    found = _SECURITY_TAG.search(body)
    return found[1].decode() if found and found[1] else ""


def element(name: str, *content: object, **attributes: object) -> Markup:
    """One XML element. Content that is not ``Markup`` is text; booleans are written as XML Schema wants them."""
    inner = "".join(part if isinstance(part, Markup) else escape(_text(part)) for part in content)
    outer = "".join(f" {key}={quoteattr(_text(value))}" for key, value in attributes.items())
    return Markup(f"<{name}{outer}>{inner}</{name}>")


def envelope(*content: Markup) -> bytes:
    """A whole answer."""
    declared = {f"xmlns:{prefix}": uri for prefix, uri in NAMESPACES.items()}
    body = element("env:Envelope", element("env:Body", *content), **declared)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body.encode()


def fault_envelope(fault: SoapFault) -> bytes:
    """A whole answer that is a fault."""
    nested = Markup("")
    for subcode in reversed(fault.subcodes):
        nested = element("env:Subcode", element("env:Value", subcode), nested)
    reason = element("env:Reason", element("env:Text", fault.reason, **{"xml:lang": "en"}))
    return envelope(element("env:Fault", element("env:Code", element("env:Value", fault.code), nested), reason))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
