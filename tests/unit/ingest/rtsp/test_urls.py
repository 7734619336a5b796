"""Control URLs, resolved as the cameras that sent them need it."""

import pytest

from services.contracts.camera import RtspSource
from services.ingest.rtsp.errors import RtspProtocolError
from services.ingest.rtsp.urls import base_url, control_url, request_url


@pytest.mark.parametrize(
    ("address", "path", "url"),
    [
        ("192.0.2.7", "/Streaming/Channels/101", "rtsp://192.0.2.7:554/Streaming/Channels/101"),
        (
            "192.0.2.7",
            "/cam/realmonitor?channel=1&subtype=0",
            "rtsp://192.0.2.7:554/cam/realmonitor?channel=1&subtype=0",
        ),
        ("2001:db8::7", "/", "rtsp://[2001:db8::7]:554/"),
        ("192.0.2.7", "/100%25/a b\r\nX: y/ảnh", "rtsp://192.0.2.7:554/100%25/a%20b%0D%0AX:%20y/%E1%BA%A3nh"),
    ],
)
def test_a_request_url_holds_the_checked_address_and_the_path(address: str, path: str, url: str) -> None:
    assert request_url(RtspSource(address=address, port=554, path=path)) == url


@pytest.mark.parametrize(
    "address", ["camera.local", "localhost", "fe80::1%eth0", "192.0.2.7:80", "192.0.2.7@198.51.100.1"]
)
def test_only_a_plain_ip_address_is_accepted(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        request_url(RtspSource(address=address, port=554, path="/"))


REQUESTED = "rtsp://192.0.2.7:554/stream"


@pytest.mark.parametrize(
    ("content_base", "content_location", "base"),
    [
        ("rtsp://192.0.2.7/stream/", None, "rtsp://192.0.2.7/stream/"),
        (None, "rtsp://192.0.2.7/other", "rtsp://192.0.2.7/other"),
        ("rtsp://192.0.2.7/a", "rtsp://192.0.2.7/b", "rtsp://192.0.2.7/a"),
        ("/stream/", "stream", REQUESTED),
        ("rtsp://[192.0.2.7]/stream/", None, REQUESTED),
        ("rtsp://[2001:db8:/stream/", "rtsp://192.0.2.7/b", "rtsp://192.0.2.7/b"),
        ("", None, REQUESTED),
        (None, None, REQUESTED),
    ],
)
def test_the_base_is_what_the_camera_names_if_it_names_a_url(
    content_base: str | None, content_location: str | None, base: str
) -> None:
    assert base_url(REQUESTED, content_base, content_location) == base


@pytest.mark.parametrize(
    ("base", "control", "url"),
    [
        # Names after retina's recordings of these cameras (client/testdata), which show base and control.
        pytest.param(
            "rtsp://192.0.2.7/h264Preview_01_main/",
            "trackID=1",
            "rtsp://192.0.2.7/h264Preview_01_main/trackID=1",
            id="reolink",
        ),
        pytest.param(
            "rtsp://192.0.2.7:554/cam/realmonitor?channel=1&subtype=1&unicast=true&proto=Onvif/",
            "trackID=0",
            "rtsp://192.0.2.7:554/cam/realmonitor?channel=1&subtype=1&unicast=true&proto=Onvif/trackID=0",
            id="dahua: the query belongs to the base",
        ),
        pytest.param(
            "rtsp://192.0.2.7:5050/H264?channel=1&subtype=0&unicast=true&proto=Onvif",
            "video",
            "rtsp://192.0.2.7:5050/H264?channel=1&subtype=0&unicast=true&proto=Onvif/video",
            id="gw: a query without a slash",
        ),
        pytest.param(
            "rtsp://192.0.2.7:554/Streaming/Channels/101/",
            "rtsp://192.0.2.7:554/Streaming/Channels/101/trackID=1?transportmode=unicast",
            "rtsp://192.0.2.7:554/Streaming/Channels/101/trackID=1?transportmode=unicast",
            id="hikvision: absolute",
        ),
        pytest.param("rtsp://192.0.2.7/live", "track0", "rtsp://192.0.2.7/live/track0", id="no slash, no query"),
        pytest.param("rtsp://192.0.2.7/live/", "*", "rtsp://192.0.2.7/live/", id="the whole session"),
        pytest.param("rtsp://192.0.2.7/live", None, "rtsp://192.0.2.7/live", id="no control"),
        pytest.param("rtsp://192.0.2.7/live", "", "rtsp://192.0.2.7/live", id="an empty control"),
        pytest.param(
            "rtsp://192.0.2.7/live", "/live/track1", "rtsp://192.0.2.7/live/track1", id="a path below the base"
        ),
        pytest.param("rtsp://192.0.2.7/live/", "/track1", "rtsp://192.0.2.7/live/track1", id="a slash too many"),
        pytest.param("rtsp://192.0.2.7", "/track1", "rtsp://192.0.2.7/track1", id="a base without a path"),
        pytest.param(
            "rtsp://192.0.2.7/live", "rtsp://10.0.0.9/x", "rtsp://10.0.0.9/x", id="another host, in words only"
        ),
    ],
)
def test_a_control_url_is_resolved_as_the_camera_means_it(base: str, control: str | None, url: str) -> None:
    assert control_url(base, control) == url


@pytest.mark.parametrize("control", ["a b", "track\x01", "x" * 3000, "rtsp://h/\u00e9", "rtsp://h/" + "x" * 3000])
def test_a_url_that_fits_no_request_line_is_refused(control: str) -> None:
    with pytest.raises(RtspProtocolError):
        control_url("rtsp://192.0.2.7/live", control)
