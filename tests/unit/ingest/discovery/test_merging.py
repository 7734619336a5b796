"""One list of what was found."""

from services.contracts.discovery import Found
from services.contracts.ladder import Rung
from services.ingest.discovery.merging import merged


def found(address: str, port: int = 80, **members: object) -> Found:
    return Found.model_validate({"address": address, "port": port, **members})


def test_the_list_is_in_the_order_of_addresses_as_numbers() -> None:
    several = merged([found("10.0.0.10"), found("fd00::1"), found("10.0.0.9", 8080), found("10.0.0.9", 80)])
    assert [(one.address, one.port) for one in several] == [
        ("10.0.0.9", 80),
        ("10.0.0.9", 8080),
        ("10.0.0.10", 80),
        ("fd00::1", 80),
    ]


def test_a_device_at_two_ports_of_an_address_is_one() -> None:
    kept = merged(
        [
            found("10.0.0.5", 80, endpoint="urn:uuid:1", seen_by=("multicast",), rung=Rung.REACHABLE),
            found("10.0.0.5", 8000, endpoint="urn:uuid:1", seen_by=("host",), rung=Rung.DESCRIBED, protocol="onvif"),
        ]
    )
    assert [(one.port, one.seen_by) for one in kept] == [(8000, ("multicast", "host"))]


def test_ports_that_were_named_stay_devices_of_their_own() -> None:
    """Behind a router, cameras of one series may all have the same endpoint reference (quirk 25)."""
    named = [found("10.0.0.5", port, endpoint="urn:uuid:1", seen_by=("host",)) for port in (8001, 8002)]
    assert len(merged(named)) == 2


def test_the_same_evidence_at_two_addresses_is_noted_and_nothing_dropped() -> None:
    one, two, three = merged(
        [
            found("10.0.0.5", endpoint="urn:uuid:1", mac="aa:bb:cc:dd:ee:01"),
            found("10.0.0.6", endpoint="urn:uuid:1", mac="aa:bb:cc:dd:ee:01"),
            found("10.0.0.7", endpoint="urn:uuid:3", mac="aa:bb:cc:dd:ee:01"),  # a router answers ARP for it
        ]
    )
    assert (one.same_as, two.same_as, three.same_as) == (("10.0.0.6",), ("10.0.0.5",), ())
