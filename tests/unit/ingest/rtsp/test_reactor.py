"""The timer wheel: who is visited when, on real sockets of this machine."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from services.ingest.rtsp.reactor import PAUSE_MAX_S, Reactor
from services.runtime.clock import SystemClock


class Guest:
    """Notes its visits and asks for the next after ``pause_s``."""

    def __init__(self, pause_s: float | None = 0.05, busy_s: float = 0.0) -> None:
        self.pause_s = pause_s
        self.busy_s = busy_s
        self.visits: list[float] = []

    def visit(self, now: float) -> float | None:
        self.visits.append(now)
        if self.busy_s:
            time.sleep(self.busy_s)
        return self.pause_s

    @property
    def pauses(self) -> list[float]:
        return [later - earlier for earlier, later in zip(self.visits, self.visits[1:], strict=False)]


@pytest.fixture
async def reactor() -> AsyncIterator[Reactor]:
    reactor = Reactor(SystemClock())
    yield reactor
    reactor.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    one.setblocking(False)
    yield one, other
    one.close()
    other.close()


async def until(condition: Callable[[], bool], within_s: float = 3.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)


async def test_each_is_visited_at_its_own_pace(reactor: Reactor, pair: tuple[socket.socket, socket.socket]) -> None:
    quick, slow = Guest(0.03), Guest(0.2)
    reactor.add(quick, pair[0])
    reactor.add(slow, pair[1])
    await until(lambda: len(slow.visits) >= 4)
    assert len(quick.visits) > 2 * len(slow.visits)
    # Never earlier than asked for, but for the width of two ticks.
    assert min(quick.pauses) >= 0.009
    assert min(slow.pauses) >= 0.09  # together with others, up to nine ticks early
    assert reactor.statistics.visits == len(quick.visits) + len(slow.visits)


async def test_who_wants_no_more_is_not_visited_again(
    reactor: Reactor, pair: tuple[socket.socket, socket.socket]
) -> None:
    once, left = Guest(None), Guest(0.02)
    reactor.add(once, pair[0])
    visit = reactor.add(left, pair[1])
    await until(lambda: len(left.visits) >= 3)
    assert (len(once.visits), len(reactor)) == (1, 1)
    visit.end()
    visit.end()
    seen = len(left.visits)
    await asyncio.sleep(0.1)
    assert (len(left.visits), len(reactor)) == (seen, 0)


async def test_a_hang_up_is_seen_at_once(reactor: Reactor, pair: tuple[socket.socket, socket.socket]) -> None:
    patient = Guest(PAUSE_MAX_S)
    reactor.add(patient, pair[0])
    await until(lambda: bool(patient.visits))
    pair[1].send(b"media")
    await asyncio.sleep(0.1)
    assert len(patient.visits) == 1, "bytes alone wake nobody"
    pair[1].close()
    await until(lambda: len(patient.visits) == 2)
    assert patient.pauses[0] < PAUSE_MAX_S - 0.1
    assert reactor.statistics.hang_ups == 1


async def test_busy_visitors_leave_others_on_the_loop_their_turn(reactor: Reactor) -> None:
    pairs = [socket.socketpair() for _ in range(10)]
    try:
        guests = [Guest(0.05, busy_s=0.02) for _ in pairs]
        for guest, (sock, _) in zip(guests, pairs, strict=True):
            reactor.add(guest, sock)
        longest, last = 0.0, time.monotonic()
        async with asyncio.timeout(5):
            while min(len(guest.visits) for guest in guests) < 3:
                await asyncio.sleep(0)
                now = time.monotonic()
                longest, last = max(longest, now - last), now
        assert longest < 0.15, "200 ms of visits are due at a time"
    finally:
        for one, other in pairs:
            one.close()
            other.close()


async def test_after_a_stall_each_is_visited_once(reactor: Reactor, pair: tuple[socket.socket, socket.socket]) -> None:
    guest = Guest(0.02)
    reactor.add(guest, pair[0])
    await until(lambda: len(guest.visits) >= 2)
    before = len(guest.visits)
    time.sleep(1.5)  # longer than the wheel takes to go round
    await asyncio.sleep(0.03)
    assert 1 <= len(guest.visits) - before <= 2
    assert reactor.statistics.late_max_s > 1.0


async def test_an_empty_reactor_sets_no_timer_and_begins_anew(
    reactor: Reactor, pair: tuple[socket.socket, socket.socket]
) -> None:
    guest = Guest(None)
    reactor.add(guest, pair[0])
    await until(lambda: bool(guest.visits))
    await asyncio.sleep(0.05)
    turns = reactor.statistics.visits
    await asyncio.sleep(1.4)
    again = Guest(0.05)
    reactor.add(again, pair[1])
    await until(lambda: len(again.visits) >= 2, 0.5)
    assert turns == 1


async def test_a_closed_reactor_visits_nobody(reactor: Reactor, pair: tuple[socket.socket, socket.socket]) -> None:
    guest = Guest(0.02)
    visit = reactor.add(guest, pair[0])
    await until(lambda: bool(guest.visits))
    reactor.close()
    seen = len(guest.visits)
    pair[1].close()
    await asyncio.sleep(0.1)
    assert len(guest.visits) == seen
    visit.end()
