"""At which doors of a host to knock."""

from services.ingest.discovery.candidate import OnvifDoor, candidate
from services.ingest.discovery.sighting import OpenPort, ServiceAddress, Sighting

ONVIF = (80, 8080, 8000)
RTSP = (554, 8554)


def place(host: str, port: int = 80, path: str = "/onvif/device_service", *, tls: bool = False) -> ServiceAddress:
    return ServiceAddress(tls, host, port, path)


def sighting(*places: ServiceAddress, address: str = "10.0.0.5", **members: str) -> Sighting:
    return Sighting(address=address, seen_by="multicast", service_addresses=places, **members)  # type: ignore[arg-type]


def test_what_the_device_named_comes_first_then_port_80_then_other_open_ports() -> None:
    found = candidate(
        "10.0.0.5",
        [sighting(place("10.0.0.5", 2020, "/onvif/service"))],
        [OpenPort("10.0.0.5", port) for port in (8080, 80, 554)] + [OpenPort("10.0.0.6", 8000)],
        onvif_ports=(8080, 8000, 80),
        rtsp_ports=RTSP,
        seen_by={"tcp"},
    )
    assert found.onvif == (OnvifDoor(2020, "/onvif/service"), OnvifDoor(80), OnvifDoor(8080))
    assert found.rtsp_ports == (554,)
    assert found.seen_by == ("multicast", "tcp")
    assert found.answered_probe


def test_an_address_that_the_device_gave_before_is_asked_where_it_answers_now() -> None:
    """Quirk 20: the XAddr is stale (drprash/onenvr issue 6); the packet's source is believed."""
    found = candidate("10.0.0.5", [sighting(place("192.168.1.64", 8000))], [], onvif_ports=ONVIF, rtsp_ports=RTSP)
    assert found.onvif == (OnvifDoor(8000),)
    assert found.named_addresses == ("192.168.1.64",)


def test_of_several_named_addresses_that_of_the_packet_comes_first() -> None:
    """Quirk 19: link-local, IPv6 and https beside the right one (agsh/onvif issue 63)."""
    given = sighting(
        place("169.254.4.4", 81), place("fe80::1", 82), place("10.0.0.5", 443, tls=True), place("10.0.0.5", 80)
    )
    found = candidate("10.0.0.5", [given], [], onvif_ports=ONVIF, rtsp_ports=RTSP)
    assert found.onvif[:2] == (OnvifDoor(443, tls=True), OnvifDoor(80))
    assert found.named_addresses == ("169.254.4.4", "fe80::1")


def test_a_host_named_with_a_port_is_asked_at_that_port_only() -> None:
    found = candidate(
        "10.0.0.5", [], [OpenPort("10.0.0.5", 80)], onvif_ports=ONVIF, rtsp_ports=RTSP, named=True, named_port=8001
    )
    assert found.onvif == (OnvifDoor(8001),)
    assert found.rtsp_ports == (8001,)


def test_facts_are_taken_from_whichever_answer_has_them() -> None:
    found = candidate(
        "10.0.0.5",
        [sighting(endpoint="urn:uuid:1"), sighting(name="Cổng", hardware="DS-2CD", mac="aa:bb:cc:dd:ee:ff")],
        [],
        onvif_ports=ONVIF,
        rtsp_ports=RTSP,
    )
    assert (found.endpoint, found.name, found.hardware, found.mac) == (
        "urn:uuid:1",
        "Cổng",
        "DS-2CD",
        "aa:bb:cc:dd:ee:ff",
    )
    assert found.hints == "DS-2CD Cổng"


def test_an_ipv4_address_inside_ipv6_is_the_same_host() -> None:
    found = candidate("10.0.0.5", [sighting(place("::ffff:10.0.0.5"))], [], onvif_ports=ONVIF, rtsp_ports=RTSP)
    assert found.named_addresses == ()
