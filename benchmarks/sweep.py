"""A sweep of a /16 that finds 500 scattered devices, and 300 devices that answer one multicast probe at once.

``make bench-sweep``. Each network is a namespace of its own and the devices are a process of their own, so that CPU time
is the sweep's. Needs root. Networks:

* refusing: all addresses are on loopback; where no device is, connections are refused, as by a firewall that is polite;
* silent:   the network is behind a router; where no device is, nothing comes back;
* link:     the network is on the same link; where no device is, nobody answers ARP. Smaller, as Linux asks for some 250
            hosts in a second at most.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from benchmarks import report
from services.contracts.discovery import ONVIF_PORTS, RTSP_PORTS
from services.contracts.networks import CameraNetworks
from services.ingest.discovery.sighting import Sighting
from services.ingest.discovery.sweep import Sweep
from services.ingest.discovery.ws_discovery import multicast
from services.runtime.file_limit import raise_file_limit
from tests.doubles.ws_devices import WsDevice, scattered, written
from tests.harness.namespace import Namespace
from tests.harness.server_process import find_program

PORTS = (*ONVIF_PORTS, *RTSP_PORTS)
_TICK_S = 0.01
_CABLE = "10.88.0.1/30", "10.88.0.2/30"
_GROUP_OF = 300
_WINDOW_S = 4.0
_IDLE_S = 3.0


@contextmanager
def devices_in(namespace: Namespace, devices: Sequence[WsDevice], interface: str | None = None) -> Iterator[None]:
    """The devices as a process, listening."""
    guard = [find_program("setpriv", "util-linux"), "--pdeathsig", "KILL"]
    with (
        namespace.entered(),
        subprocess.Popen(
            [*guard, sys.executable, "-m", "tests.doubles.ws_devices"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        process.stdin.write(written(devices, interface))
        process.stdin.flush()
        if not process.stdout.readline():
            raise RuntimeError("the devices did not start")
        try:
            yield
        finally:
            process.stdin.close()


def laid_out(kind: str, block: str, devices: Sequence[WsDevice], stack: ExitStack) -> Namespace:
    """A network of this kind with the devices in it. Returns where to sweep from."""
    here = stack.enter_context(Namespace())
    if kind == "refusing":
        here.add_local_network(block)
        stack.enter_context(devices_in(here, devices))
        return here
    there = stack.enter_context(Namespace())
    network = IPv4Network(block)
    if kind == "silent":
        here.join(there, here=_CABLE[0], there=_CABLE[1])
        here.ip("route", "add", block, "via", _CABLE[1].partition("/")[0])
        there.ip("route", "add", "blackhole", block)
    else:
        here.join(there, here=f"{network[1]}/{network.prefixlen}", there=_CABLE[1])
        there.ip("route", "add", f"{network[1]}/32", "dev", "cable1")
    for device in devices:
        there.ip("route", "add", "local", device.address, "dev", "cable1" if kind == "link" else "lo")
    stack.enter_context(devices_in(there, devices))
    return here


async def swept(kind: str, block: str, count: int, rate: float) -> dict[str, Any]:
    """One sweep, measured."""
    devices = scattered(block, count)
    network = IPv4Network(block)
    sightings: set[str] = set()
    opened: set[tuple[str, int]] = set()
    late: list[float] = []
    report.say(f"{kind}: {block} with {count} devices")
    with ExitStack() as stack:
        here = laid_out(kind, block, devices, stack)
        sweep = Sweep(CameraNetworks([network]), addresses_per_s=rate)
        ticking = asyncio.create_task(_lateness(late))
        cpu_s, began = time.process_time(), time.monotonic()
        with here.entered():
            outcome = await sweep.run(
                [network],
                PORTS,
                lambda sighting: sightings.add(sighting.address),
                lambda port: opened.add((port.address, port.port)),
            )
        wall_s, cpu_s = time.monotonic() - began, time.process_time() - cpu_s
        ticking.cancel()
    there = {device.address for device in devices}
    found = sightings | {address for address, _ in opened}
    return {
        "network": kind,
        "addresses": outcome.addresses,
        "looked": outcome.looked,
        "devices": count,
        "found": len(found & there),
        "found_beyond": len(found - there),
        "wall_s": round(wall_s, 1),
        "cpu_s": round(cpu_s, 2),
        **_lateness_of(late),
    }


async def listened(count: int) -> dict[str, Any]:
    """One search by multicast, measured."""
    report.say(f"multicast: {count} devices")
    devices = [WsDevice(f"10.77.{2 + number // 200}.{1 + number % 200}") for number in range(count)]
    found: list[Sighting] = []
    with ExitStack() as stack:
        here, there = stack.enter_context(Namespace()), stack.enter_context(Namespace())
        here.join(there, here="10.77.0.1/16", there="10.77.0.2/16")
        there.add_local_network("10.77.2.0/23")
        stack.enter_context(devices_in(there, devices, "10.77.0.2"))
        cpu_s, began = time.process_time(), time.monotonic()
        first_all_s: list[float] = []

        def on_sighting(sighting: Sighting) -> None:
            found.append(sighting)
            if len(found) == count:
                first_all_s.append(time.monotonic() - began)

        with here.entered():
            outcome = await multicast(
                ["10.77.0.1"],
                window_s=_WINDOW_S,
                networks=CameraNetworks([IPv4Network("10.77.0.0/16")]),
                on_sighting=on_sighting,
            )
        cpu_s = time.process_time() - cpu_s
    return {
        "devices": count,
        "found": len({one.address for one in found}),
        "all_found_after_s": round(first_all_s[0], 3) if first_all_s else None,
        "datagrams": outcome.datagrams,
        "cpu_s": round(cpu_s, 3),
    }


async def _lateness(late: list[float]) -> None:
    """How late the event loop is, in seconds: what cameras that are watched beside a sweep would notice."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _TICK_S
        await asyncio.sleep(_TICK_S)
        late.append(loop.time() - due)


async def _idle() -> dict[str, float]:
    """How late the event loop is without a sweep, on this machine now."""
    late: list[float] = []
    ticking = asyncio.create_task(_lateness(late))
    await asyncio.sleep(_IDLE_S)
    ticking.cancel()
    return _lateness_of(late)


def _lateness_of(late: Sequence[float]) -> dict[str, float]:
    ordered = sorted(late)
    return {
        "loop_late_p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 1),
        "loop_late_max_ms": round(ordered[-1] * 1000, 1),
    }


async def run(given: argparse.Namespace) -> dict[str, Any]:
    idle = await _idle()
    sweeps = [await swept(kind, given.network, given.devices, given.rate) for kind in ("refusing", "silent")]
    if given.link:
        sweeps.append(await swept("link", given.link, min(given.devices, 60), given.rate))
    return {"idle": idle, "sweeps": sweeps, "multicast": await listened(_GROUP_OF)}


def rendered(results: dict[str, Any]) -> str:
    """The table."""
    head = ("network", "addresses", "devices", "found", "wall, s", "CPU, s", "loop late p99, ms", "max, ms")
    rows = [
        (
            one["network"],
            str(one["addresses"]),
            str(one["devices"]),
            str(one["found"]),
            report.number(one["wall_s"], 1),
            report.number(one["cpu_s"], 1),
            report.number(one["loop_late_p99_ms"], 1),
            report.number(one["loop_late_max_ms"], 1),
        )
        for one in results["sweeps"]
    ]
    idle = results["idle"]
    lateness = (report.number(idle["loop_late_p99_ms"], 1), report.number(idle["loop_late_max_ms"], 1))
    rows.insert(0, ("no sweep", "", "", "", "", "", *lateness))
    group = results["multicast"]
    after_s, cpu_s = report.number(group["all_found_after_s"], 2), report.number(group["cpu_s"], 2)
    rows.append(("multicast", "", str(group["devices"]), str(group["found"]), after_s, cpu_s, "", ""))
    return report.table(head, rows)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep", description=__doc__)
    parser.add_argument("--network", default="10.77.0.0/16")
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--rate", type=float, default=800.0, help="addresses begun in a second")
    parser.add_argument("--link", default="10.77.0.0/20", help="network on the same link; empty: none")
    parser.add_argument("--json", type=Path, help="where to write the results (benchmarks/results/)")
    parser.add_argument("--markdown", type=Path, help="write the table there, too")
    return parser.parse_args(argv)


def main() -> None:
    raise_file_limit()
    given = arguments()
    results = asyncio.run(run(given))
    text = rendered(results)
    settings = {name: value for name, value in vars(given).items() if name not in {"json", "markdown"}}
    path = report.write("sweep", settings, results, given.json, given.markdown, text)
    print(f"{text}\n\n{path}")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
