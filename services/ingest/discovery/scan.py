"""The whole search: listen, look, ask, and tell how far it is, from an order to the last report."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.contracts.discovery import (
    DiscoveryOrder,
    DiscoveryProgress,
    DiscoveryReport,
    Found,
    SeenBy,
)
from services.contracts.networks import CameraNetworks, Network
from services.ingest.discovery import neighbours
from services.ingest.discovery.aims import Aims, OrderRefused, hosts_as_networks, read_order
from services.ingest.discovery.asking import Asking
from services.ingest.discovery.candidate import Candidate, candidate
from services.ingest.discovery.describing import LookLimits
from services.ingest.discovery.gathered import Gathering
from services.ingest.discovery.host_budget import HostBudget
from services.ingest.discovery.merging import merged
from services.ingest.discovery.rtsp_look import RtspLook
from services.ingest.discovery.sighting import OpenPort, Sighting
from services.ingest.discovery.sweep import Sweep
from services.ingest.discovery.ws_discovery import multicast
from services.ingest.ports import OnvifGateway
from services.runtime.clock import Clock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """Bounds of a search. Seconds, unless it says otherwise."""

    #: Hosts that are asked at the same time. A host that hangs holds one of these slots for seconds.
    hosts_at_once: int = 32
    #: Listening for answers to multicast.
    window_s: float = 4.0
    #: An address may take so long to answer.
    sweep_timeout_s: float = 1.5
    #: An address is asked when nothing new came of it for so long: its ports are looked at one after another.
    settle_s: float = 1.0
    settle_max_s: float = 4.0
    #: For everything that is asked of one host.
    host_s: float = 90.0
    #: Reports come at least so often, and no more often than that.
    report_every_s: float = 2.0
    report_apart_s: float = 0.25
    look: LookLimits = field(default_factory=LookLimits)


class Looking(Protocol):
    """Who looks at addresses: ``sweep.Sweep``."""

    async def run(
        self,
        targets: Iterable[Network],
        ports: Sequence[int],
        on_sighting: Callable[[Sighting], None],
        on_open: Callable[[OpenPort], None],
        on_progress: Callable[[int, int], None],
        cancelled: Callable[[], bool],
    ) -> object: ...


class Scan:
    """One search. ``run`` it once; ``cancel`` ends it with what it has."""

    def __init__(
        self,
        order: DiscoveryOrder,
        onvif: OnvifGateway,
        networks: CameraNetworks,
        clock: Clock,
        on_report: Callable[[DiscoveryReport], Awaitable[None]],
        *,
        limits: ScanLimits | None = None,
        looking: Looking | None = None,
        mac_of: Callable[[str], str | None] = neighbours.mac_of,
    ) -> None:
        """``on_report`` gets reports while the search runs, one at a time; what it raises is logged and the search goes
        on. The last report is what ``run`` returns, and is not given to it."""
        self._order = order
        self._networks = networks
        self._clock = clock
        self._on_report = on_report
        self._limits = limits or ScanLimits()
        self._looking = looking or Sweep(
            networks,
            addresses_per_s=order.addresses_per_s,
            timeout_s=self._limits.sweep_timeout_s,
            deadline_s=order.deadline_s,
        )
        sets = order.credentials
        self._asking = Asking(onvif, RtspLook(sets, clock, self._limits.look), sets, clock, mac_of)
        self._budgets: dict[str, HostBudget] = {}
        #: One question at a time for each address: many devices serve no more, and the budget is shared.
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._slots = asyncio.Semaphore(self._limits.hosts_at_once)
        self._gathering = Gathering(self._limits.settle_s, self._limits.settle_max_s)
        #: Addresses that are asked at named ports only, without a look.
        self._alone = 0
        self._asks: set[asyncio.Task[None]] = set()
        self._found: dict[tuple[str, int | None], Found] = {}
        self._progress = DiscoveryProgress()
        self._failure: str | None = None
        self._changed = asyncio.Event()
        self._over = asyncio.Event()

    def cancel(self) -> None:
        """End the search soon; ``run`` returns what was found. May be called again, and before ``run``."""
        self._over.set()

    async def run(self) -> DiscoveryReport:
        """Search. A search that breaks off is a report with its failure, and what was found until then; cancelling the task ends it without a report."""
        try:
            aims = read_order(self._order, self._networks)
        except OrderRefused as refused:
            return DiscoveryReport(status="failed", progress=self._progress, failure=str(refused))
        self._tell(addresses=aims.addresses)
        searching = asyncio.create_task(self._search(aims))
        ending = asyncio.create_task(self._over.wait())
        reporting = asyncio.create_task(self._report())
        try:
            await asyncio.wait({searching, ending}, timeout=self._order.deadline_s, return_when="FIRST_COMPLETED")
            if searching.done():
                searching.result()
        except Exception as error:
            log.exception("search failed")
            self._failure = f"The search broke off: {type(error).__name__}."
        finally:
            self._over.set()
            for task in (searching, ending, reporting, *self._asks):
                task.cancel()
            await asyncio.gather(searching, ending, reporting, *self._asks, return_exceptions=True)
        for host in self._gathering.answered():  # there was no time to ask them
            port = next((place.port for one in host.sightings for place in one.service_addresses), 80)
            endpoint = next((one.endpoint for one in host.sightings if one.endpoint), None)
            self._found[host.address, None] = Found(address=host.address, port=port, endpoint=endpoint)
        self._tell(phase="done")
        return self._composed("done" if self._failure is None else "failed")

    # The search

    async def _search(self, aims: Aims) -> None:
        self._tell(phase="listening")
        for address, ports in aims.ports.items():
            if not aims.is_whole(address):
                self._alone += 1
                for port in ports:
                    self._ask(self._named(address, port, shares_address=len(ports) > 1))
        self._tell(hosts=self._hosts())
        listening = self._listen() if self._order.multicast else asyncio.sleep(0)
        first = dict.fromkeys((*aims.hosts, *filter(aims.is_whole, aims.ports)))
        await asyncio.gather(listening, self._look(hosts_as_networks(first)))
        for address in first:
            self._ask(self._candidate(address, aims))
        # Devices that answered multicast are looked at before the many addresses of the networks.
        sighted = self._gathering.waiting()
        await self._look(hosts_as_networks(sighted))
        for address in sighted:
            self._ask(self._candidate(address, aims))
        self._tell(phase="looking")
        ripening = asyncio.create_task(self._ask_the_ripe(aims))
        try:
            await self._look(aims.networks, count=True)
        finally:
            ripening.cancel()
            await asyncio.gather(ripening, return_exceptions=True)
        for address in self._gathering.waiting():
            self._ask(self._candidate(address, aims))
        self._tell(phase="asking", looked=self._progress.addresses)
        while self._asks:
            await asyncio.wait(self._asks)

    async def _listen(self) -> None:
        outcome = await multicast(
            self._order.interfaces,
            window_s=self._limits.window_s,
            networks=self._networks,
            on_sighting=self._on_sighting,
            cancelled=self._over.is_set,
        )
        if not outcome.interfaces and not self._order.networks and not self._order.hosts:
            self._failure = "No probe could be sent by multicast: none of the interfaces is up or has this address."

    async def _look(self, targets: Sequence[Network], *, count: bool = False) -> None:
        if not targets:
            return
        before = self._progress.looked

        def on_progress(looked: int, _: int) -> None:
            if count:
                self._tell(looked=min(before + looked, self._progress.addresses))

        ports = tuple(dict.fromkeys((*self._order.onvif_ports, *self._order.rtsp_ports)))
        await self._looking.run(targets, ports, self._on_sighting, self._on_open, on_progress, self._over.is_set)

    async def _ask_the_ripe(self, aims: Aims) -> None:
        while True:
            await asyncio.sleep(self._limits.settle_s / 4)
            for address in list(self._gathering.ripe(self._clock.monotonic())):
                self._ask(self._candidate(address, aims))

    def _on_sighting(self, sighting: Sighting) -> None:
        if self._networks.permit_text(sighting.address):
            self._gathering.sighting(sighting, self._clock.monotonic())
            self._tell(hosts=self._hosts())

    def _on_open(self, port: OpenPort) -> None:
        self._gathering.open_port(port, self._clock.monotonic())
        self._tell(hosts=self._hosts())

    def _hosts(self) -> int:
        return len(self._gathering) + self._alone

    # Asking

    def _candidate(self, address: str, aims: Aims) -> Candidate:
        """An address that is looked at as a whole, with the ports that it was named with as further doors."""
        host = self._gathering.take(address)
        ports = aims.ports.get(address, ()) if aims.is_whole(address) else ()
        named = address in aims.hosts or bool(ports)
        ways: set[SeenBy] = {"host"} if named else set()
        return candidate(
            address,
            host.sightings,
            [*host.open_ports, *(OpenPort(address, port) for port in ports)],
            onvif_ports=(*ports, *self._order.onvif_ports),
            rtsp_ports=(*ports, *self._order.rtsp_ports),
            named=named,
            seen_by=host.ways | ways,
        )

    def _named(self, address: str, port: int, *, shares_address: bool) -> Candidate:
        return candidate(
            address,
            [],
            [],
            onvif_ports=(),
            rtsp_ports=(),
            named=True,
            named_port=port,
            shares_address=shares_address,
            seen_by={"host"},
        )

    def _ask(self, one: Candidate) -> None:
        task = asyncio.create_task(self._ask_one(one))
        self._asks.add(task)
        task.add_done_callback(self._asks.discard)

    async def _ask_one(self, one: Candidate) -> None:
        budget = self._budgets.get(one.address)
        if budget is None:
            refused = [before for before in self._order.refused if before.address == one.address]
            budget = self._budgets[one.address] = HostBudget(len(self._order.credentials), refused)
        found: Found | None = None
        async with self._turns[one.address], self._slots:
            budget.begin_device()
            try:
                async with asyncio.timeout(self._limits.host_s):
                    found = await self._asking.ask(one, budget)
            except Exception as error:
                log.warning("a host could not be asked", exc_info=error, extra={"address": one.address})
                if one.answered_probe or one.named:
                    port = one.named_port or next((door.port for door in one.onvif), 80)
                    found = Found(address=one.address, port=port, seen_by=one.seen_by, endpoint=one.endpoint)
        if found is not None:
            self._found[one.address, one.named_port] = found
        self._tell(asked=self._progress.asked + 1)

    # Telling

    def _tell(self, **changes: object) -> None:
        self._progress = self._progress.model_copy(update=changes)
        self._changed.set()

    async def _report(self) -> None:
        """Tell what is new, at once but not too often; and every while that the search is alive."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.report_every_s):
                    await self._changed.wait()
            self._changed.clear()
            try:
                await self._on_report(self._composed("running"))
            except Exception as error:
                log.warning("report of a search not delivered", exc_info=error)
            await asyncio.sleep(self._limits.report_apart_s)

    def _composed(self, status: str) -> DiscoveryReport:
        found = merged(self._seen_again(one) for one in self._found.values())
        return DiscoveryReport.model_validate(
            {"status": status, "progress": self._progress, "found": found, "failure": self._failure}
        )

    def _seen_again(self, one: Found) -> Found:
        """With the ways in which it was seen after it was asked."""
        ways = {*one.seen_by, *self._gathering.ways(one.address)}
        return one.model_copy(update={"seen_by": tuple(way for way in _WAYS if way in ways)})


_WAYS: tuple[SeenBy, ...] = ("multicast", "probe", "tcp", "host")
