"""``vonggac discover``: search networks for cameras and recorders from this shell; no server is needed."""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console

from services.cli import discover_adopt, discover_csv, discover_view
from services.cli.discover_order import SignInPart, WrongCall, make_order, read_credentials, read_secret
from services.contracts.discovery import DiscoveryOrder, DiscoveryReport
from services.contracts.networks import CameraNetworks
from services.contracts.zones import Zone
from services.ingest.discovery.scan import Scan
from services.ingest.onvif.gateway import ZeepOnvifGateway
from services.runtime import logs
from services.runtime.clock import SystemClock
from services.runtime.file_limit import raise_file_limit
from services.runtime.http_client import HttpClient
from services.settings import Settings

#: As many as hosts are asked at the same time.
_THREADS = 32
#: A recorder is asked for the streams of each of its channels, one question after another.
_INTERROGATION_S = 60.0
_EXAMPLES = """\
Only networks within VONGGAC_CAMERA_NETWORKS are looked at. Of each host two wrong passwords at most are tried, those
that are given here and no others. Passwords come from files or the environment, never from arguments.

  VONGGAC_CAMERA_NETWORKS=192.168.1.0/24 vonggac discover --network 192.168.1.0/24 \\
      --username admin --password-file camera.txt --csv found.csv
  vonggac discover --host 192.168.1.64 --host 203.113.1.9:8001 --json
  vonggac discover --network 192.168.1.0/24 --credentials-file sets.csv \\
      --facility HG-001 --api-url https://vonggac.example.vn --api-key-file key.txt --zone yard

Exit status: 0 the search ran, 1 it could not, 2 called wrongly, 130 interrupted (what was found so far is printed).
"""


def add(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    where = parser.add_argument_group("where to look")
    where.add_argument(
        "--network", action="append", default=[], metavar="CIDR", help="look at every address of it; may be repeated"
    )
    where.add_argument(
        "--host", action="append", default=[], metavar="HOST[:PORT]", help="look at this host; may be repeated"
    )
    where.add_argument(
        "--multicast",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="ask the own link by WS-Discovery multicast; done unless only --host is given",
    )
    where.add_argument(
        "--interface", action="append", default=[], metavar="IP", help="own address to send multicast from (all)"
    )
    where.add_argument("--rate", type=_positive, default=800.0, metavar="N", help="addresses begun in a second (800)")
    where.add_argument(
        "--deadline",
        type=_positive,
        default=600.0,
        metavar="SECONDS",
        help="end after so long with what there is (600)",
    )
    who = parser.add_argument_group("sets of credentials, tried in their order")
    who.add_argument(
        "--username", dest="sign_in", action=SignInPart, default=[], metavar="NAME", help="user name of the next set"
    )
    who.add_argument("--password-file", dest="sign_in", action=SignInPart, metavar="FILE", help="file of its password")
    who.add_argument(
        "--password-env", dest="sign_in", action=SignInPart, metavar="NAME", help="environment variable of its password"
    )
    who.add_argument("--credentials-file", type=Path, metavar="CSV", help="further sets: lines of username,password")
    result = parser.add_argument_group("what comes out")
    result.add_argument("--json", action="store_true", help="print one JSON object, that of GET /v1/discoveries/{id}")
    result.add_argument("--csv", type=Path, metavar="FILE", help="write a line for each channel")
    adoption = parser.add_argument_group("registering what was found")
    adoption.add_argument(
        "--facility", metavar="CODE", help="hand the findings in for this facility and adopt them all"
    )
    adoption.add_argument("--api-url", metavar="URL", help="where the API is (VONGGAC_API_URL)")
    adoption.add_argument("--api-key-file", type=Path, metavar="FILE", help="file of an API key (VONGGAC_API_KEY)")
    adoption.add_argument("--api-ca", type=Path, metavar="FILE", help="PEM certificates to trust (VONGGAC_API_CA)")
    adoption.add_argument(
        "--zone",
        choices=[zone.value for zone in Zone],
        metavar="ZONE",
        default=Zone.OTHER_PUBLIC.value,
        help="what the cameras look at, until somebody says it of each: gate, yard … (other_public)",
    )


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    logs.configure("warning", plain=True)
    networks = CameraNetworks(settings.camera_networks)
    try:
        sets = read_credentials(arguments.sign_in, arguments.credentials_file)
        order = make_order(arguments, networks, sets)
        client = _client(arguments, settings) if arguments.facility else None
    except WrongCall as fault:
        print(f"vonggac: {fault}", file=sys.stderr)
        return 2
    raise_file_limit()
    return asyncio.run(_discover(arguments, order, networks, client))


@dataclass(frozen=True, slots=True)
class _Outcome:
    report: DiscoveryReport
    interrupted: bool

    @property
    def status(self) -> str:
        return "cancelled" if self.interrupted else self.report.status


async def _discover(
    arguments: argparse.Namespace, order: DiscoveryOrder, networks: CameraNetworks, client: HttpClient | None
) -> int:
    try:
        # Asked first: a wrong code or key must not show after minutes of searching.
        facility = None if client is None else await discover_adopt.facility_id(client, arguments.facility)
        outcome = await _search(order, networks, discover_view.choose_view(json=arguments.json))
        report = outcome.report
        if arguments.csv is not None:
            discover_csv.write_csv(arguments.csv, report.found)
        discovery, adopted = None, None
        if client is not None and facility is not None and report.found and outcome.status == "done":
            discovery = await discover_adopt.send_findings(client, facility, report.found, order.credentials)
            adopted = await discover_adopt.adopt(client, discovery, arguments.zone)
    finally:
        if client is not None:
            await client.close()
    if arguments.json:
        print(json.dumps(_as_discovery(outcome, discovery, facility), ensure_ascii=False))
    else:
        _print(report)
    if adopted is not None:
        discover_adopt.print_adoption(Console(stderr=arguments.json), adopted)
    if report.failure is not None:
        print(f"vonggac: {report.failure}", file=sys.stderr)
    if outcome.interrupted:
        return 130
    return 0 if report.status == "done" else 1


async def _search(order: DiscoveryOrder, networks: CameraNetworks, view: discover_view.View) -> _Outcome:
    onvif = ZeepOnvifGateway(threads=_THREADS, interrogation_s=_INTERROGATION_S)
    interrupted = False

    async def show(report: DiscoveryReport) -> None:
        view.show(report)

    scan = Scan(order, onvif, networks, SystemClock(), show)

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        scan.cancel()

    try:
        with _on_signals(interrupt), view:
            report = await scan.run()
            view.show(report)
    finally:
        await onvif.close()
    return _Outcome(report, interrupted)


@contextlib.contextmanager
def _on_signals(call: Callable[[], None]) -> Iterator[None]:
    """Call on the first Ctrl-C or SIGTERM; a second one ends the process as usual."""
    loop = asyncio.get_running_loop()
    caught = (signal.SIGINT, signal.SIGTERM)

    def first() -> None:
        for number in caught:
            loop.remove_signal_handler(number)
        call()

    for number in caught:
        loop.add_signal_handler(number, first)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)


def _client(arguments: argparse.Namespace, settings: Settings) -> HttpClient:
    key = read_secret(arguments.api_key_file).strip() if arguments.api_key_file is not None else settings.api_key
    return discover_adopt.api_client(arguments.api_url or settings.api_url, key, arguments.api_ca or settings.api_ca)


def _as_discovery(outcome: _Outcome, discovery: UUID | None, facility: UUID | None) -> dict[str, Any]:
    """The object of ``GET /v1/discoveries/{id}``."""
    return {
        "id": None if discovery is None else str(discovery),
        "facility_id": None if facility is None else str(facility),
        "status": outcome.status,
        "progress": outcome.report.progress.model_dump(mode="json"),
        "found": [one.model_dump(mode="json") for one in outcome.report.found],
    }


def _print(report: DiscoveryReport) -> None:
    console = Console()
    if console.is_terminal:
        console.print(discover_view.found_table(report.found))
    channels = sum(len(one.channels) for one in report.found)
    progress = report.progress
    print(
        f"{len(report.found)} hosts with {channels} channels; {progress.looked} of {progress.addresses} addresses looked at."
    )
    for line in discover_view.advice_lines(report.found):
        print(line)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError("must be above 0")
    return value
