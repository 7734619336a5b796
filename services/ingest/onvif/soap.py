"""From the bytes of a reply to a clean SOAP 1.2 document, whatever the device made of it.

No document type is ever accepted, so that no entity is ever expanded; nothing is loaded from anywhere. What comes out
holds one body with one element, in the namespaces of the ONVIF schemas, in UTF-8.
"""

import codecs
import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

from services.ingest.device_xml import has_document_type, root_of

#: A recorder of 64 channels with three full profiles each stays below 25,000.
MAX_ELEMENTS = 50_000

_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_ENVELOPE, _BODY = f"{{{_SOAP}}}Envelope", f"{{{_SOAP}}}Body"
_SCHEMA = "http://www.onvif.org/ver10/schema"
#: How many levels below the response a service declares types of its own; one, if not said. Below stands the common schema.
_OWN_DEPTH = {
    ("http://www.onvif.org/ver10/device/wsdl", "GetServicesResponse"): 2,
    ("http://www.onvif.org/ver20/media/wsdl", "GetProfilesResponse"): 3,
}
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_DECLARED_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_ENCODINGS = frozenset(
    codecs.lookup(name).name
    for name in (
        "utf-8",
        "ascii",
        "latin-1",
        "cp1252",
        "cp1258",
        "gb2312",
        "gbk",
        "gb18030",
        "big5",
        "euc-kr",
        "shift-jis",
    )
)


_count = etree.XPath("count(//node())")


class NotSoap(Exception):
    """The reply is no SOAP message. The text says what it is instead; it holds nothing that the device wrote."""


@dataclass(frozen=True, slots=True)
class SoapFault:
    """A SOAP fault. ``codes`` are local names, outermost first."""

    codes: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class SoapReply:
    """``element`` is the local name of what stands in the body; ``document`` is what zeep may read."""

    element: str
    fault: SoapFault | None
    document: bytes


def read_soap(
    raw: bytes, *, service: str, charset: str | None = None, read: Mapping[str, frozenset[str]] = MappingProxyType({})
) -> SoapReply:
    """Read a reply. Raises NotSoap.

    ``service`` is the namespace of the service that was asked, ``charset`` that of the Content-Type header. Broken markup
    is mended as far as libxml2 can; undeclared prefixes and missing namespaces get the one that belongs there
    (mvantellingen/python-zeep issue 1205, onvif/specs issue 402). ``read`` names, for some responses, the elements that
    are read of them: the others are left out of the document, since reading them is most of the work.
    """
    content, fault = read_body(raw, charset=charset)
    element = _local(content)
    document = b"" if fault is not None else _document(content, service, read.get(element))
    return SoapReply(element, fault, document)


def read_body(raw: bytes, *, charset: str | None = None) -> tuple[etree._Element, SoapFault | None]:
    """What stands in the body of a reply, as the device wrote it, and the fault that it is, if it is one. Raises NotSoap."""
    root = _parse(_decode(raw, charset))
    body = next((child for child in root if _local(child) == "Body"), None)
    if _local(root) != "Envelope" or body is None:
        raise NotSoap(f"the document is no SOAP envelope but <{_local(root)[:40]}>")
    content = next((child for child in body if isinstance(child.tag, str)), None)
    if content is None:
        raise NotSoap("the SOAP body is empty")
    return content, _read_fault(content) if _local(content) == "Fault" else None


def _decode(raw: bytes, charset: str | None) -> str:
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            return raw[len(bom) :].decode(encoding, "replace")
    declared = _DECLARED_ENCODING.search(raw, 0, 300)
    for name in (charset, declared[1].decode("ascii") if declared else None):
        try:
            if name and codecs.lookup(name).name in _ENCODINGS:
                return raw.decode(name, "replace")
        except LookupError:
            continue
    # Names in the local code page under a UTF-8 label (openvideolibs/python-onvif-zeep-async pull request 44).
    return raw.decode("utf-8", "replace")


def _parse(text: str) -> etree._Element:
    if has_document_type(text):
        raise NotSoap("the document has a document type declaration, which SOAP forbids")
    root = root_of(text)
    if root is None:
        raise NotSoap("the reply is no XML")
    if _count(root) > MAX_ELEMENTS:
        raise NotSoap(f"the document has more than {MAX_ELEMENTS} elements")
    return root


def _local(element: etree._Element) -> str:
    """The name without namespace and without a prefix that nobody declared."""
    return element.tag.rpartition("}")[2].rpartition(":")[2] if isinstance(element.tag, str) else ""


def _read_fault(fault: etree._Element) -> SoapFault:
    """Read a fault of SOAP 1.2 (Code, Subcode, Reason) or 1.1 (faultcode, faultstring)."""
    codes, reasons = [], []
    for element in fault.iter():
        text = (element.text or "").strip()
        if text and _local(element) in {"Value", "faultcode"}:
            codes.append(text.rpartition(":")[2][:80])
        elif text and _local(element) in {"Text", "faultstring"}:
            reasons.append(text)
    return SoapFault(tuple(codes[:8]), " ".join(reasons)[:500])


def _document(content: etree._Element, service: str, read: frozenset[str] | None) -> bytes:
    """A SOAP 1.2 envelope around the content, without headers and with every namespace in place."""
    # References to entities that nobody could have defined.
    etree.strip_elements(content, etree.Entity, with_tail=False)
    _settle(content, service, _OWN_DEPTH.get((service, _local(content)), 1), read)
    envelope = etree.Element(_ENVELOPE)
    etree.SubElement(envelope, _BODY).append(content)
    document: bytes = etree.tostring(envelope, encoding="utf-8")
    return document


def _settle(element: etree._Element, service: str, own_depth: int, read: frozenset[str] | None) -> None:
    """Put namespaces right, and leave out what is not read. As deep as libxml2 reads: 256 levels."""
    if not element.tag.startswith("{"):
        # Of a name that is none, such as "tt:", nobody will ask.
        with contextlib.suppress(ValueError):
            element.tag = f"{{{service if own_depth >= 0 else _SCHEMA}}}{_local(element)}"
    # A type by an undeclared prefix would make the whole reply unreadable, and we need none.
    element.attrib.pop(_TYPE, None)
    for child in list(element):
        if read is not None and _local(child) not in read:
            element.remove(child)
        elif isinstance(child.tag, str):
            _settle(child, service, own_depth - 1, read)
