"""Network namespaces of a test's own: addresses, ports and multicast that collide with nobody. Needs root.

A namespace lives as long as something in it and is never mounted, so that not even a killed test run leaves one behind.
"""

import ctypes
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.harness.server_process import find_program

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network of its own, with loopback up.

    ``entered`` moves the calling thread into it: sockets, threads and processes that are made meanwhile belong to it.
    """

    def __init__(self) -> None:
        self._descriptor = -1
        # A thread that leaves its network keeps to itself; it ends, and the descriptor keeps the network.
        maker = threading.Thread(target=self._make)
        maker.start()
        maker.join()
        if self._descriptor < 0:
            raise PermissionError("network namespaces need root (CAP_SYS_ADMIN)")
        self.ip("link", "set", "lo", "up")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give it up."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread is in the namespace."""
        home = _own_network()
        try:
            _enter(self._descriptor)
            try:
                yield
            finally:
                _enter(home)
        finally:
            os.close(home)

    def ip(self, *arguments: str) -> None:
        """``ip`` with these arguments, in the namespace."""
        with self.entered():
            subprocess.run(
                [find_program("ip", "iproute2", ("/usr/sbin", "/sbin")), *arguments],
                check=True,
                pass_fds=(self._descriptor,),
            )

    def add_local_network(self, network: str) -> None:
        """Every address of this network is here: all of them answer, with refusals where nobody listens."""
        self.ip("route", "add", "local", network, "dev", "lo")

    def join(self, other: "Namespace", *, here: str, there: str) -> None:
        """A cable to another namespace, with these addresses with their prefix lengths at its ends.

        Its ends are called ``cable0`` here and ``cable1`` there.
        """
        with self.entered():
            subprocess.run(
                [
                    *(find_program("ip", "iproute2", ("/usr/sbin", "/sbin")), "link", "add", "cable0", "type", "veth"),
                    *("peer", "name", "cable1", "netns", f"/proc/self/fd/{other._descriptor}"),
                ],
                check=True,
                pass_fds=(other._descriptor,),
            )
        for end, name, address in ((self, "cable0", here), (other, "cable1", there)):
            end.ip("address", "add", address, "dev", name)
            end.ip("link", "set", name, "up")

    def _make(self) -> None:
        if not _LIBC.unshare(_CLONE_NEWNET):
            self._descriptor = _own_network()


def _own_network() -> int:
    return os.open(Path("/proc/thread-self/ns/net"), os.O_RDONLY | os.O_CLOEXEC)


def _enter(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
