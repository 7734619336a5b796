"""When an address is asked."""

from services.ingest.discovery.gathered import Gathering
from services.ingest.discovery.sighting import OpenPort, Sighting


def test_an_address_is_ripe_when_nothing_new_comes_and_is_given_out_once() -> None:
    gathering = Gathering(settle_s=1.0, settle_max_s=3.0)
    gathering.open_port(OpenPort("10.0.0.5", 80), 10.0)
    gathering.open_port(OpenPort("10.0.0.5", 554), 10.8)
    assert list(gathering.ripe(11.5)) == []
    assert list(gathering.ripe(11.8)) == ["10.0.0.5"]
    taken = gathering.take("10.0.0.5")
    assert [port.port for port in taken.open_ports] == [80, 554]
    gathering.sighting(Sighting("10.0.0.5", "probe"), 12.0)  # seen again, and asked already
    assert list(gathering.ripe(99.0)) == []
    assert gathering.ways("10.0.0.5") == {"tcp", "probe"}


def test_an_address_of_which_something_always_comes_is_asked_all_the_same() -> None:
    gathering = Gathering(settle_s=1.0, settle_max_s=3.0)
    for tenth in range(100, 140):
        gathering.open_port(OpenPort("10.0.0.5", tenth), tenth / 10)
    assert list(gathering.ripe(14.0)) == ["10.0.0.5"]
