"""The bus as the rest of the project sees it. Implementations: ``memory.MemoryBus`` and ``rabbit.RabbitBus``.

Rules that both keep (one contract suite checks them):

* ``publish`` returns when the message is safe: confirmed by the broker, or queued in this process. Otherwise it raises
  ``BusUnavailable`` (nobody took it; publish it again later) or ``BusFull`` (a queue of a group is at its bound).
  It never waits longer than its timeout.
* A *group* shares its messages: each message is handled by one member of each group, at least once. Messages of one
  facility are handled one at a time and in the order they were published, whoever handles them. A handler that raises
  ``Invalid`` can never succeed: the message goes to the dead letters at once. Any other error: it is delivered again,
  until the delivery limit, then it is a dead letter too. A group's messages wait while no member is there.
* A *listener* gets every message of its types that is published while it listens; nothing is kept for it. An error of
  its handler is logged and the message dropped.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from services.contracts.errors import Unavailable
from services.contracts.messages import Message


class BusUnavailable(Unavailable):
    """The message broker does not answer."""

    code = "bus-unavailable"


class BusFull(Unavailable):
    """The queue is full: its consumers are too slow or away."""

    code = "bus-full"


Handler = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who wants which messages. ``group`` None makes it a listener."""

    types: tuple[type[Message], ...]
    handler: Handler
    group: str | None


@dataclass(frozen=True, slots=True)
class BusLimits:
    """Bounds of every queue."""

    shards: int = 4
    queue_max: int = 200_000
    delivery_limit: int = 8
    publish_timeout_s: float = 5.0


class Bus(Protocol):
    """Publish and subscribe."""

    async def open(self) -> None:
        """Connect and declare. Raises BusUnavailable if that does not succeed in time."""

    async def close(self) -> None:
        """Stop consuming, finish handlers that run, disconnect."""

    async def publish(self, message: Message) -> None:
        """Make a message safe. Raises BusUnavailable or BusFull."""

    async def subscribe(self, subscription: Subscription) -> None:
        """Begin to deliver to this subscription, until ``close``."""

    async def ping(self) -> None:
        """Raise BusUnavailable when publishing would fail now."""
