"""How many cameras are connected to at the same moment: in all, at one site, at one address.

A slot is held while the attempt gets on. A device that takes the connection and stays silent would hold it for the
whole of its timeout, and a site in which a third of the devices do so would keep the others waiting for minutes; so an
attempt that made no step for ``patience_s`` goes on, but its slot is lent to the next. Whoever failed before waits
behind those that did not, with every fourth slot kept for them, so that neither starves.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")

#: Of so many slots given in a row to those that did not fail, while others wait that did, the next is for these.
_FRESH_IN_A_ROW_MAX = 3


@dataclass(eq=False, slots=True)
class _Waiter:
    site: UUID
    address: str
    granted: asyncio.Future[None]


class Turn:
    """The right to connect once. Given by ``ConnectGate.turn``."""

    def __init__(self, gate: "ConnectGate", site: UUID, address: str, patience_s: float) -> None:
        self._gate = gate
        self._site = site
        self._address = address
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        self._holds = True
        self._lending = self._loop.call_later(patience_s, self.end)

    def advanced(self) -> None:
        """The attempt got a step further: its slot is held for another while. One that was lent stays lent."""
        if self._holds:
            self._lending.cancel()
            self._lending = self._loop.call_later(self._patience_s, self.end)

    def end(self) -> None:
        """Give the slot back. May be called again."""
        self._lending.cancel()
        if self._holds:
            self._holds = False
            self._gate._give_back(self._site, self._address)  # noqa: SLF001 - a turn is a part of its gate


class ConnectGate:
    """Slots for connecting. Fair: first come, first served among those that may connect at their site and address."""

    def __init__(self, at_once: int, *, per_site: int = 4, per_address: int = 2, patience_s: float = 2.0) -> None:
        """``at_once`` slots in all, of which one site and one address (with port) hold at most so many."""
        self._at_once = at_once
        self._per_site = per_site
        self._per_address = per_address
        self._patience_s = patience_s
        self._sites: Counter[UUID] = Counter()
        self._addresses: Counter[str] = Counter()
        self._held = 0
        self._fresh: deque[_Waiter] = deque()
        self._failed: deque[_Waiter] = deque()
        self._fresh_in_a_row = 0

    @property
    def held(self) -> int:
        """Slots held now."""
        return self._held

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return len(self._fresh) + len(self._failed)

    @contextlib.asynccontextmanager
    async def turn(self, site: UUID, address: str, *, failed_before: bool = False) -> AsyncIterator[Turn]:
        """Wait for a slot, and hold it while the block lasts or as long as the attempt gets on."""
        queue = self._failed if failed_before else self._fresh
        waiter = _Waiter(site, address, asyncio.get_running_loop().create_future())
        queue.append(waiter)
        self._grant()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.done() and not waiter.granted.cancelled():
                self._give_back(site, address)
            else:
                queue.remove(waiter)
            raise
        turn = Turn(self, site, address, self._patience_s)
        try:
            yield turn
        finally:
            turn.end()

    def _grant(self) -> None:
        """Give what is free to those that wait."""
        while self._held < self._at_once:
            waiter = self._next()
            if waiter is None:
                return
            self._held += 1
            self._sites[waiter.site] += 1
            self._addresses[waiter.address] += 1
            waiter.granted.set_result(None)

    def _next(self) -> _Waiter | None:
        """The one whose turn it is, taken from its queue."""
        failed_first = self._fresh_in_a_row >= _FRESH_IN_A_ROW_MAX
        for queue in (self._failed, self._fresh) if failed_first else (self._fresh, self._failed):
            for waiter in queue:
                if self._has_room(waiter):
                    queue.remove(waiter)
                    self._fresh_in_a_row = self._fresh_in_a_row + 1 if queue is self._fresh and self._failed else 0
                    return waiter
        return None

    def _has_room(self, waiter: _Waiter) -> bool:
        if waiter.granted.cancelled():  # its task was cancelled in this very pass, and takes it out when it runs
            return False
        return self._sites[waiter.site] < self._per_site and self._addresses[waiter.address] < self._per_address

    def _give_back(self, site: UUID, address: str) -> None:
        self._held -= 1
        _take(self._sites, site)
        _take(self._addresses, address)
        self._grant()


def _take(counts: Counter[T], key: T) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
