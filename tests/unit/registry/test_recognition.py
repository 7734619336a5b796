"""Which finding is which registered device, and which devices have moved."""

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.camera import Evidence
from services.contracts.discovery import ADDRESSES_MAX, Found
from services.contracts.ids import new_id
from services.contracts.networks import CameraNetworks
from services.registry.discovery_desk import places_to_look
from services.registry.identity import KnownDevice, evidence_of_finding, recognise
from services.registry.moves import plan_moves
from services.registry.tables import Device
from services.registry.targets import Targets
from tests.harness.findings import found

NEIGHBOURHOOD = Targets(networks=("10.20.3.0/24",))


def known(like: Found, **members: Any) -> KnownDevice:
    usual: dict[str, Any] = {
        "id": new_id(),
        "address": like.address,
        "port": like.port,
        "evidence": evidence_of_finding(like),
    }
    return KnownDevice(**(usual | members))


def at(finding: Found, address: str) -> Found:
    return finding.model_copy(update={"address": address})


def silent(address: str, port: int = 80) -> Found:
    """Something that tells nothing of itself."""
    return Found(address=address, port=port)


def test_a_device_at_home_is_recognised_though_it_tells_nothing() -> None:
    device = known(found("10.20.3.1"))
    assert recognise([silent("10.20.3.1")], [device]) == {0: device.id}
    assert recognise([silent("10.20.3.2")], [device]) == {}
    assert recognise([silent("10.20.3.1", 8000)], [device]) == {}, "behind one address may be several devices"


def test_a_device_registered_by_its_stream_is_recognised_by_that_port() -> None:
    device = known(found("10.20.3.1"), port=554, evidence=Evidence())
    assert recognise([found("10.20.3.1")], [device]) == {0: device.id}


def test_somebody_else_at_a_known_address_is_not_that_device() -> None:
    device = known(found("10.20.3.1"))
    assert recognise([at(found("10.20.3.9"), "10.20.3.1")], [device]) == {}


def test_one_serial_on_many_cameras_is_decided_by_the_network_card_or_not_at_all() -> None:
    cameras = [found(f"10.20.3.{number}", serial="SAME", endpoint=None) for number in range(1, 5)]
    devices = [known(camera) for camera in cameras]
    elsewhere = [at(camera, f"10.20.4.{number}") for number, camera in enumerate(cameras)]
    assert recognise(elsewhere, devices) == {number: device.id for number, device in enumerate(devices)}
    nameless = [camera.model_copy(update={"mac": None}) for camera in elsewhere]
    assert recognise(nameless, devices) == {}


def test_a_device_that_seems_to_be_at_two_new_places_is_at_neither() -> None:
    device = known(found("10.20.3.1"))
    twins = [at(found("10.20.3.1"), address) for address in ("10.20.3.7", "10.20.3.8")]
    assert recognise(twins, [device]) == {}
    assert recognise([*twins, found("10.20.3.1")], [device]) == {2: device.id}


@given(st.permutations(range(6)))
def test_devices_that_change_places_among_themselves_are_all_followed(places: list[int]) -> None:
    cameras = [found(f"10.20.3.{number + 1}") for number in range(6)]
    devices = [known(camera) for camera in cameras]
    seen = [at(camera, f"10.20.3.{place + 1}") for camera, place in zip(cameras, places, strict=True)]
    recognised = recognise(seen, devices)
    assert recognised == {number: device.id for number, device in enumerate(devices)}
    moves = plan_moves(seen, recognised, devices, NEIGHBOURHOOD)
    assert {move.device_id for move in moves} == {
        device.id for number, device in enumerate(devices) if places[number] != number
    }


@pytest.mark.parametrize(
    ("targets", "moves"),
    [
        (NEIGHBOURHOOD, 1),
        (Targets(hosts=("10.20.3.1:8000",)), 1),
        (Targets(multicast=True), 0),
        (Targets(networks=("10.20.4.0/24",)), 0),
        (None, 1),
    ],
)
def test_silence_says_something_only_where_the_search_looked(targets: Targets | None, moves: int) -> None:
    device = known(found("10.20.3.1"))
    seen = [at(found("10.20.3.1"), "10.20.3.50")]
    assert len(plan_moves(seen, recognise(seen, [device]), [device], targets)) == moves


@pytest.mark.parametrize(
    ("at_home", "moves"), [(silent("10.20.3.1"), 0), (at(found("10.20.3.9"), "10.20.3.1"), 1), (None, 1)]
)
def test_a_device_leaves_its_address_to_nobody_or_to_clearly_somebody_else(at_home: Found | None, moves: int) -> None:
    """What answers there without telling who it is may be the device itself, seen twice."""
    device = known(found("10.20.3.1"))
    seen = [at(found("10.20.3.1"), "10.20.3.50"), *([at_home] if at_home else [])]
    assert len(plan_moves(seen, {0: device.id}, [device], NEIGHBOURHOOD)) == moves


def test_thousands_of_findings_are_matched_without_comparing_each_with_each() -> None:
    alike = found("10.20.3.1", mac=None)
    findings = [
        alike.model_copy(
            update={"address": f"10.{n // 250}.0.{n % 250}", "endpoint": f"urn:uuid:{n}", "serial": f"S{n}"}
        )
        for n in range(3000)
    ]
    devices = [known(finding) for finding in findings]
    assert recognise(findings, devices) == {place: device.id for place, device in enumerate(devices)}


# Where a missing device is looked for


def places(*addresses: str, allowed: str = "10.20.0.0/16") -> Targets:
    networks = CameraNetworks(ip_network(text) for text in allowed.split())
    return places_to_look([Device(address=address) for address in addresses], networks)


def test_neighbourhoods_are_those_of_the_devices_as_far_as_they_are_allowed() -> None:
    targets = places("10.20.3.1", "10.20.3.9", "10.20.4.200")
    assert (targets.networks, targets.multicast) == (("10.20.3.0/24", "10.20.4.0/24"), True)
    assert targets.hosts == ("10.20.3.1", "10.20.3.9", "10.20.4.200")
    assert places("10.20.3.1", allowed="10.20.3.0/25 10.20.3.192/26").networks == ("10.20.3.0/25", "10.20.3.192/26")
    assert places("10.20.2.1", "10.20.3.1").networks == ("10.20.2.0/23",)


def test_of_ipv6_only_the_devices_themselves_are_looked_at() -> None:
    targets = places("2001:db8::5", "10.20.3.1", allowed="2001:db8::/32 10.20.0.0/16")
    assert (targets.networks, targets.hosts) == (("10.20.3.0/24",), ("10.20.3.1", "2001:db8::5"))


def test_a_search_for_a_device_is_bounded_too() -> None:
    spread = [f"10.{number // 200}.{number % 200}.7" for number in range(400)]
    targets = places(*spread, allowed="10.0.0.0/8")
    total = sum(ip_network(network).num_addresses - 2 for network in targets.networks) + len(targets.hosts)
    assert ADDRESSES_MAX * 0.8 < total <= ADDRESSES_MAX
