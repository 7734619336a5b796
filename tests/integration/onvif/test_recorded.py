"""Answers of a real camera that others recorded, served in a network of their own under the address that they name."""

import re
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.contracts.camera import DeviceFacts, Interrogation, OnvifSource, RtspSource
from services.ingest.onvif.gateway import ZeepOnvifGateway
from tests.harness.namespace import Namespace

ANSWERS = Path(__file__).parents[2] / "data" / "onvif" / "npm-onvif-0.6.5"
ADDRESS = "192.168.68.111"


def answer_to(operation: str) -> bytes:
    """As its own server finds it: by service and name, by name, or the fault."""
    for name in (f"device.{operation}.xml", f"{operation}.xml", "Error.xml"):
        if (ANSWERS / name).exists():
            return re.sub(rb"\{\{.*?\}\}", b"", (ANSWERS / name).read_bytes())
    raise AssertionError("there is no fault")


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        length = 0
        while line := self.rfile.readline().strip().lower():
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        found = re.search(rb"Body[^>]*>\s*<(?:\w+:)?(\w+)", self.rfile.read(length))
        body = answer_to(found[1].decode() if found else "")
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml;charset=UTF-8\r\nContent-Length: %d\r\n\r\n"
        self.wfile.write(head % len(body) + body)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    with Namespace() as namespace:
        namespace.add_local_network("192.168.68.0/24")
        with namespace.entered():
            server = Server(("0.0.0.0", 80), Handler)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
        yield namespace
        server.shutdown()
        server.server_close()
        thread.join()


async def ask(namespace: Namespace, address: str) -> tuple[Interrogation, DeviceFacts]:
    source = OnvifSource(address=address, port=80, path="/onvif/services")
    with namespace.entered():
        gateway = ZeepOnvifGateway()
        told = await gateway.interrogate(source, None, every_channel=True)
        facts = await gateway.identify(source, None)
        await gateway.close()
    return told, facts


@pytest.mark.parametrize("address", [ADDRESS, "192.168.68.7"], ids=["at the address it names", "behind another"])
async def test_a_recorded_camera_is_understood(namespace: Namespace, address: str) -> None:
    """agsh/onvif (npm onvif 0.6.5), test/serverMockup. Quirk 13: it is asked where it is reached."""
    told, facts = await ask(namespace, address)
    device = told.device
    assert (device.maker, device.model) == ("Mockup Manufacturer", "Mockup Model")
    assert (device.firmware, device.serial) == ("Mockup_15_14_13", "00000000")
    assert (device.mac, device.name, device.endpoint) == ("28:57:be:65:7d:d5", "IPNC-RDK", None)
    assert device.auth_mode == "none"
    assert device.clock_offset_s is not None
    assert device.clock_offset_s < -86400 * 365 * 10  # recorded at Christmas of 2014
    assert "http://www.onvif.org/ver10/media/wsdl" in device.services
    assert len(device.services) == 6
    (channel,) = told.channels
    assert channel.sources[0] == "vidsrc0"
    assert (channel.profile, channel.codec, channel.width, channel.height) == ("main", "h264", 1920, 1080)
    assert "main" in channel.profiles
    assert channel.snapshot_path == "/onvif-cgi/jpg/image.cgi?resolution=800x600&compression=20&camera=1"
    main = told.streams[0]
    assert main.source == RtspSource(address=address, port=554, path="/h264main")
    assert main.original_uri == f"rtsp://{ADDRESS}/h264main"
    assert facts.evidence == device.evidence
