"""One process that interrogates devices of the farm, in one of two ways, and says what it cost: a line of JSON.

``own``: as a worker does it. ``stock``: onvif-zeep 0.2.12 as it is shipped, with the same questions; only WS-Security is
tried there, since it knows nothing else.
"""

import argparse
import asyncio
import json
import logging
import os
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from benchmarks.device_farm import account_of, address_of
from benchmarks.proc import memory_of_one
from services.contracts.camera import Credentials, Interrogation, OnvifSource
from services.ingest.faults import CameraFault
from services.ingest.onvif.gateway import ZeepOnvifGateway
from services.ingest.onvif.library import wsdl_folder
from services.runtime.file_limit import raise_file_limit

_AT_ONCE = 32


def indexes(count: int, kind: str) -> list[int]:
    """Which devices of the farm: all, or those with one way of signing in."""
    first, step = {"all": (0, 1), "digest": (0, 2), "wsse": (1, 2)}[kind]
    return [first + step * number for number in range(count)]


class Cost:
    """CPU seconds, wall seconds and memory of this process between two moments."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.monotonic()
        self._rss = self._most = memory_of_one(os.getpid()).rss

    def look(self) -> None:
        """Note how much memory is resident now."""
        self._most = max(self._most, memory_of_one(os.getpid()).rss)

    def told(self) -> dict[str, float]:
        self.look()
        return {
            "cpu_s": round(time.process_time() - self._cpu, 2),
            "wall_s": round(time.monotonic() - self._wall, 2),
            "rss_growth_mb": round((self._most - self._rss) / 1e6, 1),
        }


async def visit_own(count: int, kind: str, port: int, hanging_port: int | None) -> dict[str, Any]:
    """All devices by one gateway, and one that hangs beside them."""
    errors: Counter[str] = Counter()
    gateway = ZeepOnvifGateway()
    cost = Cost()

    async def visit(index: int) -> None:
        address = address_of(index)
        user, password = account_of(address)
        who = Credentials(username=user, password=password, version=1)
        try:
            told = await gateway.interrogate(OnvifSource(address=address, port=port), who)
        except CameraFault as fault:
            errors[fault.reason.value] += 1
        else:
            errors.update(_wrong(told, address, index))

    async def work(waiting: Iterator[int]) -> None:
        for index in waiting:
            await visit(index)
            if index % 64 == 0:
                cost.look()

    async def hang() -> float | None:
        if hanging_port is None:
            return None
        started = time.monotonic()
        try:
            await gateway.interrogate(OnvifSource(address=address_of(count), port=hanging_port), None)
        except CameraFault:
            return round(time.monotonic() - started, 2)
        raise AssertionError("the device that hangs answered")

    waiting = iter(indexes(count, kind))
    hung = asyncio.create_task(hang())
    await asyncio.gather(*(work(waiting) for _ in range(_AT_ONCE)))
    told = cost.told()
    hung_s = await hung
    await gateway.close()
    return {**told, "hung_s": hung_s, "errors": dict(errors)}


def _wrong(told: Interrogation, address: str, index: int) -> Iterator[str]:
    """What of an answer is not what this device says."""
    if told.device.serial != f"SN-{address}":
        yield "another device's serial"
    if told.device.auth_mode != ("wsse" if index % 2 else "digest"):
        yield "another way of signing in"
    if [stream.source.path for stream in told.streams] != ["/main", "/sub"]:
        yield "other streams"
    if told.device.mac is None or told.device.endpoint is None or told.device.name is None:
        yield "no identity"


def visit_stock(count: int, kind: str, port: int) -> dict[str, Any]:
    """All devices, one after another, each with a camera object that is thrown away afterwards."""
    from onvif import ONVIFCamera, ONVIFError  # noqa: PLC0415 - its import changes logging

    logging.disable(logging.CRITICAL)
    errors: Counter[str] = Counter()
    cost = Cost()
    for index in indexes(count, kind):
        address = address_of(index)
        user, password = account_of(address)
        try:
            camera = ONVIFCamera(address, port, user, password, wsdl_dir=str(wsdl_folder()))
            device = camera.devicemgmt
            device.GetSystemDateAndTime()
            device.GetDeviceInformation()
            device.GetServices({"IncludeCapability": False})
            device.GetNetworkInterfaces()
            device.GetEndpointReference()
            device.GetHostname()
            media = camera.create_media_service()
            for profile in media.GetProfiles()[:2]:
                setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
                media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profile.token})
        except ONVIFError:
            errors["ONVIFError"] += 1
        cost.look()
    return {**cost.told(), "hung_s": None, "errors": dict(errors)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device_visits", description=__doc__)
    parser.add_argument("way", choices=("own", "stock"))
    parser.add_argument("--devices", type=int, required=True)
    parser.add_argument("--kind", choices=("all", "digest", "wsse"), default="all")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--hanging-port", type=int)
    given = parser.parse_args()
    raise_file_limit()
    if given.way == "own":
        told = asyncio.run(visit_own(given.devices, given.kind, given.port, given.hanging_port))
    else:
        told = visit_stock(given.devices, given.kind, given.port)
    print(json.dumps({"way": given.way, "kind": given.kind, "devices": given.devices, **told}))


if __name__ == "__main__":
    main()
