"""Devices that answer WS-Discovery or accept connections, hundreds in one thread, on addresses of this machine.

Written after the WS-Discovery specification of April 2005 and shared with nothing in ``services``. In a process of its
own: ``python -m tests.doubles.ws_devices``, with a JSON list of devices as its standard input's first line.
"""

import contextlib
import dataclasses
import json
import random
import re
import select
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network
from types import TracebackType
from typing import Any, Self
from uuid import NAMESPACE_DNS, uuid5

_GROUP = "239.255.255.250"
_GROUP_V6 = "ff02::c"
_PORT = 3702
_PROBE = re.compile(rb"[:<]Probe[ />]")
_TYPES = re.compile(rb"Types[^>]*>([^<]*)<")
_MESSAGE_ID = re.compile(rb"MessageID[^>]*>\s*([^<\s]+)\s*<")


@dataclass(frozen=True)
class WsDevice:
    """One device. Without ``probes`` it is found by its ``ports`` only, without ports by probes only."""

    address: str
    probes: bool = True
    ports: tuple[int, ...] = ()
    #: Answers only probes that name its type, or only probes without a type; None: both.
    typed: bool | None = None
    #: So many probes are lost on their way to it.
    deaf_to: int = 0
    #: Another own address that its answers come from.
    answers_from: str | None = None
    #: How often it says each answer.
    repeats: int = 1

    @property
    def endpoint(self) -> str:
        return f"urn:uuid:{uuid5(NAMESPACE_DNS, self.address)}"

    def wants(self, probe: bytes) -> bool:
        types = _TYPES.search(probe)
        named = types is not None and bool(types[1].strip())
        if named and types is not None and b"dn:NetworkVideoTransmitter" not in types[1]:
            return False
        return self.typed is None or self.typed == named

    def answer(self, probe: bytes) -> bytes:
        asked = _MESSAGE_ID.search(probe)
        relates_to = asked[1].decode() if asked else ""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<SOAP-ENV:Envelope'
            ' xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"'
            ' xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
            ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"'
            ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><SOAP-ENV:Header>'
            f"<wsa:MessageID>urn:uuid:{uuid5(NAMESPACE_DNS, relates_to + self.address)}</wsa:MessageID>"
            f"<wsa:RelatesTo>{relates_to}</wsa:RelatesTo>"
            "<wsa:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:To>"
            "<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</wsa:Action></SOAP-ENV:Header>"
            "<SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch>"
            f"<wsa:EndpointReference><wsa:Address>{self.endpoint}</wsa:Address></wsa:EndpointReference>"
            "<d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>onvif://www.onvif.org/type/video_encoder"
            " onvif://www.onvif.org/Profile/Streaming onvif://www.onvif.org/location/country/vietnam"
            f" onvif://www.onvif.org/hardware/DEMO-2021 onvif://www.onvif.org/name/Camera%20{self.address}</d:Scopes>"
            f"<d:XAddrs>http://{self.address}/onvif/device_service</d:XAddrs>"
            "<d:MetadataVersion>10</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body>"
            "</SOAP-ENV:Envelope>"
        ).encode()


class WsDevices:
    """All of them, listening. Made in the network in which they shall be.

    ``interface`` is the own address on which they hear multicast; None: they do not.
    """

    def __init__(self, devices: Iterable[WsDevice], *, interface: str | None = None) -> None:
        self.devices = tuple(devices)
        #: Probes by unicast and connections, by the address of the device.
        self.probes: Counter[str] = Counter()
        self.connections: Counter[tuple[str, int]] = Counter()
        #: Probes by multicast.
        self.multicast: list[bytes] = []
        self._heard: Counter[str] = Counter()
        self._epoll = select.epoll()
        self._own: dict[str, socket.socket] = {}
        self._by_descriptor: dict[int, tuple[socket.socket, WsDevice | None]] = {}
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._wake, self._ended = socket.socketpair()
        for device in self.devices:
            if device.probes:
                self._own[device.address] = sock = _bound(device.address)
                self._add(sock, device)
            if device.answers_from is not None:
                self._own[device.address] = _bound(device.answers_from)
            for port in device.ports:
                listener = socket.create_server((device.address, port), backlog=16, family=_family(device.address))
                listener.setblocking(False)
                self._add(listener, device)
        if interface is not None:
            self._add(_member(interface), None)
        self._epoll.register(self._ended.fileno(), select.EPOLLIN)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wake.send(b"x")
        self._thread.join(5)
        for sock in {*self._own.values(), *(sock for sock, _ in self._by_descriptor.values())}:
            sock.close()
        self._wake.close()
        self._ended.close()
        self._epoll.close()

    def _add(self, sock: socket.socket, device: WsDevice | None) -> None:
        self._by_descriptor[sock.fileno()] = sock, device
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def _serve(self) -> None:
        while True:
            for descriptor, _ in self._epoll.poll():
                if descriptor == self._ended.fileno():
                    return
                sock, device = self._by_descriptor[descriptor]
                with contextlib.suppress(OSError):
                    if sock.type == socket.SOCK_STREAM and device is not None:
                        self.connections[device.address, sock.getsockname()[1]] += 1
                        sock.accept()[0].close()
                    else:
                        probe, sender = sock.recvfrom(65_535)
                        self._answer(probe, sender, device)

    def _answer(self, probe: bytes, sender: tuple[str, int], device: WsDevice | None) -> None:
        if not _PROBE.search(probe):
            return
        if device is None:
            self.multicast.append(probe)
        else:
            self.probes[device.address] += 1
        for one in self.devices if device is None else (device,):
            self._heard[one.address] += 1
            if one.probes and one.wants(probe) and self._heard[one.address] > one.deaf_to:
                for _ in range(one.repeats):
                    with contextlib.suppress(OSError):
                        self._own[one.address].sendto(one.answer(probe), sender)


#: How devices differ: by which of our questions alone they are found.
_KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"typed": True},
    {"typed": False},
    {"ports": (80, 554)},
    {"probes": False, "ports": (80,)},
    {"probes": False, "ports": (554,)},
    {"probes": False, "ports": (8899, 8554)},
)


def scattered(block: str, count: int) -> list[WsDevice]:
    """Devices at random addresses of a block, the same ones each time: some found by probes only, some by one port."""
    network = IPv4Network(block)
    hosts = random.Random(block).sample(range(2, network.num_addresses - 2), count)
    return [WsDevice(str(network[host]), **_KINDS[number % len(_KINDS)]) for number, host in enumerate(hosts)]


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _bound(address: str) -> socket.socket:
    sock = socket.socket(_family(address), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.bind((address, _PORT))
    return sock


def _member(interface: str) -> socket.socket:
    """A socket that hears the group on the interface with this own address."""
    sock = socket.socket(_family(interface), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in interface:
        # The only interface but loopback.
        index = next(index for index, name in socket.if_nameindex() if name.startswith("cable"))
        sock.bind((_GROUP_V6, _PORT, 0, index))
        member = struct.pack("=16sI", socket.inet_pton(socket.AF_INET6, _GROUP_V6), index)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
    else:
        sock.bind((_GROUP, _PORT))
        member = struct.pack("4s4s", socket.inet_aton(_GROUP), socket.inet_aton(interface))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    return sock


def main() -> None:
    order = json.loads(sys.stdin.readline())
    devices = [WsDevice(**{**one, "ports": tuple(one["ports"])}) for one in order["devices"]]
    with WsDevices(devices, interface=order["interface"]):
        print(json.dumps({"ready": True}), flush=True)
        sys.stdin.read()


def written(devices: Iterable[WsDevice], interface: str | None = None) -> str:
    """The line that a process of its own wants."""
    return json.dumps({"devices": [dataclasses.asdict(one) for one in devices], "interface": interface}) + "\n"


if __name__ == "__main__":
    main()
