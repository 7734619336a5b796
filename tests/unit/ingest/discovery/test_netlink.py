"""What the kernel tells, read from bytes laid out as rtnetlink(7) says."""

import struct
from ipaddress import ip_address

import hypothesis
import hypothesis.strategies as st

from services.ingest.discovery.netlink import (
    Neighbour,
    OwnAddress,
    count_unresolved,
    read_addresses,
    read_links,
    read_neighbours,
    read_tables,
)


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body + b"\0" * (-len(body) % 4)


DONE = message(3, b"\0\0\0\0")


def neighbour(address: str, state: int, mac: bytes | None = None) -> bytes:
    packed = ip_address(address).packed
    body = struct.pack("=BBHiHBB", 2 if len(packed) == 4 else 10, 0, 0, 3, state, 0, 1) + attribute(1, packed)
    return message(28, body + (attribute(2, mac) if mac is not None else b""))


REACHABLE, STALE, INCOMPLETE, FAILED, NOARP, PERMANENT = 0x02, 0x04, 0x01, 0x20, 0x40, 0x80


def test_neighbours() -> None:
    told = (
        neighbour("10.0.0.7", REACHABLE, bytes.fromhex("4419B611D4B8"))
        + neighbour("10.0.0.8", INCOMPLETE)
        + neighbour("10.0.0.9", FAILED, bytes.fromhex("4419B611D4B9"))
        + neighbour("fe80::7", STALE, bytes.fromhex("0200000000ff"))
        + neighbour("10.0.0.10", PERMANENT, bytes.fromhex("020000000001"))
        + neighbour("127.0.0.1", NOARP, bytes(6))
        + neighbour("10.0.0.11", REACHABLE, bytes(6))
        + DONE
    )
    assert list(read_neighbours(told)) == [
        Neighbour(ip_address("10.0.0.7"), "44:19:b6:11:d4:b8", False),
        Neighbour(ip_address("10.0.0.8"), None, True),
        Neighbour(ip_address("10.0.0.9"), None, False),
        Neighbour(ip_address("fe80::7"), "02:00:00:00:00:ff", False),
        Neighbour(ip_address("10.0.0.10"), "02:00:00:00:00:01", False),
        Neighbour(ip_address("127.0.0.1"), None, False),
        Neighbour(ip_address("10.0.0.11"), None, False),
    ]
    assert count_unresolved(told) == 1


def test_own_addresses() -> None:
    def address(text: str, index: int, peer: str | None = None) -> bytes:
        packed = ip_address(text).packed
        body = struct.pack("=BBBBI", 2 if len(packed) == 4 else 10, 24, 0, 0, index)
        return message(20, body + attribute(1, ip_address(peer or text).packed) + attribute(2, packed))

    told = address("10.0.0.1", 2) + address("10.8.0.2", 3, peer="10.8.0.1") + DONE
    assert list(read_addresses(told)) == [
        OwnAddress(ip_address("10.0.0.1"), 2),
        OwnAddress(ip_address("10.8.0.2"), 3),
    ]
    # IPv6 gives one attribute only.
    v6 = message(20, struct.pack("=BBBBI", 10, 64, 0, 0, 2) + attribute(1, ip_address("fd00::2").packed))
    assert list(read_addresses(v6)) == [OwnAddress(ip_address("fd00::2"), 2)]


def test_links() -> None:
    told = message(16, struct.pack("=BxHiII", 0, 1, 4, 0x1043, 0)) + DONE
    assert list(read_links(told)) == [(4, 0x1043)]


def test_tables() -> None:
    told = message(64, struct.pack("=Bxxx", 2) + attribute(1, b"arp_cache\0") + attribute(4, struct.pack("=I", 1024)))
    assert list(read_tables(told + DONE)) == [("arp_cache", 1024)]


@hypothesis.given(st.binary(max_size=200), st.sampled_from([16, 20, 28, 64]))
def test_broken_messages_are_no_error(body: bytes, kind: int) -> None:
    for told in (body, message(kind, body), message(kind, body)[:-1]):
        list(read_neighbours(told))
        list(read_addresses(told))
        list(read_links(told))
        list(read_tables(told))
        count_unresolved(told)
