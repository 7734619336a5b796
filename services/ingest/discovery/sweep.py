"""Addresses one by one: a unicast WS-Discovery probe and a look at TCP ports.

A sweep runs in a thread with an epoll loop of its own: thousands of connections begin and end in each second, and the
event loop of a worker that watches cameras must not notice. How fast it goes, what it leaves out and why:
docs/decisions/0025-discovery.md.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

from services.contracts.networks import CameraNetworks, Network
from services.ingest.discovery.findings import Ears, Findings
from services.ingest.discovery.sighting import OpenPort, Sighting
from services.ingest.discovery.sweep_loop import SweepLoop
from services.ingest.discovery.targets import Targets


class SweepOutcome(NamedTuple):
    """How a sweep ended. Found was what the callbacks were told."""

    ended: Literal["done", "cancelled", "late"]
    addresses: int
    looked: int
    #: Addresses of the order outside the camera networks; nothing was sent to them.
    refused: int
    #: More hosts than a search may find: what came beyond was dropped.
    flooded: bool


class Sweep:
    """Looks at every address of some networks, within the camera networks.

    ``addresses_per_s``: most that are begun in a second; each costs up to four datagrams of 700 bytes and two
    connections. ``timeout_s``: how long an address may take to answer; above 1 s, so that Linux has repeated a lost SYN.
    ``in_flight``: most connections in the making, each a descriptor. ``deadline_s``: when a sweep ends, finished or not.
    """

    def __init__(
        self,
        networks: CameraNetworks,
        *,
        addresses_per_s: float = 800.0,
        timeout_s: float = 1.5,
        in_flight: int = 4096,
        deadline_s: float = 600.0,
    ) -> None:
        self._networks = networks
        self._addresses_per_s = addresses_per_s
        self._timeout_s = timeout_s
        self._in_flight = in_flight
        self._deadline_s = deadline_s

    async def run(
        self,
        targets: Iterable[Network],
        ports: Sequence[int],
        on_sighting: Callable[[Sighting], None],
        on_open: Callable[[OpenPort], None],
        on_progress: Callable[[int, int], None] = lambda _looked, _addresses: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> SweepOutcome:
        """Look at all. Raises ValueError for too many addresses; never for the network.

        The callbacks are called on the event loop: with each answer, each open port, and (looked, addresses) some times
        a second. ``cancelled`` is called in the sweep's thread and may only look at something; it and the cancelling
        of the task end the sweep within 0.2 s. An address that is named alone, and each of up to 1,024, is asked for
        all ``ports``; of more, those that gave a sign of life.
        """
        loop = asyncio.get_running_loop()
        stop = threading.Event()
        findings = Findings(Ears(on_sighting, on_open, on_progress), lambda calls: _deliver(loop, calls))
        sweep = SweepLoop(
            Targets(targets),
            tuple(dict.fromkeys(ports)),
            self._networks,
            addresses_per_s=self._addresses_per_s,
            timeout_s=self._timeout_s,
            in_flight=self._in_flight,
            findings=findings,
        )
        with_thread = ThreadPoolExecutor(1, thread_name_prefix="sweep")
        try:
            ended = loop.run_in_executor(with_thread, sweep.run, self._deadline_s, lambda: stop.is_set() or cancelled())
            try:
                how = await asyncio.shield(ended)
            except asyncio.CancelledError:
                stop.set()
                await asyncio.wait([ended])
                raise
        finally:
            with_thread.shutdown(wait=False)
        return SweepOutcome(how, sweep.addresses, sweep.looked, sweep.refused, findings.flooded)


def _deliver(loop: asyncio.AbstractEventLoop, calls: Sequence[Callable[[], None]]) -> None:
    """Make calls on the event loop, in their order."""

    def make() -> None:
        for call in calls:
            call()

    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
        loop.call_soon_threadsafe(make)
