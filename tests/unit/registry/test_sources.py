"""How integrators may write where a camera is."""

from ipaddress import ip_address, ip_network

import pytest

from services.contracts.errors import Invalid
from services.contracts.networks import CameraNetworks
from services.registry.sources import check_addresses, in_reach, read_endpoint, read_rtsp_url, rtsp_source_key, rtsp_url


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("rtsp://10.20.3.4/a", "10.20.3.4", 554, "/a"),
        ("RTSP://10.20.3.4:8554/a/b?x=1&y=2", "10.20.3.4", 8554, "/a/b?x=1&y=2"),
        ("rtsp://10.20.3.4", "10.20.3.4", 554, "/"),
        ("rtsp://10.20.3.4?x=1", "10.20.3.4", 554, "/?x=1"),
        ("rtsp://[2001:db8::1]:554/a", "2001:db8::1", 554, "/a"),
        ("rtsp://[::ffff:10.20.3.4]/a", "10.20.3.4", 554, "/a"),
        ("rtsp://Camera-1.Site.example./a", "camera-1.site.example", 554, "/a"),
        ("rtsp://10.20.3.4/a%20b", "10.20.3.4", 554, "/a%20b"),
    ],
)
def test_usual_addresses_are_read(url: str, host: str, port: int, path: str) -> None:
    endpoint, found = read_rtsp_url(url)
    assert (endpoint.host, endpoint.port, found, endpoint.tls) == (host, port, path, False)


@pytest.mark.parametrize(
    ("url", "port"),
    [("rtsps://10.20.3.4/a", 322), ("RTSPS://10.20.3.4/a", 322), ("rtsps://10.20.3.4:554/a", 554)],
)
def test_addresses_inside_tls_have_a_port_of_their_own(url: str, port: int) -> None:
    endpoint, _ = read_rtsp_url(url)
    assert (endpoint.port, endpoint.tls) == (port, True)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.20.3.4/a",
        "rtspu://10.20.3.4/a",
        "file:///etc/passwd",
        "rtsp:10.20.3.4/a",
        "rtsp:///a",
        "rtsp://",
        "",
        "rtsp://user:secret@10.20.3.4/a",
        "rtsp://user@10.20.3.4/a",
        "rtsp://@10.20.3.4/a",
        "rtsp://10.20.3.4:0/a",
        "rtsp://10.20.3.4:65536/a",
        "rtsp://10.20.3.4:/a",
        "rtsp://10.20.3.4:abc/a",
        "rtsp://10.20.3.4:554:554/a",
        "rtsp://10.20.3.4/a#b",
        "rtsp://10.20.3.4/a b",
        "rtsp://10.20.3.4/a\r\nX: y",
        "rtsp://10.20.3.4\\@10.0.0.1/a",
        "rtsp://10.20.3.4/\u00e9",
        "rtsp://\uff11\uff10.20.3.4/a",
        "rtsp://10.20.3/a",
        "rtsp://169090561/a",
        "rtsp://0x0a140304/a",
        "rtsp://0x0a.0x14.3.4/a",
        "rtsp://012.024.3.4/a",
        "rtsp://10.20.3.04/a",
        "rtsp://10.20.3.4.5/a",
        "rtsp://[10.20.3.4]/a",
        "rtsp://[fe80::1%25eth0]/a",
        "rtsp://[::1/a",
        "rtsp://2001:db8::1/a",
        "rtsp://-camera.example/a",
        "rtsp://camera..example/a",
        "rtsp://cam%65ra.example/a",
        "rtsp://10.20.3.4/" + "a" * 1100,
    ],
)
def test_unusual_addresses_are_refused_naming_the_field(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_rtsp_url(url)
    assert [fault.pointer for fault in refused.value.faults] == ["/source/url"]
    assert "secret" not in str(refused.value.faults)


@pytest.mark.parametrize(
    "host", ["10.20.3.4:80", "rtsp://10.20.3.4", "10.20.3.4/a", "user@10.20.3.4", "0x7f.1", "[::1]x", " "]
)
def test_a_host_is_only_a_host(host: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_endpoint(host, 80, "/source/host", "/source/port")
    assert refused.value.faults[0].pointer == "/source/host"


def test_a_name_is_refused_if_any_of_its_addresses_is_outside() -> None:
    endpoint = read_endpoint("camera.example", 554, "/h", "/p")
    networks = CameraNetworks([ip_network("10.20.0.0/16")])
    inside, outside = ip_address("10.20.0.1"), ip_address("10.0.0.1")
    assert check_addresses(endpoint, (inside,), networks, "/h") == "10.20.0.1"
    with pytest.raises(Invalid) as refused:
        check_addresses(endpoint, (inside, outside), networks, "/h")
    assert refused.value.faults[0].pointer == "/h"
    assert "10.0.0.1" not in refused.value.faults[0].detail, "the answer would tell what our resolver knows"


def test_a_camera_moves_with_its_facility_into_another_reach() -> None:
    key = rtsp_source_key("hau-giang", "10.20.3.4", 554, "/a|b")
    assert in_reach(key, "can-tho") == rtsp_source_key("can-tho", "10.20.3.4", 554, "/a|b")


def test_an_address_is_written_as_it_is_read() -> None:
    for url in ("rtsp://10.20.3.4:554/a?b", "rtsp://[2001:db8::1]:8554/a", "rtsps://10.20.3.4:322/a"):
        endpoint, path = read_rtsp_url(url)
        assert rtsp_url(endpoint.host, endpoint.port, path, tls=endpoint.tls) == url
