"""One call of zeep: what it hands over, and what it gets back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

_SOAP_BODY = "{http://www.w3.org/2003/05/soap-envelope}Body"


class Call:
    """A request as zeep made it, for a path and query. ``operation`` is its local name, ``service`` its namespace."""

    __slots__ = ("envelope", "headers", "operation", "service", "target")

    def __init__(self, target: str, envelope: etree._Element, headers: Mapping[str, str]) -> None:
        self.target = target
        self.envelope = envelope
        self.headers = headers
        name = etree.QName(envelope.find(_SOAP_BODY)[0])
        self.operation, self.service = str(name.localname), str(name.namespace)


@dataclass(frozen=True, slots=True)
class ZeepReply:
    """A reply as zeep reads it. The headers are ours, so that a device cannot choose how its reply is taken apart."""

    content: bytes
    status_code: int = 200
    encoding: str = "utf-8"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/soap+xml"})
