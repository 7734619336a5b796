"""Which addresses cameras may have."""

from ipaddress import ip_network

import pytest

from services.contracts.networks import CameraNetworks

ALLOWED = CameraNetworks([ip_network("10.20.0.0/16"), ip_network("2001:db8::/32")])


@pytest.mark.parametrize("address", ["10.20.0.1", "10.20.255.254", "2001:db8::1", "::ffff:10.20.3.4"])
def test_addresses_of_the_networks_are_allowed(address: str) -> None:
    assert ALLOWED.permit_text(address)


@pytest.mark.parametrize(
    "address",
    [
        "10.21.0.1",
        "127.0.0.1",
        "::1",
        "::ffff:10.21.0.1",
        "2001:db9::1",
        "fe80::1%eth0",
        "2001:db8::1%eth0",
        "10.20.1",
        "0x0a140001",
        "169090561",
        "camera.example",
        "",
    ],
)
def test_everything_else_is_refused(address: str) -> None:
    assert not ALLOWED.permit_text(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "255.255.255.255", "224.0.0.1", "239.255.255.250", "ff02::1", "::"])
def test_addresses_of_no_single_device_are_refused_whatever_the_settings_say(address: str) -> None:
    assert not CameraNetworks([ip_network("0.0.0.0/0"), ip_network("::/0")]).permit_text(address)


def test_without_networks_nothing_is_allowed() -> None:
    assert not CameraNetworks([]).permit_text("10.20.0.1")


@pytest.mark.parametrize(
    ("network", "allowed"),
    [
        ("10.20.0.0/16", True),
        ("10.20.3.0/24", True),
        ("10.20.0.0/15", True),
        ("10.20.0.0/14", False),
        ("10.22.0.0/24", False),
        ("2001:db8::/120", True),
        ("2001:db8::/48", False),
        ("::ffff:10.20.3.0/120", False),
    ],
)
def test_a_network_is_allowed_when_all_of_it_is(network: str, allowed: bool) -> None:
    networks = CameraNetworks(ip_network(text) for text in ("10.20.0.0/16", "10.21.0.0/16", "2001:db8::/64"))
    assert networks.permit_whole(ip_network(network)) is allowed


def test_multicast_is_not_allowed_by_allowing_everything() -> None:
    assert CameraNetworks([ip_network("0.0.0.0/0")]).permit_whole(ip_network("239.255.255.0/24")) is False
