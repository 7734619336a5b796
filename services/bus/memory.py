"""The bus within one process: the rules of RabbitMQ in one event loop. What waits here dies with the process."""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field

from services.bus.delivery import BusCounters, DeadLetter, Outcome, attempt, retry_pause_s
from services.bus.port import BusFull, BusLimits, BusUnavailable, Groups, Subscription
from services.bus.wire import encode
from services.contracts.messages import Message
from services.runtime.tasks import Shutdown

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Queue:
    """Bodies in order, and the bell that tells of new ones."""

    bodies: deque[bytes] = field(default_factory=deque)
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class _Group:
    """One group: its shards, its members, its dead letters."""

    def __init__(self, name: str, types: tuple[type[Message], ...], limits: BusLimits) -> None:
        self.name = name
        self.types = types
        self.shards = [_Queue() for _ in range(limits.shards)]
        self.members: list[Subscription] = []
        self.dead: deque[DeadLetter] = deque(maxlen=limits.dead_max)

    def shard_of(self, message: Message) -> _Queue:
        """Where all messages of this facility wait."""
        return self.shards[message.facility_id.int % len(self.shards)]


@dataclass(slots=True)
class _Listener:
    subscription: Subscription
    queue: _Queue = field(default_factory=_Queue)


class MemoryBus:
    """A Bus for a single process. Bodies travel as JSON here too, so that what works here works over a broker."""

    def __init__(self, limits: BusLimits, source: str, groups: Groups | None = None) -> None:
        self.counters = BusCounters()
        self._limits = limits
        self._source = source
        self._groups = {name: _Group(name, types, limits) for name, types in (groups or {}).items()}
        self._listeners: list[_Listener] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._opened = False
        self._closing = Shutdown()

    async def open(self) -> None:
        self._opened = True
        for group in self._groups.values():
            self._start(group)

    async def close(self) -> None:
        self._opened = False
        self._closing.request()
        for queue in self._queues():
            queue.changed.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._limits.close_timeout_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def ping(self) -> None:
        if not self._opened:
            raise BusUnavailable("The bus of this process is closed.")

    async def publish(self, message: Message) -> None:
        await self.ping()
        body = encode(message, self._source)
        shards = [group.shard_of(message) for group in self._groups.values() if isinstance(message, group.types)]
        if any(len(shard.bodies) >= self._limits.queue_max for shard in shards):
            raise BusFull
        for shard in shards:
            _append(shard, body)
        for listener in self._listeners:
            if isinstance(message, listener.subscription.types):
                if len(listener.queue.bodies) >= self._limits.queue_max:
                    listener.queue.bodies.popleft()
                    self.counters.dropped += 1
                _append(listener.queue, body)
        self.counters.published += 1
        await asyncio.sleep(0)  # or somebody who publishes in a loop would never let a handler run

    async def subscribe(self, subscription: Subscription) -> None:
        if subscription.group is None:
            listener = _Listener(subscription)
            self._listeners.append(listener)
            self._tasks.append(asyncio.create_task(self._listen(listener)))
            return
        group = self._groups.get(subscription.group)
        if group is None:
            group = _Group(subscription.group, subscription.types, self._limits)
            self._groups[group.name] = group
            if self._opened:
                self._start(group)
        if set(group.types) != set(subscription.types):
            raise ValueError(f"group {group.name} has other types than this subscription")
        group.members.append(subscription)
        for shard in group.shards:
            shard.changed.set()

    async def dead_letters(self, group: str) -> tuple[DeadLetter, ...]:
        """The dead letters of a group, oldest first."""
        return tuple(self._groups[group].dead)

    def _start(self, group: _Group) -> None:
        self._tasks += [asyncio.create_task(self._work(group, number)) for number in range(len(group.shards))]

    def _queues(self) -> list[_Queue]:
        shards = [shard for group in self._groups.values() for shard in group.shards]
        return shards + [listener.queue for listener in self._listeners]

    async def _work(self, group: _Group, number: int) -> None:
        """Hand out one shard, message by message, to the member whose turn this shard is."""
        shard = group.shards[number]
        failed = 0
        while not self._closing.requested:
            if not (shard.bodies and group.members):
                shard.changed.clear()
                await shard.changed.wait()
                continue
            body = shard.bodies[0]
            self.counters.delivered += 1
            self.counters.redelivered += failed > 0
            outcome = await attempt(group.members[number % len(group.members)], body, self._limits)
            failed = failed + 1 if outcome is Outcome.FAILED else 0
            if 0 < failed < self._limits.delivery_limit:
                await self._closing.sleep(retry_pause_s(self._limits, failed))
                continue
            if outcome is not Outcome.HANDLED:
                group.dead.append(DeadLetter(body, "rejected" if outcome is Outcome.POISON else "delivery_limit"))
                self.counters.dead += 1
            failed = 0
            shard.bodies.popleft()

    async def _listen(self, listener: _Listener) -> None:
        queue = listener.queue
        while not self._closing.requested:
            if not queue.bodies:
                queue.changed.clear()
                await queue.changed.wait()
                continue
            self.counters.delivered += 1
            if await attempt(listener.subscription, queue.bodies.popleft(), self._limits) is not Outcome.HANDLED:
                self.counters.dropped += 1


def _append(queue: _Queue, body: bytes) -> None:
    queue.bodies.append(body)
    queue.changed.set()
