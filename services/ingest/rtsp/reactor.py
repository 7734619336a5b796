"""Visits many sockets lazily, each as rarely as its bit rate allows, instead of waking up for every packet.

asyncio wakes up each time bytes arrive: at 1 Mb/s that is fifty times a second and camera, and nearly all of the cost.
Here the kernel gathers what comes and a visit takes it all at once. Only the end of a connection is not waited for: an
epoll set of its own reports hang-ups and nothing else, so that it stays silent while media flows.
"""

import asyncio
import contextlib
import logging
import select
import socket
import struct
from dataclasses import dataclass
from typing import Protocol

from services.runtime.clock import Clock

log = logging.getLogger(__name__)

#: A visit is due at the next turn of the wheel after its time.
TICK_S = 0.01
_SLOTS = 128
#: Pauses that are not short end at every tenth turn only: who is visited together shares one waking of the loop.
_TOGETHER = 10
_TOGETHER_FROM_S = 0.2
#: The longest pause between two visits: what happens in between is not seen earlier.
PAUSE_MAX_S = 0.5
PAUSE_MIN_S = 0.02
#: After so long at a stretch others on the event loop get their turn.
_STRETCH_S = 0.03
_PROBE_EVERY = 64
#: Linux: what a socket holds, in bytes (include/uapi/linux/sock_diag.h: rmem_alloc, rcvbuf, wmem_alloc, sndbuf, …).
_SO_MEMINFO = 55
_MEMINFO = struct.Struct("=9I")


class Visitor(Protocol):
    """One connection. Implementation: ``link.Link``."""

    def visit(self, now: float) -> float | None:
        """Take what has come by this monotonic time. Returns the seconds until the next visit, None for no more.

        Must not raise or block.
        """


@dataclass(slots=True)
class ReactorStatistics:
    """What the reactor did since its start; see ``docs/performance.md``."""

    visits: int = 0
    #: Seconds spent in visits.
    busy_s: float = 0.0
    #: How late the latest turn of the wheel was, in seconds, and the worst of all.
    late_s: float = 0.0
    late_max_s: float = 0.0
    hang_ups: int = 0
    #: Bytes that the kernel held for the sockets that were looked at (one visit in 64), and how many these were.
    held_bytes: int = 0
    held_samples: int = 0

    def held_mean(self) -> float:
        """Bytes that the kernel held for a socket when it was visited, on average since the start."""
        return self.held_bytes / self.held_samples if self.held_samples else 0.0


class Reactor:
    """A timer wheel of visitors inside the running event loop. Costs nothing while it is empty."""

    def __init__(self, clock: Clock, *, pause_max_s: float = PAUSE_MAX_S) -> None:
        self._clock = clock
        self.pause_max_s = min(pause_max_s, (_SLOTS - 2) * TICK_S)
        self.statistics = ReactorStatistics()
        self._wheel: list[list[Visit]] = [[] for _ in range(_SLOTS)]
        self._ready: list[Visit] = []  # what was due at the last turn and has not been visited yet
        self._turned = 0  # the last turn of the wheel, in ticks of the clock
        self._due = 0  # the one that is waited for
        self._turning = False
        self._timer: asyncio.Handle | None = None
        self._count = 0
        self._epoll: select.epoll | None = None
        self._by_descriptor: dict[int, Visit] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, visitor: Visitor, sock: socket.socket) -> "Visit":
        """Visit soon, and from then on as the visitor says; at once when the other side closes ``sock``."""
        visit = Visit(self, visitor, sock)
        self._count += 1
        self._watch_hang_up(visit)
        tick = self._tick_of(self._clock.monotonic())
        if self._timer is None and not self._turning:
            self._turned = tick
        turn = max(tick, self._turned) + 1
        self._wheel[turn % _SLOTS].append(visit)
        if not self._turning and not self._ready and turn < self._due and self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._arm()
        return visit

    def close(self) -> None:
        """Make no more visits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._epoll is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                asyncio.get_running_loop().remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None
        self._wheel = [[] for _ in range(_SLOTS)]
        self._by_descriptor.clear()
        self._count = 0

    # The wheel

    def _tick_of(self, at: float) -> int:
        return int(at / TICK_S)

    def _put(self, visit: "Visit", pause_s: float) -> None:
        turn = self._turned + min(max(int(pause_s / TICK_S), 1), _SLOTS - 2)
        if pause_s >= _TOGETHER_FROM_S:
            turn -= turn % _TOGETHER
        self._wheel[turn % _SLOTS].append(visit)

    def _arm(self) -> None:
        """Wake up for the next slot in which somebody is due."""
        if self._timer is not None or self._turning or not self._count:
            return
        turned, wheel = self._turned, self._wheel
        turn = next((turn for turn in range(turned + 1, turned + _SLOTS) if wheel[turn % _SLOTS]), turned + _SLOTS)
        self._due = turn
        # Half a tick later, so that rounding never wakes us just before it.
        pause_s = max((turn + 0.5) * TICK_S - self._clock.monotonic(), 0.0)
        self._timer = asyncio.get_running_loop().call_later(pause_s, self._turn)

    def _turn(self) -> None:
        """Visit all that is due, up to a stretch of time; the rest goes on at the loop's next round."""
        clock, statistics = self._clock, self.statistics
        self._turning = True
        began = now = clock.monotonic()
        tick = self._tick_of(now)
        if not self._ready:
            late_s = now - (self._due + 1) * TICK_S
            statistics.late_s = max(late_s, 0.0)
            statistics.late_max_s = max(statistics.late_max_s, statistics.late_s)
            # After a long stall every slot is due once, no matter how often the wheel would have gone round.
            for turn in range(max(self._turned + 1, tick - _SLOTS + 1), tick + 1):
                slot = turn % _SLOTS
                due, self._wheel[slot] = self._wheel[slot], []
                self._ready += due
            self._turned = max(self._turned, tick)
            self._ready.reverse()
        ready = self._ready
        while ready:
            visit = ready.pop()
            if visit.visitor is None:
                continue
            statistics.visits += 1
            if not statistics.visits % _PROBE_EVERY:
                self._look_at_buffers(visit)
            pause_s = visit.visitor.visit(now)
            if pause_s is None:
                visit.end()
            elif visit.visitor is not None:
                self._put(visit, pause_s)
            now = clock.monotonic()
            if now - began > _STRETCH_S:
                break
        statistics.busy_s += now - began
        self._timer = None
        self._turning = False
        if ready:
            self._timer = asyncio.get_running_loop().call_soon(self._turn)
        else:
            self._arm()

    # Hang-ups

    def _watch_hang_up(self, visit: "Visit") -> None:
        if self._epoll is None:
            self._epoll = select.epoll()
            asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._on_hang_ups)
        # Once: a camera that closed its side and leaves data behind must not keep us busy until the data is read.
        self._epoll.register(visit.descriptor, select.EPOLLRDHUP | select.EPOLLONESHOT)
        self._by_descriptor[visit.descriptor] = visit

    def _on_hang_ups(self) -> None:
        if self._epoll is None:
            return
        now = self._clock.monotonic()
        for descriptor, _ in self._epoll.poll(0):
            visit = self._by_descriptor.get(descriptor)
            if visit is None or visit.visitor is None:
                continue
            self.statistics.hang_ups += 1
            # Its turn on the wheel comes all the same, unless it is over now.
            if visit.visitor.visit(now) is None:
                visit.end()

    def forget(self, visit: "Visit") -> None:
        """Called by a visit that ends."""
        self._count -= 1
        if self._by_descriptor.get(visit.descriptor) is visit:
            del self._by_descriptor[visit.descriptor]
            if self._epoll is not None:
                with contextlib.suppress(OSError, ValueError):  # closed before: then the kernel has forgotten it itself
                    self._epoll.unregister(visit.descriptor)

    def _look_at_buffers(self, visit: "Visit") -> None:
        told = visit.sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        self.statistics.held_bytes += _MEMINFO.unpack(told.ljust(_MEMINFO.size, b"\0"))[0]
        self.statistics.held_samples += 1


class Visit:
    """A visitor's place on the wheel."""

    __slots__ = ("_reactor", "descriptor", "sock", "visitor")

    def __init__(self, reactor: Reactor, visitor: Visitor, sock: socket.socket) -> None:
        self._reactor = reactor
        self.visitor: Visitor | None = visitor
        self.sock = sock
        self.descriptor = sock.fileno()

    def end(self) -> None:
        """No more visits. Idempotent. Call it before the socket is closed: its number may be another's afterwards."""
        if self.visitor is not None:
            self.visitor = None
            self._reactor.forget(self)
