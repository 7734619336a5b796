"""Addresses as real devices write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.onvif.uris import StreamUri, read_stream_uri, service_path, snapshot_path


def port_and_path(text: str) -> tuple[int, str] | None:
    found = read_stream_uri(text)
    return (found.port, found.path) if found else None


def test_port_path_and_query_are_kept() -> None:
    assert read_stream_uri(
        "rtsp://192.168.1.64:8554/Streaming/Channels/101?transportmode=unicast&profile=1"
    ) == StreamUri(
        port=8554,
        path="/Streaming/Channels/101?transportmode=unicast&profile=1",
        original="rtsp://192.168.1.64:8554/Streaming/Channels/101?transportmode=unicast&profile=1",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rtsp://10.0.0.2/live", (554, "/live")),
        ("RTSP://10.0.0.2/live", (554, "/live")),
        ("rtsp://10.0.0.2", (554, "/")),
        ("rtsp://10.0.0.2?channel=1", (554, "/?channel=1")),
        ("rtsp://cam.lan:8554/live", (8554, "/live")),
        ("rtsp://[fe80::1]:8554/live", (8554, "/live")),
        ("rtsp://fe80::1/live", (554, "/live")),
        ("rtsp://10.0.0.2:/live", (554, "/live")),
        ("rtsp://10.0.0.2:0/live", (554, "/live")),
        ("rtsp://10.0.0.2:70000/live", (554, "/live")),
        ("rtsp://10.0.0.2/a%20b/ü?x=[1]", (554, "/a%20b/%C3%BC?x=[1]")),
        ("rtsp://10.0.0.2/live#fragment", (554, "/live")),
        ("rtsp://10.0.0.2/\x00\x07live", (554, "/%00%07live")),
    ],
)
def test_what_a_device_leaves_out_or_garbles_is_filled_in(text: str, expected: tuple[int, str]) -> None:
    assert port_and_path(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "live",
        "http://10.0.0.2/live",
        "rtsps://10.0.0.2/live",
        "rtsp://",
        "rtsp:///x",
        "rtsp://10.0.0.2/" + "x" * 3000,
    ],
)
def test_what_is_no_usable_rtsp_address_is_none(text: str | None) -> None:
    assert read_stream_uri(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "\r\n rtsp://10.0.0.2:554/live \n",
        "http://10.0.0.2/onvif rtsp://10.0.0.2:554/live rtsp://10.0.0.2:554/other",
        "none\trtsp://10.0.0.2:554/live",
    ],
)
def test_quirk_17_the_first_address_in_a_field_of_several_is_taken(text: str) -> None:
    """AlexxIT/go2rtc issues 638, 662, 884."""
    assert port_and_path(text) == (554, "/live")


def test_quirk_18_a_doubled_port_counts_once() -> None:
    """home-assistant/core issue 92603."""
    assert port_and_path("rtsp://10.0.0.2:8106:8106/live") == (8106, "/live")


@pytest.mark.parametrize("password", ["secret", "p@ss", "p@ss:w/rd?#%", "a/b@c", "p#ss", "p?ss", "%40"])
@pytest.mark.parametrize("host", ["10.0.0.2", "10.0.0.2:8554", "[fd00::2]:8554"])
def test_quirks_15_and_16_user_and_password_are_gone_whatever_they_hold(password: str, host: str) -> None:
    """home-assistant/core issue 41815; AlexxIT/go2rtc issues 703 and 1208."""
    found = read_stream_uri(f"rtsp://admin:{password}@{host}/live?x=1")
    assert found is not None
    assert found.path == "/live?x=1"
    assert found.original == f"rtsp://{host}/live?x=1"


def test_an_at_sign_in_the_path_is_no_user_info() -> None:
    assert port_and_path("rtsp://10.0.0.2:554/proxy/cam@10.0.0.9/main") == (554, "/proxy/cam@10.0.0.9/main")
    assert port_and_path("rtsp://user:pw@cam.lan/live@main") == (554, "/live@main")


def test_a_password_in_the_path_is_used_but_not_shown() -> None:
    """XM firmware signs in by the path."""
    found = read_stream_uri("rtsp://10.0.0.2:554/user=admin&password=s3cret&channel=1&stream=0.sdp?")
    assert found is not None
    assert found.path == "/user=admin&password=s3cret&channel=1&stream=0.sdp?"
    assert "s3cret" not in found.original


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://192.168.1.64/onvif/Media", "/onvif/Media"),
        ("https://nvr.example:8443/onvif/media_service?x=1", "/onvif/media_service?x=1"),
        ("http://[fe80::1]/onvif/Media http://10.0.0.2/other", "/onvif/Media"),
        ("\nhttp://10.0.0.2:80:80/onvif/Media\n", "/onvif/Media"),
        ("/onvif/Media", "/onvif/Media"),
        ("//evil.example/onvif", None),
        ("urn:uuid:1", None),
        (None, None),
    ],
)
def test_quirk_13_of_a_service_address_only_path_and_query_are_kept(text: str | None, expected: str | None) -> None:
    """home-assistant/core issues 34218 and 163938."""
    assert service_path(text) == expected


@given(
    st.text() | st.text().map(lambda text: f"rtsp://{text}") | st.text().map(lambda text: f"rtsp://a@10.0.0.2:{text}")
)
def test_any_text_gives_none_or_a_request_target_that_cannot_break_a_request_line(text: str) -> None:
    found = read_stream_uri(text)
    if found is not None:
        assert 0 < found.port < 65536
        assert found.path.startswith("/")
        assert found.path.isascii()
        assert found.path.isprintable()
        assert " " not in found.path


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("http://10.0.0.2/onvif/snapshot?channel=1&subtype=0", "/onvif/snapshot?channel=1&subtype=0"),
        ("http://admin:secret@10.0.0.2:8000/s.jpg", "/s.jpg"),
        ("rtsp://10.0.0.2/s", None),
        ("http://10.0.0.2/s.cgi?usr=admin&pwd=secret", None),
        ("http://10.0.0.2/s.cgi?Password=secret", None),
        (None, None),
    ],
)
def test_quirk_45_a_snapshot_is_a_path_over_http_that_gives_no_password_away(uri: str | None, path: str | None) -> None:
    """home-assistant/core issue 66554, openvideolibs/python-onvif-zeep-async pull request 88."""
    assert snapshot_path(uri) == path
