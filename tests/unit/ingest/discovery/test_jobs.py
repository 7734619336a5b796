"""A worker takes searches one at a time, tells of them, and ends one when it is told so."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from services.contracts.discovery import DiscoveryOrder, DiscoveryProgress, DiscoveryReport, Found
from services.contracts.errors import Unavailable
from services.contracts.ids import new_id
from services.contracts.messages import RosterChange, RosterChanged
from services.ingest.discovery.jobs import DiscoveryJobs, OnReport
from services.runtime.clock import SystemClock
from services.runtime.tasks import Shutdown
from tests.doubles.directory import WORKER, ScriptedDirectory


def an_order() -> DiscoveryOrder:
    return DiscoveryOrder(discovery_id=new_id(), facility_id=new_id(), reach="default", hosts=("10.20.3.4",))


def report(status: str = "running") -> DiscoveryReport:
    found = (Found(address="10.20.3.4", port=80),)
    return DiscoveryReport.model_validate({"status": status, "progress": DiscoveryProgress(), "found": found})


class Scripted:
    """A search that tells twice and then waits to be let go, or to be cancelled."""

    def __init__(self, order: DiscoveryOrder, on_report: OnReport) -> None:
        self.order = order
        self._on_report = on_report
        self.go = asyncio.Event()
        self.cancelled = False

    async def run(self) -> DiscoveryReport:
        for _ in range(2):
            await self._on_report(report())
        await self.go.wait()
        return report("done")

    def cancel(self) -> None:
        self.cancelled = True
        self.go.set()


class Bench:
    def __init__(self) -> None:
        self.directory = ScriptedDirectory(SystemClock())
        self.searches: list[Scripted] = []
        self.shutdown = Shutdown()
        self.jobs = DiscoveryJobs(lambda: WORKER, self.directory, self._new, last_pause_s=0.01)

    def _new(self, order: DiscoveryOrder, on_report: OnReport) -> Scripted:
        self.searches.append(Scripted(order, on_report))
        return self.searches[-1]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():
                await asyncio.sleep(0.005)

    def statuses(self, order: DiscoveryOrder) -> list[str]:
        return [told.status for about, told in self.directory.search_reports if about == order.discovery_id]


async def running(bench: Bench) -> asyncio.Task[None]:
    return asyncio.create_task(bench.jobs.run(bench.shutdown))


async def ended(bench: Bench, task: asyncio.Task[None]) -> None:
    bench.shutdown.request()
    async with asyncio.timeout(5):
        await task


async def test_searches_are_run_one_after_the_other_and_told_to_the_end() -> None:
    bench, orders = Bench(), [an_order(), an_order()]
    bench.directory.searches += orders
    task = await running(bench)
    await bench.until(lambda: len(bench.directory.search_reports) == 2)
    assert len(bench.searches) == 1, "the second waits"
    bench.searches[0].go.set()
    await bench.until(lambda: len(bench.searches) == 2)
    assert bench.statuses(orders[0]) == ["running", "running", "done"]
    bench.searches[1].go.set()
    await bench.until(lambda: bench.jobs.finished == 2)
    assert bench.statuses(orders[1])[-1] == "done"
    await ended(bench, task)


async def test_a_search_that_was_cancelled_is_ended_and_not_told_of_any_more() -> None:
    bench, order = Bench(), an_order()
    bench.directory.searches.append(order)
    bench.directory.cancelled_searches.add(order.discovery_id)
    task = await running(bench)
    await bench.until(lambda: bench.jobs.finished == 1)
    assert bench.searches[0].cancelled
    assert "done" not in bench.statuses(order)
    await ended(bench, task)


async def test_the_last_report_is_tried_again_while_the_directory_is_away() -> None:
    bench, order = Bench(), an_order()
    bench.directory.searches.append(order)
    task = await running(bench)
    await bench.until(lambda: len(bench.directory.search_reports) == 2)
    bench.directory.failing_in["report_discovery"] = Unavailable("The API is away.")
    bench.searches[0].go.set()
    await bench.until(lambda: bench.directory.calls.count("report_discovery") >= 4)
    bench.directory.failing_in.clear()
    with suppress(TimeoutError):
        await bench.until(lambda: "done" in bench.statuses(order))
    assert bench.statuses(order)[-1] == "done"
    await ended(bench, task)


async def test_shutdown_leaves_a_search_to_another_worker() -> None:
    bench, order = Bench(), an_order()
    bench.directory.searches.append(order)
    task = await running(bench)
    await bench.until(lambda: len(bench.directory.search_reports) == 2)
    await ended(bench, task)
    assert bench.statuses(order) == ["running", "running"]


async def test_a_nudge_makes_it_ask_at_once() -> None:
    bench = Bench()
    task = await running(bench)
    await bench.until(lambda: bench.directory.calls == ["claim_discovery"])
    bench.directory.searches.append(an_order())
    await bench.jobs.on_nudge(RosterChanged(facility_id=new_id(), change=RosterChange.FACILITY_CHANGED))
    began = asyncio.get_running_loop().time()
    await bench.until(lambda: len(bench.searches) == 1)
    assert asyncio.get_running_loop().time() - began < 1.0
    await ended(bench, task)
