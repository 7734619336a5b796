"""Where a device may send us."""

import pytest

from services.ingest.onvif.redirects import moved_to
from services.ingest.onvif.transport import Endpoint

PLAIN, SECURE, V6 = Endpoint("10.0.0.5", 80), Endpoint("10.0.0.5", 443, tls=True), Endpoint("2001:db8::5", 80)


@pytest.mark.parametrize(
    ("here", "location", "there", "path"),
    [
        (PLAIN, "https://10.0.0.5/onvif/device_service", SECURE, "/onvif/device_service"),
        (PLAIN, "https://10.0.0.5:8443/x?y=1", Endpoint("10.0.0.5", 8443, tls=True), "/x?y=1"),
        (PLAIN, "http://10.0.0.5:8000/", Endpoint("10.0.0.5", 8000), "/"),
        (PLAIN, "/onvif/other", PLAIN, "/onvif/other"),
        (SECURE, "https://10.0.0.5/again", SECURE, "/again"),
        (V6, "https://[2001:db8:0::5]/", Endpoint("2001:db8::5", 443, tls=True), "/"),
        (PLAIN, "https://user:secret@10.0.0.5/", SECURE, "/"),
    ],
)
def test_quirk_36_another_door_of_the_same_device(here: Endpoint, location: str, there: Endpoint, path: str) -> None:
    """lumeohq/onvif-rs issue 39."""
    assert moved_to(here, location) == (there, path)


@pytest.mark.parametrize(
    ("here", "location"),
    [
        (PLAIN, None),
        (PLAIN, ""),
        (PLAIN, "https://10.0.0.6/"),
        (PLAIN, "https://camera.local/"),
        (PLAIN, "https://10.0.0.5@10.0.0.6/"),
        (PLAIN, "//10.0.0.6/"),
        (PLAIN, "onvif/device_service"),
        (PLAIN, "ftp://10.0.0.5/"),
        (PLAIN, "https://10.0.0.5:99999/"),
        (PLAIN, "https://10.0.0.5:0x50/"),
        (PLAIN, "https://10.0.0.5\r\nX: y/"),
        (PLAIN, "https://[10.0.0.5/"),
        (SECURE, "http://10.0.0.5/"),
    ],
)
def test_quirk_36_anything_else_is_refused(here: Endpoint, location: str | None) -> None:
    assert moved_to(here, location) is None
