"""The addresses of a sweep, in the order in which they are looked at, and how fast. Pure."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from services.contracts.discovery import ADDRESSES_MAX
from services.contracts.networks import Address, Network

#: The golden section: multiples of it, taken modulo 1, lie as far apart as can be.
_GOLDEN = (math.sqrt(5) - 1) / 2


class Targets:
    """The hosts of some networks, each once. Raises ValueError for more than ``ADDRESSES_MAX``.

    Network and broadcast addresses of IPv4 networks are no hosts. Neighbouring addresses come far apart in time, so that
    a small site's line within a large list carries a few probes in a second and not all at once.
    """

    def __init__(self, networks: Iterable[Network]) -> None:
        spans: set[tuple[int, int, int]] = set()
        self._named_alone: set[Address] = set()
        for network in networks:
            first, last = int(network.network_address), int(network.broadcast_address)
            if first == last:
                self._named_alone.add(network.network_address)
            elif isinstance(network, IPv4Network) and network.prefixlen < 31:
                first, last = first + 1, last - 1
            spans.add((network.version, first, last))
        self._spans = _merged(sorted(spans))
        self._begins: list[int] = []
        count = 0
        for _, first, last in self._spans:
            self._begins.append(count)
            count += last - first + 1
        self._count = count
        if count > ADDRESSES_MAX:
            raise ValueError(f"{count} addresses are more than the {ADDRESSES_MAX} of one search")

    def __len__(self) -> int:
        return self._count

    def __contains__(self, address: Address) -> bool:
        at = bisect_right(self._spans, (address.version, int(address), 1 << 128)) - 1
        if at < 0:
            return False
        version, first, last = self._spans[at]
        return version == address.version and first <= int(address) <= last

    def __iter__(self) -> Iterator[Address]:
        step = _coprime_step(self._count)
        return (self._address(number * step % self._count) for number in range(self._count))

    def named_alone(self, address: Address) -> bool:
        """Whether the address was given by itself and not as one of a network."""
        return address in self._named_alone

    def _address(self, index: int) -> Address:
        span = bisect_right(self._begins, index) - 1
        version, first, _ = self._spans[span]
        number = first + index - self._begins[span]
        return IPv4Address(number) if version == 4 else IPv6Address(number)


def _merged(spans: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    merged: list[tuple[int, int, int]] = []
    for version, first, last in spans:
        if merged and merged[-1][0] == version and first <= merged[-1][2] + 1:
            merged[-1] = (version, merged[-1][1], max(merged[-1][2], last))
        else:
            merged.append((version, first, last))
    return merged


def _coprime_step(count: int) -> int:
    """A step by which all of ``count`` places are visited, each far from the ones before."""
    step = max(round(count * _GOLDEN), 1)
    while math.gcd(step, count) != 1:
        step += 1
    return step


class Pacer:
    """So many in a second, evenly: what was missed by a stall is not made up for."""

    def __init__(self, per_s: float, now: float) -> None:
        if per_s <= 0:
            raise ValueError("the pace must be positive")
        self._per_s = per_s
        self._most = max(1.0, per_s * 0.1)
        self._at = now
        self._saved = 1.0

    def due(self, now: float) -> int:
        """How many may begin now."""
        self._saved = min(self._saved + (now - self._at) * self._per_s, self._most)
        self._at = now
        return int(self._saved)

    def begin(self) -> None:
        """One has begun."""
        self._saved -= 1.0
