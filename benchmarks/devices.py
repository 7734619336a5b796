"""Ten thousand ONVIF devices interrogated by one process, and onvif-zeep as it is shipped beside it at a hundred.
``make bench-devices``.

The devices live in another process, on addresses of 127.0.0.0/8 in a network namespace of this run. Each has three profiles
and an account of its own, half of them by HTTP Digest, half by WS-Security. One more accepts connections and never answers.
"""

import argparse
import asyncio
import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.child import Child
from services.runtime.file_limit import raise_file_limit

_CLONE_NEWNET = 0x40000000
#: Devices on which it is shown that the library as shipped knows no HTTP Digest.
_DIGEST_SHOWN = 10


def private_network() -> None:
    """Move this process, and all that it starts, into a network of its own where 127.0.0.0/8 is free. Needs root."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise SystemExit(f"a network namespace needs root: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


async def visits(way: str, *arguments: str) -> dict[str, Any]:
    """What a process that visits devices says of itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.device_visits", way, *arguments, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"the visits ended with {process.returncode}")
    told: dict[str, Any] = json.loads(out)
    told["cpu_ms_each"] = round(told["cpu_s"] * 1000 / told["devices"], 2)
    return told


async def run(given: argparse.Namespace) -> dict[str, Any]:
    """The many by our own way, then the few by both."""
    async with Child("benchmarks.device_farm") as farm:
        port = ("--port", str(farm.greeting["port"]))
        hanging = ("--hanging-port", str(farm.greeting["hanging_port"])) if given.hang else ()
        report.say(f"{given.devices} devices …")
        many = await visits("own", "--devices", str(given.devices), *port, *hanging)
        results: dict[str, Any] = {"own": many}
        if given.stock:
            report.say(f"{given.stock} devices by both …")
            few = ("--devices", str(given.stock), "--kind", "wsse", *port)
            results["own_few"] = await visits("own", *few)
            results["stock"] = await visits("stock", *few)
            shown = ("--devices", str(min(_DIGEST_SHOWN, given.stock)), "--kind", "digest", *port)
            results["stock_digest"] = await visits("stock", *shown)
            results["ratio"] = {
                name: round(results["stock"][name] / max(results["own_few"][name], 0.01), 1)
                for name in ("cpu_s", "wall_s")
            }
    return results


def rendered(results: dict[str, Any]) -> str:
    """The table."""
    rows = []
    for name, title in (
        ("own", "Vọng Gác"),
        ("own_few", "Vọng Gác, WS-Security"),
        ("stock", "onvif-zeep as shipped, WS-Security"),
        ("stock_digest", "onvif-zeep as shipped, Digest"),
    ):
        told = results.get(name)
        if told is not None:
            numbers = (told["cpu_s"], told["cpu_ms_each"], told["wall_s"], told["rss_growth_mb"])
            errors = str(sum(told["errors"].values()))
            rows.append([title, str(told["devices"]), *(report.number(value, 1) for value in numbers), errors])
    head = ("", "devices", "CPU s", "CPU ms each", "wall s", "RSS growth MB", "errors")
    lines = [report.table(head, rows), ""]
    if results["own"]["hung_s"] is not None:
        lines.append(f"A device that hangs cost {results['own']['hung_s']} s of one slot.")
    if "ratio" in results:
        lines.append(
            f"As shipped: {results['ratio']['cpu_s']} times the CPU, {results['ratio']['wall_s']} times as long."
        )
    return "\n".join(lines)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.devices", description=__doc__)
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--stock", type=int, default=100, help="devices for onvif-zeep as shipped; 0: leave it out")
    parser.add_argument("--hang", action=argparse.BooleanOptionalAction, default=True, help="one more that hangs")
    parser.add_argument("--json", type=Path, help="where to write the results (benchmarks/results/)")
    parser.add_argument("--markdown", type=Path, help="write the table there, too")
    return parser.parse_args(argv)


def main() -> None:
    given = arguments()
    raise_file_limit()
    private_network()
    results = asyncio.run(run(given))
    text = rendered(results)
    settings = {"devices": given.devices, "stock": given.stock}
    path = report.write("devices", settings, results, given.json, given.markdown, text)
    print(f"{text}\n\n{path}")
    own = results["own"]
    last = {name: own[name] for name in ("devices", "cpu_s", "wall_s", "rss_growth_mb", "hung_s")}
    print(json.dumps({**last, "errors": sum(own["errors"].values()), "stock_ratio": results.get("ratio")}))


if __name__ == "__main__":
    main()
