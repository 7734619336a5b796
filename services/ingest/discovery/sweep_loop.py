"""The epoll loop of a sweep. Runs in one thread; knows nothing of asyncio."""

import math
import select
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from services.contracts.networks import Address, CameraNetworks
from services.ingest.discovery.findings import Findings
from services.ingest.discovery.knocks import Answer, Knocks
from services.ingest.discovery.neighbours import NeighbourRoom, room_for
from services.ingest.discovery.probe_sockets import Heard, ProbeSockets, Sent
from services.ingest.discovery.targets import Pacer, Targets
from services.ingest.discovery.ws_discovery import PROBED_TYPES

#: Where nearly every camera and recorder answers somehow, if only by a refusal.
FIRST_PORTS = (80, 554)
#: Up to so many addresses, all ports of each are looked at.
THOROUGH_MAX = 1024

#: Little at a time: whoever else runs in this process waits for the interpreter's lock meanwhile.
_TICK_S = 0.005
_EVENTS_AT_ONCE = 64
_FORMS_APART_S = 0.05
#: After the system had no room: nothing new is begun for so long.
_HOLD_S = 0.1


class _Look:
    """One address that is being looked at."""

    __slots__ = ("address", "answered", "began", "open", "rest", "unreachable", "waited")

    def __init__(self, address: Address, began: float, rest: Sequence[int]) -> None:
        self.address = address
        self.began = began
        #: Ports to be asked for once the host showed that it is there.
        self.rest = rest
        #: Connections that have not ended.
        self.open = 0
        #: A probe was answered.
        self.answered = False
        #: The time for answers to probes is over.
        self.waited = False
        self.unreachable: list[int] = []


class SweepLoop:
    """One sweep. ``run`` once."""

    def __init__(
        self,
        targets: Targets,
        ports: Sequence[int],
        networks: CameraNetworks,
        *,
        addresses_per_s: float,
        timeout_s: float,
        in_flight: int,
        findings: Findings,
    ) -> None:
        self.addresses = len(targets)
        self.looked = 0
        self.refused = 0
        self._targets = targets
        self._networks = networks
        self._findings = findings
        self._ports = ports
        self._first = first_ports(ports)
        self._thorough = len(targets) <= THOROUGH_MAX
        self._order = iter(targets)
        self._put_back: deque[Address] = deque()
        self._all_begun = False
        self._pacer = Pacer(addresses_per_s, time.monotonic())
        self._rooms: dict[int, NeighbourRoom] = {}
        self._hold_until = 0.0
        self._epoll = select.epoll()
        self._sockets = ProbeSockets(self._epoll)
        self._knocks: Knocks[_Look] = Knocks(self._epoll, timeout_s=timeout_s, in_flight=in_flight)
        self._waiting: deque[tuple[_Look, int]] = deque()
        self._looks: dict[Address, _Look] = {}
        #: What is done with each look after so many seconds, in this order.
        self._steps: tuple[tuple[float, Callable[[_Look, float], bool], deque[_Look]], ...] = (
            (_FORMS_APART_S, partial(self._probe, 1), deque()),
            (max(timeout_s / 2, _FORMS_APART_S), self._try_again, deque()),
            (max(timeout_s / 2, _FORMS_APART_S) + _FORMS_APART_S, partial(self._probe, 1), deque()),
            (max(timeout_s, 3 * _FORMS_APART_S), self._end_waiting, deque()),
        )

    def run(self, deadline_s: float, stop: Callable[[], bool]) -> Literal["done", "cancelled", "late"]:
        """Look at all addresses, or until ``stop`` says so, or until the time is over."""
        until = time.monotonic() + deadline_s
        try:
            while True:
                now = time.monotonic()
                if stop():
                    return "cancelled"
                if now >= until:
                    return "late"
                self._begin(now)
                self._take_steps(now)
                self._knock_waiting(now)
                for look, _ in self._knocks.expired(now):
                    self._knocked(look, 0, Answer.SILENT, now)
                if self._all_begun and not self._looks:
                    return "done"
                for descriptor, events in self._epoll.poll(_TICK_S, _EVENTS_AT_ONCE):
                    self._hear(descriptor, events)
                self._findings.flush(now, self.looked, self.addresses)
        finally:
            self._knocks.close()
            self._sockets.close()
            self._epoll.close()
            self._findings.flush(math.inf, self.looked, self.addresses)

    # Beginning

    def _begin(self, now: float) -> None:
        for _ in range(self._pacer.due(now)):
            if now < self._hold_until or self._knocks.free < len(self._first) or self._waiting:
                return
            address = self._next()
            if address is None:
                return
            if address.version not in self._rooms:
                self._rooms[address.version] = room_for(address.version)
            if not self._rooms[address.version].take(now):
                self._put_back.append(address)
                return
            self._pacer.begin()
            # The probe goes first: it tells whether the kernel has room for the address, which a connection does not.
            if self._sockets.send(address, PROBED_TYPES[0]) is Sent.LATER:
                self._put_back.append(address)
                self._hold_until = now + _HOLD_S
                return
            thorough = self._thorough or self._targets.named_alone(address)
            first = self._ports if thorough else self._first
            look = _Look(address, now, [port for port in self._ports if port not in first])
            self._looks[address] = look
            self._steps[0][2].append(look)
            for port in first:
                self._knock(look, port, now)

    def _next(self) -> Address | None:
        """The next address that may be looked at; None when all have begun."""
        if self._put_back:
            return self._put_back.popleft()
        for address in self._order:
            if self._networks.permit(address):
                return address
            self.refused += 1
            self.looked += 1
        self._all_begun = True
        return None

    # Steps of one look

    def _take_steps(self, now: float) -> None:
        for number, (after_s, step, looks) in enumerate(self._steps):
            while looks and looks[0].began + after_s <= now and now >= self._hold_until:
                look = looks[0]
                if not step(look, now):
                    self._hold_until = now + _HOLD_S
                    return
                looks.popleft()
                if number + 1 < len(self._steps):
                    self._steps[number + 1][2].append(look)

    def _probe(self, form: int, look: _Look, _now: float) -> bool:
        return look.answered or self._sockets.send(look.address, PROBED_TYPES[form]) is not Sent.LATER

    def _try_again(self, look: _Look, now: float) -> bool:
        if not self._probe(0, look, now):
            return False
        ports, look.unreachable = look.unreachable, []
        for port in ports:
            self._knock(look, port, now)
        return True

    def _end_waiting(self, look: _Look, _now: float) -> bool:
        look.waited = True
        self._end_if_done(look)
        return True

    def _end_if_done(self, look: _Look) -> None:
        if look.waited and not look.open and self._looks.pop(look.address, None) is not None:
            self.looked += 1

    # Connections

    def _knock(self, look: _Look, port: int, now: float) -> None:
        look.open += 1
        if self._knocks.free <= 0:
            self._waiting.append((look, port))
            return
        try:
            answer = self._knocks.begin(look, look.address, port, now)
        except BlockingIOError:
            self._waiting.append((look, port))
            self._hold_until = now + _HOLD_S
            return
        if answer is not None:
            self._knocked(look, port, answer, now)

    def _knock_waiting(self, now: float) -> None:
        for _ in range(len(self._waiting)):
            if now < self._hold_until or self._knocks.free <= 0:
                return
            look, port = self._waiting.popleft()
            look.open -= 1
            self._knock(look, port, now)

    def _knocked(self, look: _Look, port: int, answer: Answer, now: float) -> None:
        look.open -= 1
        if answer is Answer.OPEN:
            self._findings.open_port(look.address, port)
        elif answer is Answer.UNREACHABLE:
            look.unreachable.append(port)
        if answer in {Answer.OPEN, Answer.REFUSED}:
            self._alive(look, now)
        else:
            self._end_if_done(look)

    def _alive(self, look: _Look, now: float) -> None:
        rest, look.rest = look.rest, ()
        look.open += 1  # so that an answer known at once does not end the look before its last port
        for port in rest:
            self._knock(look, port, now)
        look.open -= 1
        self._end_if_done(look)

    # What comes

    def _hear(self, descriptor: int, events: int) -> None:
        now = time.monotonic()
        if self._sockets.mine(descriptor):
            for heard in self._sockets.read(descriptor, events):
                self._heard(heard, now)
            return
        ended = self._knocks.answer(descriptor)
        if ended is not None:
            self._knocked(*ended, now)

    def _heard(self, heard: Heard, now: float) -> None:
        # Only who was asked may answer: a sweep's targets are audited.
        if heard.address not in self._targets or not self._networks.permit(heard.address):
            return
        look = self._looks.get(heard.address)
        if heard.datagram is not None:
            self._findings.datagram(heard.address, heard.datagram)
            if look is not None:
                look.answered = True
        if look is not None:
            self._alive(look, now)


def first_ports(ports: Sequence[int]) -> tuple[int, ...]:
    """The two ports that every address is asked for."""
    usual = [port for port in FIRST_PORTS if port in ports]
    return tuple(dict.fromkeys([*usual, *ports]))[:2]
