"""RTP and RTCP over UDP, for cameras that refuse to send them inside the RTSP connection (RFC 2326 section 12.39)."""

import asyncio
import contextlib
import socket
from collections.abc import Callable

_PAIRS_TRIED = 32
_DATAGRAM_BYTES_MAX = 65_535
#: Taken at a stretch; who sends more is read on at the loop's next round.
_BURST = 64
#: The kernel gives what its limit allows; a key frame comes all at once.
_BUFFER_BYTES = 4 * 1024 * 1024
#: The payload length stands before each packet, as in an interleaved frame, so that both are handed on alike.
_PREFIX_BYTES = 2

#: Called with 0 for RTP or 1 for RTCP, and a buffer whose packet begins at 2 and ends at the last argument.
OnDatagram = Callable[[int, bytearray, int], None]


class DatagramPair:
    """Two ports of ours, the first one even (RFC 3550 section 11), that take what one camera sends and nothing else."""

    def __init__(self, local: str, remote: str, on_datagram: OnDatagram) -> None:
        """Binds ports of the local address. OSError when there are none."""
        self._remote = remote
        self._on_datagram = on_datagram
        self._buffer = bytearray(_PREFIX_BYTES + _DATAGRAM_BYTES_MAX)
        self._view = memoryview(self._buffer)[_PREFIX_BYTES:]
        self._targets: tuple[int, int] | None = None
        self._sockets = _bound(local)
        self.ports: tuple[int, int] = (self._sockets[0].getsockname()[1], self._sockets[1].getsockname()[1])
        loop = asyncio.get_running_loop()
        for channel, sock in enumerate(self._sockets):
            loop.add_reader(sock.fileno(), self._read, channel)

    def aim(self, ports: tuple[int, int] | None) -> None:
        """The camera sends from these ports; a word to them opens the way through firewalls in between."""
        self._targets = ports
        for channel in (0, 1):
            self._send(channel, b"\x80\x00\x00\x00" * 2 if channel == 0 else b"\x80\xc9\x00\x01" + bytes(4))

    def report(self, packet: bytes) -> None:
        """Send an RTCP packet."""
        self._send(1, packet)

    def close(self) -> None:
        """Take no more. Idempotent."""
        sockets, self._sockets = self._sockets, ()
        for sock in sockets:
            asyncio.get_running_loop().remove_reader(sock.fileno())
            sock.close()

    def _send(self, channel: int, data: bytes) -> None:
        if self._targets is not None and self._sockets:
            with contextlib.suppress(OSError):  # a report lost is no harm; the stream itself is judged by what comes
                self._sockets[channel].sendto(data, (self._remote, self._targets[channel]))

    def _read(self, channel: int) -> None:
        for _ in range(_BURST):
            if not self._sockets:
                return
            try:
                size, sender = self._sockets[channel].recvfrom_into(self._view)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue  # the camera's machine told that nobody listens there
            if sender[0] != self._remote:
                continue
            self._buffer[:_PREFIX_BYTES] = size.to_bytes(_PREFIX_BYTES, "big")
            self._on_datagram(channel, self._buffer, _PREFIX_BYTES + size)


def _bound(local: str) -> tuple[socket.socket, ...]:
    family = socket.AF_INET6 if ":" in local else socket.AF_INET
    for _ in range(_PAIRS_TRIED):
        even = socket.socket(family, socket.SOCK_DGRAM)
        odd = socket.socket(family, socket.SOCK_DGRAM)
        try:
            even.bind((local, 0))
            port = even.getsockname()[1]
            if port % 2 == 0:
                odd.bind((local, port + 1))
                for sock in (even, odd):
                    sock.setblocking(False)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
                return even, odd
        except OSError:
            pass  # the odd one is taken: another pair
        even.close()
        odd.close()
    raise OSError(f"no free pair of UDP ports in {_PAIRS_TRIED} tries")
