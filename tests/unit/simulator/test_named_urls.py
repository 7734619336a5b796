"""What a device says where it is."""

import pytest

from services.simulator.named_urls import service_url, stream_url
from services.simulator.quirks import Quirk

LOGIN = ("operator", "p@ss:w/rd?#%")


@pytest.mark.parametrize(
    ("quirk", "service", "stream"),
    [
        (None, "http://10.0.0.9:8000/a", "rtsp://10.0.0.9:554/b?c=1"),
        (Quirk.SERVICE_PORT_WRONG, "http://10.0.0.9:80/a", "rtsp://10.0.0.9:554/b?c=1"),
        (Quirk.STREAM_PORT_WRONG, "http://10.0.0.9:8000/a", "rtsp://10.0.0.9:80/b?c=1"),
        (Quirk.STREAM_HOST_WRONG, "http://10.0.0.9:8000/a", "rtsp://127.0.1.1:554/b?c=1"),
        (
            Quirk.STREAM_CREDENTIALS,
            "http://10.0.0.9:8000/a",
            "rtsp://operator:p%40ss%3Aw%2Frd%3F%23%25@10.0.0.9:554/b?c=1",
        ),
        (Quirk.DOUBLED_PORT, "http://10.0.0.9:8000:8000/a", "rtsp://10.0.0.9:554:554/b?c=1"),
        (
            Quirk.URI_LINE_BREAKS,
            "\n  http://10.0.0.9:8000/a\n  http://10.0.0.9:8000/a&second\n",
            "\n  rtsp://10.0.0.9:554/b?c=1\n  rtsp://10.0.0.9:554/b?c=1&second\n",
        ),
    ],
)
def test_addresses_under_quirks(quirk: Quirk | None, service: str, stream: str) -> None:
    quirks = frozenset({quirk} if quirk else ())
    assert service_url("10.0.0.9", 8000, "/a", quirks) == service
    assert stream_url("10.0.0.9", 554, "/b?c=1", LOGIN, quirks) == stream


def test_ipv6_stands_in_brackets_and_the_inner_port_is_another_one() -> None:
    assert service_url("2001:db8::1", 80, "/a", frozenset()) == "http://[2001:db8::1]:80/a"
    assert service_url("10.0.0.9", 80, "/a", frozenset({Quirk.SERVICE_PORT_WRONG})) == "http://10.0.0.9:8080/a"
