"""A connection that comes back by itself."""

import asyncio
from collections.abc import Callable

import pytest

from services.bus.link import Link
from services.bus.port import BusUnavailable


class Exchange:
    """The other side: numbers its connections, can be away, and can lose one."""

    def __init__(self) -> None:
        self.away = False
        self.dialled = 0
        self.hung_up: list[int] = []
        self.lose: dict[int, Callable[[], None]] = {}

    async def dial(self, lost: Callable[[], None]) -> int:
        if self.away:
            raise BusUnavailable
        self.dialled += 1
        self.lose[self.dialled] = lost
        return self.dialled

    async def hang_up(self, connection: int) -> None:
        self.hung_up.append(connection)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_lost_connection_is_hung_up_and_dialled_again() -> None:
    exchange = Exchange()
    link = Link("test", exchange.dial, exchange.hang_up)
    await link.open()
    assert link.current == 1
    exchange.lose[1]()
    await until(lambda: link.current == 2)
    assert exchange.hung_up == [1]
    await link.close()


async def test_while_the_other_side_is_away_there_is_no_connection_and_it_keeps_trying() -> None:
    exchange = Exchange()
    link = Link("test", exchange.dial, exchange.hang_up)
    await link.open()
    exchange.away = True
    exchange.lose[1]()
    await until(lambda: link.current is None)
    await asyncio.sleep(0.3)
    assert link.current is None
    exchange.away = False
    await until(lambda: link.current == 2)
    await link.close()


async def test_the_farewell_of_an_earlier_connection_does_not_end_the_present_one() -> None:
    exchange = Exchange()
    link = Link("test", exchange.dial, exchange.hang_up)
    await link.open()
    exchange.lose[1]()
    await until(lambda: link.current == 2)
    exchange.lose[1]()
    await asyncio.sleep(0.05)
    assert link.current == 2
    assert exchange.dialled == 2
    await link.close()


async def test_restart_replaces_a_connection_that_still_stands() -> None:
    exchange = Exchange()
    link = Link("test", exchange.dial, exchange.hang_up)
    await link.open()
    link.restart()
    await until(lambda: link.current == 2)
    assert exchange.hung_up == [1]
    await link.close()


async def test_open_says_that_nobody_is_there() -> None:
    exchange = Exchange()
    exchange.away = True
    link = Link("test", exchange.dial, exchange.hang_up)
    with pytest.raises(BusUnavailable):
        await link.open()
    await link.close()
    assert link.current is None


async def test_close_hangs_up_and_dials_no_more() -> None:
    exchange = Exchange()
    link = Link("test", exchange.dial, exchange.hang_up)
    await link.open()
    await link.close()
    exchange.lose[1]()
    await asyncio.sleep(0.05)
    assert link.current is None
    assert (exchange.dialled, exchange.hung_up) == (1, [1])
