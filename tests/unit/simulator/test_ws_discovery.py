"""Which probes a device answers, and what its answer says."""

import uuid
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from services.simulator.account import Account
from services.simulator.onvif_view import DeviceView, Identity
from services.simulator.quirks import Quirk
from services.simulator.state import DeviceState
from services.simulator.ws_discovery import Probe, matches, probe_match, read_probe

NETWORK = "http://www.onvif.org/ver10/network/wsdl"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MATCH = (
    "{http://www.w3.org/2003/05/soap-envelope}Body/{http://schemas.xmlsoap.org/ws/2005/04/discovery}ProbeMatches/"
    "{http://schemas.xmlsoap.org/ws/2005/04/discovery}ProbeMatch"
)


def view(*quirks: Quirk) -> DeviceView:
    state = DeviceState(Account("operator", "secret"), quirks=frozenset(quirks))
    identity = Identity.of("site", "cổng chính", "SIM-CAM-100").under(state.quirks, uuid.uuid4())
    return DeviceView(identity, state, [], True, "127.77.0.1", 80, 554)


def asked(inner: str = "", *, declared: str = f'xmlns:dn="{NETWORK}"', action: str = "Probe") -> bytes:
    return (
        '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        f'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" {declared}><s:Header>'
        f"<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/{action}</a:Action>"
        f"<a:MessageID>urn:uuid:1</a:MessageID></s:Header><s:Body><d:Probe>{inner}</d:Probe></s:Body></s:Envelope>"
    ).encode()


def probe(inner: str = "", **options: str) -> Probe:
    found = read_probe(asked(inner, **options))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("inner", "declared", "answered"),
    [
        ("", "", True),
        ("<d:Types/>", "", True),
        ("<d:Types>dn:NetworkVideoTransmitter</d:Types>", f'xmlns:dn="{NETWORK}"', True),
        ("<d:Types>own:NetworkVideoTransmitter</d:Types>", f'xmlns:own="{NETWORK}"', True),
        (
            "<d:Types>tds:Device dn:NetworkVideoTransmitter</d:Types>",
            f'xmlns:dn="{NETWORK}" xmlns:tds="{DEVICE}"',
            True,
        ),
        ("<d:Types>dn:NetworkVideoTransmitter</d:Types>", 'xmlns:dn="urn:elsewhere"', False),
        ("<d:Types>dn:NetworkVideoDisplay</d:Types>", f'xmlns:dn="{NETWORK}"', False),
        ("<d:Types>NetworkVideoTransmitter</d:Types>", "", False),
        ("<d:Scopes>onvif://www.onvif.org/hardware/SIM-CAM-100</d:Scopes>", "", True),
        ("<d:Scopes>onvif://www.onvif.org/type</d:Scopes>", "", True),
        ("<d:Scopes>onvif://www.onvif.org/typ</d:Scopes>", "", False),
        ("<d:Scopes>onvif://www.onvif.org/hardware/OTHER</d:Scopes>", "", False),
        (
            '<d:Scopes MatchBy="http://schemas.xmlsoap.org/ws/2005/04/discovery/strcmp0">'
            "onvif://www.onvif.org/type</d:Scopes>",
            "",
            False,
        ),
    ],
)
def test_it_answers_what_asks_for_it(inner: str, declared: str, answered: bool) -> None:
    assert matches(probe(inner, declared=declared), view()) is answered


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"hello",
        b"<a/>",
        asked(action="Resolve"),
        asked().replace(b"<a:MessageID>urn:uuid:1</a:MessageID>", b""),
        asked().replace(b"<s:Body>", b"<s:Body"),
        b'<!DOCTYPE x [<!ENTITY y "z">]>' + asked().partition(b"?>")[2],
        asked().replace(b"?>", b' encoding="no-such">'),
        asked("x" * 20_000),
    ],
)
def test_what_is_no_probe_is_not_answered(datagram: bytes) -> None:
    assert read_probe(datagram) is None


def test_the_answer_says_who_it_is_and_where() -> None:
    root = ElementTree.fromstring(probe_match(probe(), view(), number=7))
    match = root.find(MATCH)
    assert match is not None
    told = {child.tag.rpartition("}")[2]: "".join(child.itertext()) for child in match}
    assert told["EndpointReference"] == view().identity.endpoint.urn
    assert told["Types"] == "dn:NetworkVideoTransmitter tds:Device"
    assert told["XAddrs"] == "http://127.77.0.1:80/onvif/device_service"
    assert "onvif://www.onvif.org/name/c%E1%BB%95ng%20ch%C3%ADnh" in told["Scopes"].split()
    relates = root.find(".//{http://schemas.xmlsoap.org/ws/2004/08/addressing}RelatesTo")
    assert relates is not None
    assert relates.text == "urn:uuid:1"


def test_typed_probes_only_looks_at_letters_and_not_at_namespaces() -> None:
    """andreikop/python-ws-discovery pull request 25."""
    device = view(Quirk.TYPED_PROBES_ONLY)
    named = "<d:Types>dn:NetworkVideoTransmitter</d:Types>"
    assert matches(probe(named), device)
    assert not matches(probe(named.replace("dn:", "own:"), declared=f'xmlns:own="{NETWORK}"'), device)
    assert not matches(probe(), device)


def test_untyped_probes_only() -> None:
    """andreikop/python-ws-discovery pull request 56."""
    device = view(Quirk.UNTYPED_PROBES_ONLY)
    assert matches(probe(), device)
    assert not matches(probe("<d:Types>dn:NetworkVideoTransmitter</d:Types>"), device)


def bare(text: str) -> bool:
    return "ProbeMatches" not in text and "discovery/ProbeMatch<" in text


def echoes(text: str) -> bool:
    return "<a:MessageID>urn:uuid:1<" in text and "a:To" not in text


def names_others_first(text: str) -> bool:
    return -1 < text.find("//169.254.12.34:80/") < text.find("//[fe80::1234]:80/") < text.find("//127.77.0.1:80/")


def names_another(text: str) -> bool:
    return "//198.51.100.7:80/" in text and "127.77.0.1" not in text


@pytest.mark.parametrize(
    ("quirk", "shows"),
    [
        (Quirk.BARE_MATCH, bare),
        (Quirk.SAME_MESSAGE_ID, echoes),
        (Quirk.SEVERAL_XADDRS, names_others_first),
        (Quirk.STALE_XADDR, names_another),
    ],
)
def test_quirks_of_matches(quirk: Quirk, shows: Callable[[str], bool]) -> None:
    assert shows(probe_match(probe(), view(quirk), number=1).decode())
    assert not shows(probe_match(probe(), view(), number=1).decode())
