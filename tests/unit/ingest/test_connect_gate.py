"""Who may connect, and when."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from services.contracts.ids import new_id
from services.ingest.connect_gate import ConnectGate, Turn

SITE, OTHER_SITE = new_id(), new_id()


class Visitor:
    """An attempt that lasts until the test ends it."""

    def __init__(self, gate: ConnectGate, site: UUID, address: str, *, failed_before: bool = False) -> None:
        self.turn: Turn | None = None
        self._done = asyncio.Event()
        self._task = asyncio.create_task(self._connect(gate, site, address, failed_before))

    @property
    def inside(self) -> bool:
        return self.turn is not None

    async def leave(self) -> None:
        self._done.set()
        await self._task

    async def give_up(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def cancel(self) -> None:
        """Give up, without a pause in which anything could happen before the next line of the test."""
        self._task.cancel()

    async def _connect(self, gate: ConnectGate, site: UUID, address: str, failed_before: bool) -> None:
        async with gate.turn(site, address, failed_before=failed_before) as turn:
            self.turn = turn
            await self._done.wait()


class Door:
    """A gate with its visitors."""

    def __init__(self, gate: ConnectGate) -> None:
        self.gate = gate
        self.visitors: list[Visitor] = []

    def visit(self, site: UUID, address: str | None = None, *, failed_before: bool = False) -> Visitor:
        address = address or f"10.0.0.{len(self.visitors)}:554"
        self.visitors.append(Visitor(self.gate, site, address, failed_before=failed_before))
        return self.visitors[-1]

    def inside(self) -> list[int]:
        return [number for number, visitor in enumerate(self.visitors) if visitor.inside]


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def door(gate: ConnectGate) -> AsyncIterator[Door]:
    """Whatever happened behind it, a gate is empty in the end."""
    one = Door(gate)
    yield one
    for visitor in one.visitors:
        await visitor.give_up()
    assert (gate.held, gate.waiting) == (0, 0)
    assert (gate._sites, gate._addresses) == ({}, {})


async def test_no_more_connect_at_once_than_may() -> None:
    async with door(ConnectGate(2)) as one:
        for _ in range(4):
            one.visit(new_id())
        await settle()
        assert (one.inside(), one.gate.held, one.gate.waiting) == ([0, 1], 2, 2)
        await one.visitors[1].leave()
        await settle()
        assert one.inside() == [0, 1, 2]


async def test_a_site_and_an_address_have_bounds_of_their_own_and_hold_up_nobody_else() -> None:
    async with door(ConnectGate(10, per_site=3, per_address=2)) as one:
        for address in ("a", "a", "a", "b", "c"):
            one.visit(SITE, address)
        elsewhere = one.visit(OTHER_SITE, "d")
        await settle()
        assert one.inside() == [0, 1, 3, 5]
        assert elsewhere.inside
        await one.visitors[3].leave()  # frees the site, not the address
        await settle()
        assert one.inside() == [0, 1, 3, 4, 5]
        await one.visitors[4].leave()
        await one.visitors[0].leave()
        await settle()
        assert one.inside() == [0, 1, 2, 3, 4, 5]


async def test_who_failed_before_waits_behind_who_did_not() -> None:
    async with door(ConnectGate(1)) as one:
        first = one.visit(SITE)
        await settle()
        one.visit(SITE, failed_before=True)
        one.visit(SITE)
        await settle()
        await first.leave()
        await settle()
        assert one.inside() == [0, 2]
        await one.visitors[2].leave()
        await settle()
        assert one.inside() == [0, 1, 2]


async def test_who_failed_before_is_not_kept_waiting_for_ever() -> None:
    order: list[int] = []
    async with door(ConnectGate(1)) as one:
        one.visit(SITE)
        await settle()
        for number in range(8):
            one.visit(SITE, failed_before=number >= 6)
        while len(order) < 9:
            inside = [number for number in one.inside() if number not in order]
            order += inside
            await one.visitors[inside[0]].leave()
            await settle()
    assert order.index(7) <= 4
    assert order.index(8) <= 8


async def test_a_silent_attempt_lends_its_slot_and_one_that_gets_on_keeps_it() -> None:
    async with door(ConnectGate(2, patience_s=0.05)) as one:
        silent, busy = one.visit(SITE), one.visit(SITE)
        one.visit(SITE)
        one.visit(SITE)
        await settle()
        for _ in range(6):
            await asyncio.sleep(0.02)
            assert busy.turn is not None
            busy.turn.advanced()
        assert one.inside() == [0, 1, 2, 3]  # the third was silent too
        assert one.gate.held == 2  # the busy one and the fourth
        assert silent.turn is not None
        silent.turn.advanced()  # too late: what was lent stays lent
        await silent.leave()
        assert one.gate.held == 2


@pytest.mark.parametrize("moment", ["waiting", "granted"])
async def test_who_is_cancelled_leaves_no_trace(moment: str) -> None:
    async with door(ConnectGate(1)) as one:
        first, second, third = one.visit(SITE), one.visit(SITE), one.visit(SITE)
        await settle()
        if moment == "waiting":
            await second.give_up()
            await first.leave()
        else:
            first._done.set()
            while one.gate.waiting == 2:
                await asyncio.sleep(0)
            second.cancel()  # it was given the slot in this very pass and has not run since
        await settle()
        assert (second.inside, third.inside) == (False, True)


async def test_an_attempt_that_fails_gives_its_slot_back() -> None:
    gate = ConnectGate(1)
    with pytest.raises(OSError, match="refused"):
        async with gate.turn(SITE, "a"):
            raise OSError("refused")
    assert (gate.held, gate.waiting) == (0, 0)
