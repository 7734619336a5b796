"""The bus as the rest of the project sees it. Implementations: ``memory.MemoryBus`` and ``rabbit.RabbitBus``.

Rules that both keep (one contract suite checks them):

* ``publish`` returns when the message is safe: confirmed by the broker, or queued in this process. Otherwise it raises
  ``BusUnavailable`` (nobody is known to have it; publish it again later, its consumers may then see it twice) or
  ``BusFull`` (a queue of a group is at its bound). It never waits longer than its timeout.
* A *group* shares its messages: each message is handled by one member of each group, at least once. Messages of one
  facility are handled one at a time and in the order they were published, whoever handles them. A handler that raises
  ``Invalid`` can never succeed: the message goes to the dead letters at once. Any other error, or no end within the
  handler's time: it is delivered again after a pause that grows, until ``delivery_limit`` deliveries failed, then it is
  a dead letter too. Meanwhile the facilities of its shard wait. A group's messages wait while no member is there.
* All subscriptions of a group name the same types; a handler tells them apart. The groups of the whole system are given
  to the constructor, in every process, so that messages wait for a group that has never run yet. A group that is
  missing there begins to exist with its first subscription.
* A *listener* gets every message of its types that is published while it listens; nothing is kept for it. One that
  falls behind by more than ``queue_max`` loses the oldest. An error of its handler is logged and the message dropped.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from services.contracts.errors import Unavailable
from services.contracts.messages import Message


class BusUnavailable(Unavailable):
    """The message broker does not answer."""

    code = "bus-unavailable"


class BusFull(Unavailable):
    """The queue is full: its consumers are too slow or away."""

    code = "bus-full"


Handler = Callable[[Message], Awaitable[None]]

#: Which messages each group wants. The same table in every process of the system.
Groups: TypeAlias = Mapping[str, tuple[type[Message], ...]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who wants which messages. ``group`` None makes it a listener."""

    types: tuple[type[Message], ...]
    handler: Handler
    group: str | None


@dataclass(frozen=True, slots=True)
class BusLimits:
    """Bounds of every queue and of every wait."""

    shards: int = 4
    queue_max: int = 200_000
    delivery_limit: int = 8
    publish_timeout_s: float = 5.0
    #: Dead letters kept for each group; beyond, the oldest goes.
    dead_max: int = 10_000
    #: How long a handler may take; then the delivery failed.
    handler_timeout_s: float = 60.0
    #: Pause before the second delivery of a message; doubles with each further one.
    retry_pause_s: float = 0.25
    retry_pause_max_s: float = 10.0
    #: How long ``open`` may take, the declaration of all queues included.
    open_timeout_s: float = 30.0
    #: How long ``close`` waits for handlers that run.
    close_timeout_s: float = 10.0


class Bus(Protocol):
    """Publish and subscribe."""

    async def open(self) -> None:
        """Connect and declare. Raises BusUnavailable if that does not succeed in time."""

    async def close(self) -> None:
        """Stop consuming, finish handlers that run, disconnect. Publishing raises BusUnavailable from now on."""

    async def publish(self, message: Message) -> None:
        """Make a message safe. Raises BusUnavailable or BusFull."""

    async def subscribe(self, subscription: Subscription) -> None:
        """Begin to deliver to this subscription, until ``close``. A broker that is away now is no error: it begins later."""

    async def ping(self) -> None:
        """Raise BusUnavailable when publishing would fail now."""
