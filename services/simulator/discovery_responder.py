"""Answers WS-Discovery probes for the devices of a site: by multicast for all of them, and at the address of each."""

import asyncio
import contextlib
import errno
import logging
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from services.simulator.onvif_view import DeviceView
from services.simulator.ws_discovery import GROUP, PORT, Probe, matches, probe_match, read_probe

log = logging.getLogger(__name__)

#: ip(7); the module socket does not name it.
_IP_MULTICAST_ALL = 49
_DATAGRAM_MAX_BYTES = 65_535
_AT_ONCE = 64
#: Probes that are remembered, so that a repeated one is not answered again.
_REMEMBERED = 500


class Discoverable(Protocol):
    """What can be found."""

    @property
    def host(self) -> str:
        """The address that it answers from."""

    @property
    def answers_probes(self) -> bool:
        """Whether it does now."""

    def view(self, local_host: str) -> DeviceView:
        """The device as it is seen at this address."""


class DiscoveryResponder:
    """Many devices share one socket for multicast; each address has one of its own, from which its devices answer.

    IPv4 only. What cannot be opened is logged and does without: sites work where there is no multicast.
    """

    def __init__(self, devices: Callable[[], Iterable[Discoverable]]) -> None:
        self._devices = devices
        self._group: socket.socket | None = None
        self._own: dict[str, socket.socket] = {}
        self._heard: deque[tuple[str, str]] = deque(maxlen=_REMEMBERED)
        self._sent = 0

    def update(self) -> None:
        """Listen at the addresses at which devices are now, and nowhere else."""
        wanted = {device.host for device in self._devices() if ":" not in device.host}
        for host in set(self._own) - wanted:
            self._close(self._own.pop(host))
        for host in wanted - set(self._own):
            self._open(host)

    def close(self) -> None:
        """Listen no longer."""
        for sock in [*self._own.values(), *([self._group] if self._group else [])]:
            self._close(sock)
        self._own.clear()
        self._group = None

    def _open(self, host: str) -> None:
        try:
            self._own[host] = self._listening(host)
            self._group = self._group or self._listening(GROUP)
            membership = struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(host))
            self._group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        except OSError as error:
            # All addresses of loopback are one interface: with the second of them it is a member already.
            if error.errno != errno.EADDRINUSE:
                log.warning("not to be discovered at %s: %s", host, error)

    def _listening(self, host: str) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            # Other simulators of this machine belong to the same group.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
            sock.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
            sock.bind((host, PORT))
        except OSError:
            sock.close()
            raise
        asyncio.get_running_loop().add_reader(sock, self._read, sock, None if host == GROUP else host)
        return sock

    def _close(self, sock: socket.socket) -> None:
        asyncio.get_running_loop().remove_reader(sock)
        sock.close()

    def _read(self, sock: socket.socket, host: str | None) -> None:
        """Answer what came by multicast (``host`` None) or to one address."""
        with contextlib.suppress(OSError):
            for _ in range(_AT_ONCE):
                datagram, sender = sock.recvfrom(_DATAGRAM_MAX_BYTES)
                probe = read_probe(datagram)
                if probe is not None and not self._is_copy(probe, host):
                    self._answer(probe, sender, host)

    def _is_copy(self, probe: Probe, host: str | None) -> bool:
        key = probe.message_id, host or GROUP
        if key in self._heard:
            return True
        self._heard.append(key)
        return False

    def _answer(self, probe: Probe, sender: tuple[str, int], host: str | None) -> None:
        for device in list(self._devices()):
            at = self._own.get(device.host)
            if at is None or not device.answers_probes or host not in {None, device.host}:
                continue
            view = device.view(device.host)
            if matches(probe, view):
                self._sent += 1
                with contextlib.suppress(OSError):
                    at.sendto(probe_match(probe, view, number=self._sent), sender)
