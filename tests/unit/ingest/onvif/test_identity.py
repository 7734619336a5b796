"""What a device says of its own identity."""

import pytest

from services.ingest.onvif.identity import Interface, endpoint_reference, mac_reached

UUID = "5f5a69c2-e0ae-504f-829b-00d9de43f63b"
WIRED = Interface("02:00:00:00:00:01", addresses=("10.0.0.5", "fe80::1"))
WIRELESS = Interface("02:00:00:00:00:02", addresses=("10.0.0.6/24",))
OFF = Interface("02:00:00:00:00:03", enabled=False, addresses=("10.0.0.7",))


@pytest.mark.parametrize(
    ("reached", "mac"),
    [
        ("10.0.0.6", WIRELESS.mac),
        ("fe80:0:0::1", WIRED.mac),
        ("10.0.0.7", OFF.mac),  # we talk to it, whatever it says
        ("203.0.113.9", WIRED.mac),  # behind a router
    ],
)
def test_the_mac_is_that_of_the_interface_we_reach(reached: str, mac: str) -> None:
    assert mac_reached([OFF, WIRED, WIRELESS], reached) == mac


def test_without_an_interface_that_is_on_there_is_no_mac() -> None:
    assert mac_reached([], "10.0.0.5") is None
    assert mac_reached([OFF], "10.0.0.5") is None
    assert mac_reached([Interface("02:00:00:00:00:04", addresses=("nonsense",))], "10.0.0.5") == "02:00:00:00:00:04"


@pytest.mark.parametrize(
    ("told", "reference"),
    [
        (UUID, f"urn:uuid:{UUID}"),
        (UUID.upper(), f"urn:uuid:{UUID}"),
        (f"urn:uuid:{UUID}", f"urn:uuid:{UUID}"),
        (f"uuid:{{{UUID}}}", f"urn:uuid:{UUID}"),
        ("http://example/device/7", "http://example/device/7"),
        ("urn:uuid:00000000-0000-0000-0000-000000000000", None),
        ("", None),
        (None, None),
    ],
)
def test_endpoint_references_have_one_form(told: str | None, reference: str | None) -> None:
    """As WS-Discovery gives it: GetEndpointReference often leaves the scheme out."""
    assert endpoint_reference(told) == reference
