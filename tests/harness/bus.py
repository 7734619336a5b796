"""What tests of the bus share: small bounds, messages, and a handler that keeps what it got."""

import asyncio
import dataclasses
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from uuid import UUID

from services.bus.memory import MemoryBus
from services.bus.port import BusLimits, Groups, Subscription
from services.bus.rabbit import RabbitBus
from services.contracts.ids import new_id
from services.contracts.ladder import State
from services.contracts.messages import FacilityStateChanged, Message, RosterChange, RosterChanged

AnyBus: TypeAlias = MemoryBus | RabbitBus

GROUPS: Groups = {"aggregator": (RosterChanged,), "archive": (RosterChanged, FacilityStateChanged)}

LIMITS = BusLimits(
    shards=4, queue_max=1_000, delivery_limit=3, retry_pause_s=0.02, retry_pause_max_s=0.05, close_timeout_s=3
)


def limits(**changes: float) -> BusLimits:
    """The small bounds of tests, with some of them changed."""
    return dataclasses.replace(LIMITS, **changes)  # type: ignore[arg-type]


def roster(facility: UUID | None = None) -> RosterChanged:
    """A message that every group wants; ``camera_id`` tells one from another."""
    return RosterChanged(facility_id=facility or new_id(), change=RosterChange.CAMERA_CHANGED, camera_id=new_id())


def state_changed() -> FacilityStateChanged:
    """A message that only the group ``archive`` wants."""
    message = roster()
    return FacilityStateChanged(
        facility_id=message.facility_id,
        was=State.UNKNOWN,
        now=State.CONNECTED,
        since=message.sent_at,
        reasons=(),
    )


class Recorder:
    """A handler that keeps what it got; ``act`` may raise or wait before a message counts as handled."""

    def __init__(self, act: Callable[[Message], Awaitable[None]] | None = None) -> None:
        self._act = act
        self._changed = asyncio.Condition()
        #: Every delivery, the failed ones too.
        self.attempts: list[Message] = []
        self.handled: list[Message] = []
        #: Most messages of one facility that were in hand at the same time.
        self.most_at_once = 0
        self._in_hand: dict[UUID, int] = defaultdict(int)

    async def __call__(self, message: Message) -> None:
        self.attempts.append(message)
        self._in_hand[message.facility_id] += 1
        self.most_at_once = max(self.most_at_once, self._in_hand[message.facility_id])
        try:
            if self._act is not None:
                await self._act(message)
            self.handled.append(message)
        finally:
            self._in_hand[message.facility_id] -= 1
            async with self._changed:
                self._changed.notify_all()

    def joins(self, group: str) -> Subscription:
        """The subscription of this handler to a group of the table."""
        return Subscription(GROUPS[group], self, group)

    def listens(self, *types: type[Message]) -> Subscription:
        """The subscription of this handler as a listener."""
        return Subscription(types, self, None)

    async def until(self, condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Return when the condition holds; it is looked at after each delivery."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(condition)

    async def until_handled(self, count: int, timeout_s: float = 10.0) -> None:
        """Return when so many messages were handled."""
        await self.until(lambda: len(self.handled) >= count, timeout_s)


async def eventually(condition: Callable[[], Awaitable[bool]], timeout_s: float = 10.0) -> None:
    """Return when the condition holds; looked at every 20 ms."""
    async with asyncio.timeout(timeout_s):
        while not await condition():
            await asyncio.sleep(0.02)
