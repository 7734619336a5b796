"""Answers to WS-Discovery probes as devices write them. Each test of a quirk names the report."""

import time

import hypothesis
import hypothesis.strategies as st
import pytest

from services.ingest.discovery.probe_match import parse
from services.ingest.discovery.sighting import ServiceAddress, Sighting

SOURCE = "10.0.0.7"
ENDPOINT = "urn:uuid:2419d68a-2dd2-21b2-a205-4419b611d4b8"
NAMESPACES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" '
    'xmlns:tds="http://www.onvif.org/ver10/device/wsdl"'
)
HEADER = (
    "<a:MessageID>urn:uuid:1</a:MessageID><a:RelatesTo>urn:uuid:2</a:RelatesTo>"
    "<a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To>"
    "<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action>"
)


def match(
    *,
    endpoint: str = ENDPOINT,
    types: str = "dn:NetworkVideoTransmitter tds:Device",
    scopes: str = "onvif://www.onvif.org/type/video_encoder",
    xaddrs: str = f"http://{SOURCE}/onvif/device_service",
    element: str = "d:ProbeMatch",
) -> str:
    return (
        f"<{element}><a:EndpointReference><a:Address>{endpoint}</a:Address></a:EndpointReference>"
        f"<d:Types>{types}</d:Types><d:Scopes>{scopes}</d:Scopes><d:XAddrs>{xaddrs}</d:XAddrs>"
        f"<d:MetadataVersion>1</d:MetadataVersion></{element}>"
    )


def envelope(content: str, *, header: str = HEADER, namespaces: str = NAMESPACES) -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<s:Envelope {namespaces}><s:Header>{header}</s:Header>'
        f"<s:Body>{content}</s:Body></s:Envelope>"
    ).encode()


def answer(**parts: str) -> bytes:
    return envelope(f"<d:ProbeMatches>{match(**parts)}</d:ProbeMatches>")


def only(datagram: bytes) -> Sighting:
    (sighting,) = parse(datagram, SOURCE, "probe")
    return sighting


PLAIN = Sighting(
    address=SOURCE,
    seen_by="probe",
    endpoint=ENDPOINT,
    service_addresses=(ServiceAddress(False, SOURCE, 80, "/onvif/device_service"),),
    types=frozenset({"NetworkVideoTransmitter", "Device"}),
)


def test_an_answer_by_the_book() -> None:
    scopes = (
        "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/C%E1%BB%95ng%20ch%C3%ADnh "
        "onvif://www.onvif.org/hardware/DS-2CD2042WD onvif://www.onvif.org/MAC/44:19:B6:11:d4:b8"
    )
    sighting = only(answer(scopes=scopes))
    assert (sighting.name, sighting.hardware) == ("Cổng chính", "DS-2CD2042WD")
    assert sighting.mac == "44:19:b6:11:d4:b8"
    assert only(answer()) == PLAIN


def test_quirk_20_the_source_of_the_packet_is_the_address() -> None:
    """drprash/onenvr issue 6, AlexxIT/go2rtc issue 1948: devices report the address they had before."""
    sighting = only(answer(xaddrs="http://192.168.1.64:8000/onvif/device_service"))
    assert sighting.address == SOURCE
    assert sighting.service_addresses == (ServiceAddress(False, "192.168.1.64", 8000, "/onvif/device_service"),)


@pytest.mark.parametrize(
    "datagram",
    [
        envelope(match()),
        envelope(f"<d:ProbeMatches>{match()}</d:ProbeMatches>", header=""),
        envelope(
            f"<d:ProbeMatches>{match()}</d:ProbeMatches>",
            header="<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>"
            "<a:MessageID>urn:uuid:ours</a:MessageID>",
        ),
        envelope(match(element="d:Hello"), header=HEADER.replace("ProbeMatches", "Hello")),
        envelope(f"<d:ResolveMatches>{match(element='d:ResolveMatch')}</d:ResolveMatches>"),
        f"<s:Envelope>{match()}</s:Envelope>".encode(),
    ],
    ids=["bare", "no-header", "our-message-id-and-wrong-action", "hello", "resolve-match", "no-body"],
)
def test_quirk_24_forms_of_an_answer(datagram: bytes) -> None:
    """andreikop/python-ws-discovery issue 38 and pull request 29; ipycam 1.3.0 sends the match bare."""
    assert only(datagram) == PLAIN


def test_several_matches_in_one_datagram() -> None:
    """A recorder that answers for its cameras, or a proxy."""
    second = ENDPOINT.replace("2419", "2420")
    datagram = envelope(f"<d:ProbeMatches>{match()}{match(endpoint=second)}{match()}</d:ProbeMatches>")
    assert [one.endpoint for one in parse(datagram, SOURCE, "multicast")] == [ENDPOINT, second]


def test_quirk_34_undeclared_prefixes() -> None:
    """mvantellingen/python-zeep issue 1205: firmware forgets to declare namespaces."""
    datagram = envelope(f"<d:ProbeMatches>{match()}</d:ProbeMatches>", namespaces='xmlns:s="urn:s"')
    assert only(datagram) == PLAIN


def test_no_namespaces_at_all() -> None:
    bare = envelope(f"<d:ProbeMatches>{match()}</d:ProbeMatches>", namespaces="").decode()
    for prefix in ("d:", "a:", "s:"):
        bare = bare.replace(f"<{prefix}", "<").replace(f"</{prefix}", "</")
    assert only(bare.encode()) == PLAIN


def test_quirk_35_invalid_utf_8() -> None:
    """openvideolibs/python-onvif-zeep-async pull request 44: names in a code page under a UTF-8 label."""
    raw = answer(scopes="onvif://www.onvif.org/name/NAME").replace(b"NAME", b"C\xe6ng")
    sighting = only(raw)
    assert sighting.name == "C\ufffdng"
    assert sighting.endpoint == ENDPOINT


def test_a_percent_encoded_name_in_a_code_page() -> None:
    assert only(answer(scopes="onvif://www.onvif.org/name/C%E6ng%")).name == "C\ufffdng%"


def test_utf_16_with_its_mark() -> None:
    assert only(b"\xff\xfe" + answer().decode().encode("utf-16-le")) == PLAIN


def test_a_raw_name_with_blanks() -> None:
    """ipycam 1.3.0: "Virtual Camera" makes two scopes of one."""
    scopes = "onvif://www.onvif.org/name/Virtual Camera &amp; more onvif://www.onvif.org/hardware/VC 1 urn:x y"
    sighting = only(answer(scopes=scopes))
    assert (sighting.name, sighting.hardware) == ("Virtual Camera & more", "VC 1")


def test_names_that_are_none() -> None:
    sighting = only(
        answer(scopes="onvif://www.onvif.org/name/ onvif://www.onvif.org/name/%00%0a onvif://www.onvif.org/MAC/x")
    )
    assert (sighting.name, sighting.mac) == (None, None)


@pytest.mark.parametrize("mac", ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "44:19:b6:11:d4", "hello"])
def test_macs_that_are_none(mac: str) -> None:
    assert only(answer(scopes=f"onvif://www.onvif.org/MAC/{mac}")).mac is None


@pytest.mark.parametrize("mac", ["4419B611D4B8", "44-19-b6-11-d4-b8", "44%3A19%3ab6:11:d4:b8"])
def test_macs_in_other_forms(mac: str) -> None:
    assert only(answer(scopes=f"onvif://www.onvif.org/MAC/{mac}")).mac == "44:19:b6:11:d4:b8"


@pytest.mark.parametrize(
    ("said", "endpoint"),
    [
        (ENDPOINT.upper(), ENDPOINT),
        (ENDPOINT.removeprefix("urn:"), ENDPOINT),
        (ENDPOINT.removeprefix("urn:uuid:"), ENDPOINT),
        (f"\n  {ENDPOINT}\n", ENDPOINT),
        ("urn:uuid:00000000-0000-0000-0000-000000000000", None),
        ("", None),
        ("http://10.0.0.7/onvif", "http://10.0.0.7/onvif"),
    ],
)
def test_endpoints_are_made_comparable(said: str, endpoint: str | None) -> None:
    assert only(answer(endpoint=said)).endpoint == endpoint


def test_an_endpoint_without_its_element() -> None:
    datagram = answer().replace(b"<a:Address>", b"").replace(b"</a:Address>", b"")
    assert only(datagram).endpoint == ENDPOINT


def test_a_match_without_anything_is_a_sighting() -> None:
    assert only(envelope("<d:ProbeMatch/>")) == Sighting(SOURCE, "probe")


def test_computers_and_printers_are_left_out() -> None:
    """What answers a probe without a type: Windows and printers (Devices Profile for Web Services)."""
    assert parse(answer(types="wsdp:Device pub:Computer", scopes=""), SOURCE, "probe") == []
    assert parse(answer(types="wsdp:Device wprt:PrintDeviceType", scopes=""), SOURCE, "probe") == []
    assert only(answer(types="wsdp:Device pub:Computer dn:NetworkVideoTransmitter", scopes="")).endpoint == ENDPOINT
    assert only(answer(types="tds:Device", scopes="")).endpoint == ENDPOINT
    assert only(answer(types="", scopes="")).endpoint == ENDPOINT


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\x00" * 100,
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"<html><body>ProbeMatch</body></html>",
        envelope("<d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe>"),
        envelope(match(element="d:Bye")),
        envelope("<s:Fault/>"),
        answer() + b" " * 65_536,
    ],
)
def test_what_is_no_answer(datagram: bytes) -> None:
    assert parse(datagram, SOURCE, "probe") == []


def test_what_is_left_of_a_cut_datagram_is_read() -> None:
    whole = answer()
    assert only(whole[: whole.index(b"<d:MetadataVersion>")]) == PLAIN


def test_trailing_zeros() -> None:
    """Firmware in C sends the whole buffer."""
    assert only(answer() + b"\x00" * 64) == PLAIN


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_documents_that_grow_are_refused(encoding: str) -> None:
    text = answer(scopes="onvif://www.onvif.org/name/&i;").decode().partition("\n")[2]
    began = time.process_time()
    assert parse(f"{BOMB}]>{text}".encode(encoding), SOURCE, "probe") == []
    assert time.process_time() - began < 1


def test_entities_are_not_read_from_files() -> None:
    text = answer(scopes="onvif://www.onvif.org/name/&f;").decode().partition("\n")[2]
    assert parse(f'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>{text}'.encode(), SOURCE, "probe") == []


def test_a_flood_within_one_datagram_is_bounded() -> None:
    began = time.process_time()
    many = "".join(match(endpoint=f"urn:x:{number}", types="", scopes="", xaddrs="") for number in range(200))
    assert len(parse(envelope(many), SOURCE, "probe")) == 16
    deep = "<d:ProbeMatch>" * 4000
    assert len(parse(envelope(deep), SOURCE, "probe")) <= 16
    wide = "http://10.0.0.7/x " * 3000
    assert len(only(envelope(match(xaddrs=wide))).service_addresses) == 1
    assert time.process_time() - began < 2


def test_long_texts_are_cut() -> None:
    sighting = only(answer(scopes="onvif://www.onvif.org/name/" + "n" * 5000, endpoint="e" * 5000, types="t" * 5000))
    assert [len(text) for text in (sighting.name or "", sighting.endpoint or "", *sighting.types)] == [200, 200, 200]


@hypothesis.given(st.binary(max_size=2000))
def test_any_bytes_are_no_error(datagram: bytes) -> None:
    parse(datagram, SOURCE, "multicast")


@hypothesis.given(st.integers(0, 900), st.binary(min_size=1, max_size=20))
def test_any_damage_is_no_error(at: int, junk: bytes) -> None:
    whole = answer()
    for sighting in parse(whole[:at] + junk + whole[at + len(junk) :], SOURCE, "multicast"):
        assert sighting.address == SOURCE
