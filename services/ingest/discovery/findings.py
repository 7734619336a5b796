"""What a sweep found, on its way to those who want to know: once each, bounded, many at a time. No I/O."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from services.contracts.discovery import FOUND_MAX
from services.contracts.networks import Address
from services.ingest.discovery.probe_match import parse
from services.ingest.discovery.sighting import OpenPort, Sighting

_PROGRESS_EVERY_S = 0.25
#: Of one host; a device answers each of our four probes once or twice.
_DATAGRAMS_MAX = 32


class Ears(NamedTuple):
    """Who is told."""

    on_sighting: Callable[[Sighting], None]
    on_open: Callable[[OpenPort], None]
    on_progress: Callable[[int, int], None]


class Findings:
    """Collects calls of ``ears``; ``flush`` hands them to ``deliver``, which makes them in their order."""

    def __init__(self, ears: Ears, deliver: Callable[[Sequence[Callable[[], None]]], None]) -> None:
        #: More hosts than a search may find; of those beyond, nothing is told.
        self.flooded = False
        self._ears = ears
        self._deliver = deliver
        self._told: set[Sighting] = set()
        self._hosts: set[Address] = set()
        self._datagrams: dict[Address, int] = {}
        self._calls: list[Callable[[], None]] = []
        self._progress_at = 0.0

    def datagram(self, address: Address, datagram: bytes) -> None:
        """A datagram came from this address."""
        count = self._datagrams.get(address, 0)
        if count >= _DATAGRAMS_MAX or not self._known(address):
            return
        self._datagrams[address] = count + 1
        for sighting in parse(datagram, str(address), "probe"):
            if sighting not in self._told:
                self._told.add(sighting)
                self._calls.append(partial(self._ears.on_sighting, sighting))

    def open_port(self, address: Address, port: int) -> None:
        """A connection was accepted."""
        if self._known(address):
            self._calls.append(partial(self._ears.on_open, OpenPort(str(address), port)))

    def flush(self, now: float, looked: int, addresses: int) -> None:
        """Tell what is new; how far the sweep is, some times in a second."""
        if now >= self._progress_at:
            self._progress_at = now + _PROGRESS_EVERY_S
            self._calls.append(partial(self._ears.on_progress, looked, addresses))
        if self._calls:
            calls, self._calls = self._calls, []
            self._deliver(calls)

    def _known(self, address: Address) -> bool:
        if address not in self._hosts and len(self._hosts) >= FOUND_MAX:
            self.flooded = True
            return False
        self._hosts.add(address)
        return True
