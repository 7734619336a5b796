"""The probe, as devices want it."""

import pytest
from lxml import etree  # type: ignore[import-untyped]  # lxml has no stubs of its own

from services.ingest.discovery.ws_discovery import PROBED_TYPES, new_message_id, probe_message

D = "{http://schemas.xmlsoap.org/ws/2005/04/discovery}"
A = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}"


@pytest.mark.parametrize("types", PROBED_TYPES)
def test_quirk_23_one_line_and_the_literal_prefix(types: str | None) -> None:
    """andreikop/python-ws-discovery pull requests 25 and 56: firmware compares text."""
    message_id = new_message_id()
    message = probe_message(message_id, types)
    assert b"\n" not in message
    assert len(message) < 1000
    root = etree.fromstring(message)
    assert root.find(f".//{A}MessageID").text == message_id
    assert root.find(f".//{A}Action").text == "http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe"
    assert root.find(f".//{A}To").text == "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
    found = root.find(f".//{D}Probe/{D}Types")
    if types is None:
        assert found is None
    else:
        assert found.text == "dn:NetworkVideoTransmitter"
        assert found.nsmap["dn"] == "http://www.onvif.org/ver10/network/wsdl"


def test_each_probe_has_an_id_of_its_own() -> None:
    assert len({new_message_id() for _ in range(100)}) == 100
