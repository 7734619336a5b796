"""XAddrs as devices write them."""

import pytest

from services.ingest.discovery.service_addresses import read_service_addresses
from services.ingest.discovery.sighting import ServiceAddress

SOURCE = "10.0.0.7"
PATH = "/onvif/device_service"


@pytest.mark.parametrize(
    ("xaddr", "read"),
    [
        (f"http://10.0.0.7{PATH}", ServiceAddress(False, "10.0.0.7", 80, PATH)),
        (f"https://10.0.0.7{PATH}", ServiceAddress(True, "10.0.0.7", 443, PATH)),
        (f"HTTP://10.0.0.7:8000{PATH}", ServiceAddress(False, "10.0.0.7", 8000, PATH)),
        ("http://10.0.0.7", ServiceAddress(False, "10.0.0.7", 80, "/")),
        ("http://10.0.0.7?x=1", ServiceAddress(False, "10.0.0.7", 80, "/?x=1")),
        (f"http://10.0.0.7/{PATH}", ServiceAddress(False, "10.0.0.7", 80, PATH)),
        (f"http://Camera-1.local:99999{PATH}", ServiceAddress(False, "camera-1.local", 80, PATH)),
        (f"http://10.0.0.7:{PATH}", ServiceAddress(False, "10.0.0.7", 80, PATH)),
        (f"http://10.0.0.7:0{PATH}", ServiceAddress(False, "10.0.0.7", 80, PATH)),
        (f"http://[2001:DB8::7]:8080{PATH}", ServiceAddress(False, "2001:db8::7", 8080, PATH)),
        (f"http://[fe80::7%25eth0]{PATH}", ServiceAddress(False, "fe80::7", 80, PATH)),
        (f"http://[::ffff:10.0.0.7]{PATH}", ServiceAddress(False, "10.0.0.7", 80, PATH)),
        (f"http://2001:db8::7{PATH}", ServiceAddress(False, "2001:db8::7", 80, PATH)),
        (f"http://admin:p@ss@10.0.0.7{PATH}", ServiceAddress(False, "10.0.0.7", 80, PATH)),
    ],
)
def test_one_address(xaddr: str, read: ServiceAddress) -> None:
    assert read_service_addresses(xaddr, SOURCE) == (read,)


def test_quirk_18_a_doubled_port() -> None:
    """home-assistant/core issue 92603."""
    read = (ServiceAddress(False, "10.0.0.7", 8106, PATH),)
    assert read_service_addresses(f"http://10.0.0.7:8106:8106{PATH}", SOURCE) == read
    v6 = (ServiceAddress(False, "fe80::7", 8106, PATH),)
    assert read_service_addresses(f"http://[fe80::7]:8106:8106{PATH}", SOURCE) == v6


def test_quirk_17_line_breaks_and_several_addresses() -> None:
    """AlexxIT/go2rtc issues 638, 662, 884."""
    text = f"\r\n  http://10.0.0.7{PATH}\n\thttp://10.0.0.7{PATH}\r\n http://10.0.0.7:8080{PATH}  \n"
    assert [one.port for one in read_service_addresses(text, SOURCE)] == [80, 8080]


def test_quirk_19_the_source_comes_first_then_the_routable_ones() -> None:
    """agsh/onvif issues 63, 93 and 95; lumeohq/onvif-rs pull request 97."""
    text = (
        "http://[fe80::1]/a http://169.254.3.4/b http://[2001:db8::1]/c http://camera.local/d http://192.168.1.9/e "
        "https://10.0.0.7/f http://10.0.0.7/g"
    )
    assert [one.path for one in read_service_addresses(text, SOURCE)] == ["/f", "/g", "/e", "/d", "/c", "/a", "/b"]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "onvif",
        "ftp://10.0.0.7/x",
        "http://",
        "http:///x",
        "http://10.0.0.7:x/y",
        f"http://{'a' * 600}",
        "http://\u202e/",
    ],
)
def test_what_is_none(text: str | None) -> None:
    assert read_service_addresses(text, SOURCE) == ()


def test_no_more_than_eight() -> None:
    text = " ".join(f"http://10.0.0.7:{port}/" for port in range(1, 100))
    assert len(read_service_addresses(text, SOURCE)) == 8
