"""``vonggac simulate``: run a simulated site until told to stop, or switch a fault in one that runs."""

import argparse
import asyncio
import contextlib
import http.client
import json
import signal
import sys
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import quote, urlsplit

from services.simulator.control import ControlServer
from services.simulator.device import (
    PASSWORD,
    USERNAME,
    DeviceSetup,
    SimulatedCamera,
    SimulatedDevice,
    SimulatedRecorder,
)
from services.simulator.digest import DigestAlgorithm
from services.simulator.faults import Fault
from services.simulator.listener import PortTaken
from services.simulator.onvif_server import AuthMode
from services.simulator.pictures import Codec
from services.simulator.places import OWN_NETWORK, NetworkTooSmall, place_devices
from services.simulator.ports_file import PortsFileUnusable, read_ports, write_ports
from services.simulator.quirks import Quirk, UnknownQuirk, read_quirks
from services.simulator.site import SimulatedSite

#: So many cameras and channels have their own name in the picture; encoding one takes up to a second.
OWN_PICTURES_MAX = 16

_CODECS = {"mixed": (Codec.H264, Codec.H265), "h264": (Codec.H264,), "h265": (Codec.H265,)}
#: Of four cameras in a row each pair of codec and mode occurs once.
_MODES = {
    "mixed": (AuthMode.DIGEST, AuthMode.WSSE, AuthMode.WSSE, AuthMode.DIGEST),
    **{mode.value: (mode,) for mode in AuthMode},
}
_ALGORITHMS = {
    "md5": (DigestAlgorithm.MD5,),
    "sha-256": (DigestAlgorithm.SHA256,),
    "both": (DigestAlgorithm.SHA256, DigestAlgorithm.MD5),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``vonggac simulate``."""
    parser.add_argument("--cameras", type=_count, default=4, help="number of cameras (default 4)")
    parser.add_argument(
        "--recorder-channels", type=_count, default=4, help="channels of the recorder; 0: no recorder (default 4)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address on which the devices listen (default 127.0.0.1)")
    parser.add_argument(
        "--addresses",
        nargs="?",
        const=ip_network(OWN_NETWORK),
        type=_network,
        metavar="CIDR",
        help=f"give each device an address of its own, with ONVIF at port 80 and RTSP at 554 where that is permitted, "
        f"instead of --host (default {OWN_NETWORK})",
    )
    parser.add_argument(
        "--discoverable", action="store_true", help="let the devices answer WS-Discovery (UDP port 3702)"
    )
    parser.add_argument(
        "--quirk",
        action="append",
        default=[],
        type=_quirk,
        metavar="NAME:CAMERA",
        help=f"a habit of a camera or recorder; may be repeated. Quirks: {', '.join(Quirk)}",
    )
    parser.add_argument("--username", default=USERNAME, help=f"user name of every device (default {USERNAME})")
    parser.add_argument("--password", default=PASSWORD, help=f"password of every device (default {PASSWORD})")
    parser.add_argument(
        "--codec-mix", choices=tuple(_CODECS), default="mixed", help="mixed: H.264 and H.265 in turn, H.264 first"
    )
    parser.add_argument(
        "--auth-mode", choices=tuple(_MODES), default="mixed", help="ONVIF authentication; mixed: digest and wsse"
    )
    parser.add_argument("--digest", choices=tuple(_ALGORITHMS), default="md5", help="hashes offered (default md5)")
    parser.add_argument("--control-port", type=_port, default=0, help="port of the control endpoint; 0: any free one")
    parser.add_argument(
        "--ports-file", type=Path, help="JSON file of ports: reused when it is there, otherwise written"
    )
    parser.add_argument("--site", default="site", help="name of the site; serial numbers and MACs follow from it")
    parser.add_argument(
        "--set-fault",
        nargs=3,
        metavar=("URL", "CAMERA", "FAULT"),
        help=f"switch a fault in a running simulator, at its control URL, and exit. Faults: {', '.join(Fault)}",
    )


def run(args: argparse.Namespace) -> int:
    """Carry out ``vonggac simulate``; the exit status."""
    if args.set_fault:
        return _set_fault(*args.set_fault)
    try:
        return asyncio.run(_simulate(args))
    except (OSError, PortsFileUnusable, PortTaken, QuirkOfNobody, NetworkTooSmall) as error:
        return _complain(str(error))


class QuirkOfNobody(ValueError):
    """A quirk was wanted for a device that is not there."""


def plan_site(args: argparse.Namespace, ports: dict[str, int]) -> list[SimulatedDevice]:
    """The devices that the options ask for, on the ports known from before. Raises QuirkOfNobody."""
    codecs, modes = _CODECS[args.codec_mix], _MODES[args.auth_mode]
    devices: list[SimulatedDevice] = []
    names = [f"camera-{index + 1}" for index in range(args.cameras)]
    setup = _setup_of(args, ports, [*names, "recorder-1"] if args.recorder_channels else names)
    for index, name in enumerate(names):
        own = setup(name, modes[index % len(modes)], index >= OWN_PICTURES_MAX)
        devices.append(SimulatedCamera(name, codecs[index % len(codecs)], own))
    if args.recorder_channels:
        crowded = args.cameras + args.recorder_channels > OWN_PICTURES_MAX
        channels = [codecs[index % len(codecs)] for index in range(args.recorder_channels)]
        devices.append(SimulatedRecorder("recorder-1", channels, setup("recorder-1", modes[0], crowded)))
    return devices


def _setup_of(
    args: argparse.Namespace, ports: dict[str, int], names: list[str]
) -> Callable[[str, AuthMode, bool], DeviceSetup]:
    places = place_devices(names, args.host, args.addresses, ports)
    for _, name in args.quirk:
        if name not in places:
            raise QuirkOfNobody(f"there is no device {name}; there are {', '.join(places) or 'none'}")

    def setup(name: str, mode: AuthMode, shared: bool) -> DeviceSetup:
        place = places[name]
        return DeviceSetup(
            host=place.host,
            onvif_port=place.onvif_port,
            rtsp_port=place.rtsp_port,
            username=args.username,
            password=args.password,
            auth_mode=mode,
            algorithms=_ALGORITHMS[args.digest],
            label="shared" if shared else None,
            quirks=frozenset(quirk for quirk, owner in args.quirk if owner == name),
            discoverable=args.discoverable,
        )

    return setup


async def _simulate(args: argparse.Namespace) -> int:
    ports = read_ports(args.ports_file) if args.ports_file else {}
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with SimulatedSite(plan_site(args, ports), args.site) as site:
        control = ControlServer(site, args.control_port or ports.get("control", 0))
        await control.listener.start()
        try:
            if args.ports_file:
                write_ports(args.ports_file, ports | _ports_of(site) | {"control": control.listener.port})
            sys.stdout.write(f"READY {json.dumps(control.describe())}\n")
            sys.stdout.flush()
            await stop.wait()
        finally:
            await control.listener.stop()
    return 0


def _ports_of(site: SimulatedSite) -> dict[str, int]:
    onvif = {f"{device.name}/onvif": device.onvif_port for device in site.devices}
    return onvif | {f"{device.name}/rtsp": device.rtsp_port for device in site.devices}


def _set_fault(url: str, camera: str, fault: str) -> int:
    where = urlsplit(url)
    if where.scheme != "http" or not where.hostname:
        return _complain(f"{url} is not the control URL of a simulator, such as http://127.0.0.1:8090")
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=15)
    with contextlib.closing(connection):
        try:
            connection.request("PUT", f"/cameras/{quote(camera, safe='')}/fault", json.dumps({"fault": fault}))
            response = connection.getresponse()
            answer = json.loads(response.read(64 * 1024))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return _complain(f"no simulator answers at {url}: {error}")
    if response.status != 200:
        return _complain(str(answer.get("error", answer)) if isinstance(answer, dict) else str(answer))
    sys.stdout.write(f"{camera}: {fault}\n")
    return 0


def _complain(sentence: str) -> int:
    sys.stderr.write(f"vonggac simulate: {sentence}\n")
    return 1


def _quirk(text: str) -> tuple[Quirk, str]:
    quirk, colon, camera = text.partition(":")
    if not colon or not camera:
        raise argparse.ArgumentTypeError("must be a quirk and a device, such as html:camera-1")
    try:
        return next(iter(read_quirks([quirk]))), camera
    except UnknownQuirk as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _count(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 10_000:
        raise argparse.ArgumentTypeError("must lie between 0 and 10000")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("must lie between 0 and 65535")
    return number
