"""What an order may aim at."""

from ipaddress import ip_address, ip_network
from uuid import uuid4

import pytest

from services.contracts.discovery import DiscoveryOrder
from services.contracts.networks import CameraNetworks
from services.ingest.discovery.aims import Aims, OrderRefused, read_host, read_order

ALLOWED = CameraNetworks([ip_network("10.0.0.0/8"), ip_network("fd00::/64")])


def aims(*, networks: tuple[str, ...] = (), hosts: tuple[str, ...] = ()) -> Aims:
    order = DiscoveryOrder(discovery_id=uuid4(), facility_id=uuid4(), reach="", networks=networks, hosts=hosts)
    return read_order(order, ALLOWED)


def test_networks_and_hosts_are_counted_once() -> None:
    read = aims(networks=("10.0.0.0/24", "10.0.0.128/25"), hosts=("10.0.0.5", "10.1.0.1", "10.2.0.1:8001"))
    assert read.addresses == 254 + 1 + 1
    assert read.is_whole("10.0.0.77")
    assert read.is_whole("10.1.0.1")
    assert not read.is_whole("10.2.0.1")


def test_ports_of_one_address_are_kept_in_their_order() -> None:
    read = aims(hosts=("10.2.0.1:8002", "10.2.0.1:8001", "10.2.0.1:8002", "[fd00::5]:80"))
    assert read.ports == {"10.2.0.1": (8002, 8001), "fd00::5": (80,)}
    assert read.hosts == ()


@pytest.mark.parametrize(
    "networks",
    [("192.168.1.0/24",), ("10.0.0.0/24", "192.168.1.0/24"), ("0.0.0.0/0",), ("10.0.0.0/x",), ("10.0.0.0/15",)],
)
def test_networks_that_are_foreign_too_large_or_none_refuse_the_order(networks: tuple[str, ...]) -> None:
    with pytest.raises(OrderRefused):
        aims(networks=networks)


@pytest.mark.parametrize("host", ["192.168.1.5", "192.168.1.5:80", "camera.local", "10.0.0.5:0", "10.0.0.5:70000"])
def test_hosts_that_are_foreign_or_none_refuse_the_order(host: str) -> None:
    with pytest.raises(OrderRefused):
        aims(hosts=("10.0.0.1", host))


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("10.0.0.5", "10.0.0.5", None),
        ("10.0.0.5:8000", "10.0.0.5", 8000),
        ("fd00::5", "fd00::5", None),
        ("[fd00::5]", "fd00::5", None),
        ("[fd00::5]:554", "fd00::5", 554),
        ("::ffff:10.0.0.5", "10.0.0.5", None),
    ],
)
def test_hosts_are_read_with_and_without_a_port(text: str, address: str, port: int | None) -> None:
    assert read_host(text) == (ip_address(address), port)


@pytest.mark.parametrize("text", ["", ":80", "10.0.0.5:", "[fd00::5", "[fd00::5]80", "[]:80", "10.0.0.5:8o"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(OrderRefused):
        read_host(text)
