"""WS-UsernameToken with a password digest (OASIS WSS UsernameToken Profile 1.0), in the form that cameras accept."""

import base64
import copy
import hashlib
from datetime import UTC, datetime

from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_WSSE = f"{_OASIS}wssecurity-secext-1.0.xsd"
_WSU = f"{_OASIS}wssecurity-utility-1.0.xsd"


def signed(
    envelope: etree._Element, *, username: str, password: str, created: datetime, nonce: bytes, prefixed: bool = False
) -> etree._Element:
    """A copy of the envelope with a Security header.

    ``created`` is the device's time. It ends in Z and has no fractions, since devices refuse "+00:00"
    (home-assistant/core pull request 37750) and long values (lumeohq/onvif-rs issue 114). ``nonce`` is 16 bytes and
    never used twice (sr99622/libonvif issue 126: devices remember it). The namespaces are declared without
    prefixes, as ONVIF Device Manager does: some devices refuse "wsse:" (IOTechSystems/onvif issue 28). ``prefixed`` is
    the other form, "wsse:" and "wsu:", as most toolkits write it, for devices that look for these very letters.
    """
    moment = created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    # The profile wants SHA-1; it is no choice of ours.
    digest = hashlib.sha1(nonce + moment.encode("ascii") + password.encode(), usedforsecurity=False).digest()
    copied = copy.deepcopy(envelope)
    header = copied.find(f"{{{_SOAP}}}Header")
    if header is None:
        header = etree.Element(f"{{{_SOAP}}}Header")
        copied.insert(0, header)
    outer, inner = ({"wsse": _WSSE, "wsu": _WSU}, None) if prefixed else ({None: _WSSE}, {None: _WSU})
    security = etree.SubElement(header, f"{{{_WSSE}}}Security", nsmap=outer)
    token = etree.SubElement(security, f"{{{_WSSE}}}UsernameToken")
    etree.SubElement(token, f"{{{_WSSE}}}Username").text = username
    secret = etree.SubElement(token, f"{{{_WSSE}}}Password", Type=f"{_OASIS}username-token-profile-1.0#PasswordDigest")
    secret.text = base64.b64encode(digest).decode("ascii")
    once = etree.SubElement(token, f"{{{_WSSE}}}Nonce", EncodingType=f"{_OASIS}soap-message-security-1.0#Base64Binary")
    once.text = base64.b64encode(nonce).decode("ascii")
    etree.SubElement(token, f"{{{_WSU}}}Created", nsmap=inner).text = moment
    return copied
