"""What a sweep tells of what it found: once each, in order, bounded."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address

from services.contracts.discovery import FOUND_MAX
from services.ingest.discovery.findings import Ears, Findings
from services.ingest.discovery.sighting import OpenPort, Sighting
from services.ingest.discovery.sweep_loop import first_ports
from tests.doubles.ws_devices import WsDevice


class Listener:
    def __init__(self) -> None:
        self.sightings: list[Sighting] = []
        self.opens: list[OpenPort] = []
        self.progress: list[tuple[int, int]] = []
        self.deliveries = 0
        ears = Ears(self.sightings.append, self.opens.append, lambda looked, of: self.progress.append((looked, of)))
        self.findings = Findings(ears, self.deliver)

    def deliver(self, calls: Sequence[Callable[[], None]]) -> None:
        self.deliveries += 1
        for call in calls:
            call()


HOST = IPv4Address("10.0.0.7")


def test_the_same_answer_is_told_once() -> None:
    listener = Listener()
    answer = WsDevice(str(HOST)).answer(b"")
    for _ in range(4):
        listener.findings.datagram(HOST, answer)
    listener.findings.open_port(HOST, 80)
    assert not listener.sightings
    listener.findings.flush(1.0, 1, 2)
    assert [one.address for one in listener.sightings] == [str(HOST)]
    assert listener.opens == [OpenPort(str(HOST), 80)]
    assert (listener.progress, listener.deliveries) == ([(1, 2)], 1)


def test_progress_is_told_now_and_then() -> None:
    listener = Listener()
    for hundredth in range(100):
        listener.findings.flush(10 + hundredth / 100, hundredth, 100)
    assert listener.progress == [(0, 100), (25, 100), (50, 100), (75, 100)]


def test_a_host_that_floods_is_heard_for_a_while() -> None:
    listener = Listener()
    for number in range(100):
        answer = WsDevice(str(HOST)).answer(b"").replace(b"DEMO-2021", b"DEMO-%d" % number)
        listener.findings.datagram(HOST, answer)
    listener.findings.flush(1.0, 0, 0)
    assert len(listener.sightings) == 32


def test_hosts_are_bounded() -> None:
    """A firewall that accepts connections for every address."""
    listener = Listener()
    for number in range(FOUND_MAX + 10):
        for port in (80, 554):
            listener.findings.open_port(HOST + number, port)
    listener.findings.flush(1.0, 0, 0)
    assert len(listener.opens) == 2 * FOUND_MAX
    assert listener.findings.flooded


def test_the_first_ports() -> None:
    assert first_ports((8080, 80, 8000, 554)) == (80, 554)
    assert first_ports((8080, 554, 8000)) == (554, 8080)
    assert first_ports((8000,)) == (8000,)
    assert first_ports(()) == ()
