"""Which addresses a sweep looks at, in which order and how fast."""

import itertools
from ipaddress import IPv4Address, ip_address, ip_network

import hypothesis
import hypothesis.strategies as st
import pytest

from services.ingest.discovery.targets import Pacer, Targets


def targets(*networks: str) -> Targets:
    return Targets([ip_network(network) for network in networks])


def texts(found: Targets) -> set[str]:
    listed = [str(address) for address in found]
    assert len(listed) == len(set(listed)) == len(found)
    return set(listed)


def test_network_and_broadcast_addresses_are_no_hosts() -> None:
    assert texts(targets("10.0.0.0/29")) == {f"10.0.0.{number}" for number in range(1, 7)}
    assert texts(targets("10.0.0.0/31")) == {"10.0.0.0", "10.0.0.1"}
    assert texts(targets("10.0.0.9/32")) == {"10.0.0.9"}
    assert texts(targets("fd00::/126")) == {"fd00::", "fd00::1", "fd00::2", "fd00::3"}
    assert texts(targets()) == set()


def test_networks_that_overlap_are_looked_at_once() -> None:
    found = targets("10.0.0.0/24", "10.0.0.128/25", "10.0.0.7/32", "10.0.1.0/30", "fd00::1/128")
    assert len(found) == 254 + 2 + 1
    assert {"10.0.0.127", "10.0.0.128", "10.0.1.1", "fd00::1"} <= texts(found)
    assert "10.0.0.255" not in texts(found)


def test_an_address_named_alone_is_a_host_even_if_it_ends_a_network() -> None:
    found = targets("10.0.0.0/24", "10.0.0.255/32")
    assert "10.0.0.255" in texts(found)
    assert found.named_alone(ip_address("10.0.0.255"))
    assert not found.named_alone(ip_address("10.0.0.7"))


@hypothesis.given(st.lists(st.tuples(st.integers(0, 2**10), st.integers(22, 32)), max_size=4), st.integers(0, 2**11))
def test_it_knows_what_it_holds(blocks: list[tuple[int, int]], number: int) -> None:
    networks = [ip_network((base, length), strict=False) for base, length in blocks]
    found = Targets(networks)
    address = IPv4Address(number)
    held = any(
        address in network
        and (network.prefixlen > 30 or address not in {network.network_address, network.broadcast_address})
        for network in networks
    )
    assert (address in found) == held
    assert (str(address) in texts(found)) == held
    assert ip_address("fd00::1") not in found


def test_neighbours_come_far_apart() -> None:
    order = {address: at for at, address in enumerate(targets("10.0.0.0/16"))}
    assert len(order) == 65_534
    one_site = sorted(order[IPv4Address(f"10.0.77.{number}")] for number in range(1, 255))
    assert min(later - earlier for earlier, later in itertools.pairwise(one_site)) > 50


def test_more_than_a_search_may_name_is_refused() -> None:
    assert len(targets("10.0.0.0/17", "10.1.0.0/17")) == 65_532
    with pytest.raises(ValueError, match="65536"):
        targets("10.0.0.0/15")
    with pytest.raises(ValueError, match="65536"):
        targets("fd00::/64")


def test_the_pace_is_even() -> None:
    pacer, begun, now = Pacer(800, 0.0), 0, 0.0
    for _ in range(1000):
        now += 0.01
        due = pacer.due(now)
        assert due <= 9
        for _ in range(due):
            pacer.begin()
        begun += due
    assert begun == pytest.approx(8000, abs=2)


def test_what_a_stall_missed_is_not_made_up_for() -> None:
    pacer = Pacer(800, 0.0)
    assert pacer.due(100.0) == 80


def test_a_slow_pace_is_kept() -> None:
    pacer, begun = Pacer(0.5, 0.0), 0
    for second in range(1, 101):
        if pacer.due(float(second)):
            pacer.begin()
            begun += 1
    assert begun == pytest.approx(50, abs=1)


def test_no_pace_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        Pacer(0, 0.0)
