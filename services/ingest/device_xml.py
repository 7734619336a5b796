"""XML as devices write it: read tolerantly, and so that it can neither grow nor load anything."""

import contextlib
import re
import threading

from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

#: At the beginning only and of bounded length: a search through a text full of "<?xml" would take minutes.
_DECLARATION = re.compile(r"<\?xml[^>]{0,200}\?>")
#: SOAP forbids a document type, and without one no entity can be defined.
_DOCUMENT_TYPE = re.compile(r"<!(?:DOCTYPE|ENTITY)")

_own = threading.local()


def has_document_type(text: str) -> bool:
    """Whether it declares one: then it must not be read."""
    return _DOCUMENT_TYPE.search(text) is not None


def root_of(text: str) -> etree._Element | None:
    """The root of the document, mended where it is broken; None when there is none, or it has a document type."""
    if has_document_type(text):
        return None
    text = text.strip()
    declaration = _DECLARATION.match(text)
    with contextlib.suppress(etree.XMLSyntaxError, ValueError):
        return etree.fromstring(text[declaration.end() if declaration else 0 :].encode("utf-8", "replace"), _parser())
    return None


def _parser() -> etree.XMLParser:
    """This thread's parser: making one costs as much as a short reply."""
    if not hasattr(_own, "parser"):
        _own.parser = etree.XMLParser(
            recover=True,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
    return _own.parser
