"""onvif-zeep as we use it: shared between devices and threads, without its side effects."""

import asyncio
import json
import subprocess
import sys
from contextlib import ExitStack
from importlib.metadata import distribution
from pathlib import Path

import pytest

from services.ingest.onvif import library
from services.ingest.onvif.gateway import ZeepOnvifGateway
from tests.doubles.onvif_device import OnvifDevice
from tests.doubles.onvif_security import HttpDigest, WsSecurity
from tests.harness.onvif import ask, credentials

IMPORTED = """
import json, logging, os, sys
os.environ["http_proxy"] = os.environ["https_proxy"] = "http://127.0.0.9:1"
root, client = logging.getLogger(), logging.getLogger("zeep.client")
client.setLevel("ERROR")
before = [root.level, len(root.handlers), client.level, dict(os.environ)]
import services.ingest.onvif.gateway
gateway = services.ingest.onvif.gateway.ZeepOnvifGateway()
after = [root.level, len(root.handlers), client.level, dict(os.environ)]
print(json.dumps([before == after, "onvif" in sys.modules]))
"""


def test_importing_changes_neither_logging_nor_environment() -> None:
    """As shipped, onvif-zeep 0.2.12 calls logging.basicConfig and takes the proxies out of the environment."""
    run = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(run.stdout) == [True, True]
    assert run.stderr == ""


def test_the_wsdl_folder_is_the_one_that_the_distribution_lists() -> None:
    folder = library.wsdl_folder()
    listed = {Path(str(file.locate())).resolve() for file in distribution("onvif-zeep").files or ()}
    assert {folder / "devicemgmt.wsdl", folder / "media.wsdl", folder / "onvif.xsd"} <= listed


@pytest.mark.parametrize("location", ["http://127.0.0.9/x.xsd", "/etc/hostname", "../../etc/hostname"])
def test_documents_load_nothing_from_outside_their_folder(location: str) -> None:
    with pytest.raises(ValueError, match="in no folder of WSDL files"):
        library._LocalFiles().load(location)


async def test_each_wsdl_file_is_parsed_once_for_all_devices_and_threads(gateway: ZeepOnvifGateway) -> None:
    library._parsed.cache_clear()
    with ExitStack() as stack:
        devices = [stack.enter_context(OnvifDevice(address=f"127.2.4.{number + 1}")) for number in range(8)]
        await asyncio.gather(*(ask(gateway, device) for device in devices))
    assert library._parsed.cache_info().misses == 2
    assert library._parsed.cache_info().hits == 8 * 2 - 2


async def test_many_devices_at_once_each_get_their_own_credentials(gateway: ZeepOnvifGateway) -> None:
    """Documents are shared between threads; nothing of one device may reach another."""
    with ExitStack() as stack:
        devices = []
        for number in range(24):
            security = (WsSecurity if number % 2 else HttpDigest)(f"user{number}", f"password{number}")
            devices.append(
                stack.enter_context(OnvifDevice(security=security, delay_s=0.002, address=f"127.2.3.{number + 1}"))
            )
        told = await asyncio.gather(
            *(
                ask(gateway, device, credentials(f"user{number}", f"password{number}"))
                for number, device in enumerate(devices)
            )
        )
    assert [len(each.streams) for each in told] == [2] * 24
    assert [each.device.auth_mode for each in told] == ["digest", "wsse"] * 12
    for number, device in enumerate(devices):
        others = {f"user{other}" for other in range(24) if other != number}
        for request in device.signed:
            named = request.text("Username") or request.headers["authorization"].split('"')[1]
            assert named not in others


async def test_no_pull_point_is_opened(gateway: ZeepOnvifGateway) -> None:
    """As shipped, every constructor leaves one open, and devices have two to eight (home-assistant/core issue 72544)."""
    with OnvifDevice() as device:
        await ask(gateway, device)
    assert device.operations == [
        "GetSystemDateAndTime",
        "GetDeviceInformation",
        "GetServices",
        "GetProfiles",
        "GetNetworkInterfaces",
        "GetEndpointReference",
        "GetHostname",
        "GetScopes",
        "GetStreamUri",
        "GetStreamUri",
    ]
