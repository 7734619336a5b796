"""The bus over RabbitMQ, 3.10 or later. The only importer of aio_pika.

Connections come back by ``Link`` and not by aio_pika's robust ones: what is declared, who consumes and from when
publishing works again then follow one visible path, and a publisher fails at once while the broker is away.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import (
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    DeliveryError,
    ProbableAuthenticationError,
    PublishError,
)

from services.bus.delivery import BusCounters, DeadLetter
from services.bus.lane import Lane
from services.bus.link import Link
from services.bus.port import BusFull, BusLimits, BusUnavailable, Groups, Subscription
from services.bus.topology import (
    DELIVERY_COUNT_HEADER,
    EVENTS,
    FACILITY_HEADER,
    FIRST_DEATH_HEADER,
    HASH_ARGUMENTS,
    HASH_PLUGIN,
    HASH_TYPE,
    HASH_WEIGHT,
    PINGS,
    GroupTopology,
    listener_arguments,
    listener_queue,
)
from services.bus.wire import CONTENT_TYPE, encode
from services.contracts.messages import Message
from services.runtime.tasks import Shutdown

log = logging.getLogger(__name__)

#: aiormq gives a connection up after three of these without a frame.
_HEARTBEAT_S = 10
_LISTENER_PREFETCH = 50


@dataclass(frozen=True, slots=True)
class _Publisher:
    """A connection ready to publish on."""

    connection: AbstractConnection
    channel: AbstractChannel
    events: AbstractExchange
    pings: AbstractExchange


@dataclass(frozen=True, slots=True)
class _Consumer:
    """A connection that consumes. aio_pika holds channels and queues only weakly (aio-pika #536), so they are here."""

    connection: AbstractConnection
    lost: Callable[[], None]
    channels: list[AbstractChannel] = field(default_factory=list)
    consuming: list[tuple[AbstractQueue, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A ``lane.Delivery`` of aio_pika."""

    message: AbstractIncomingMessage

    @property
    def body(self) -> bytes:
        return self.message.body

    @property
    def failed_before(self) -> int:
        count = self.message.headers.get(DELIVERY_COUNT_HEADER)
        return count if isinstance(count, int) else 0

    @property
    def redelivered(self) -> bool:
        return bool(self.message.redelivered)

    @property
    def lapsed(self) -> bool:
        return self.message.channel.is_closed

    async def accept(self) -> None:
        with _only_our_cancellation():
            await self.message.ack()

    async def refuse(self, *, again: bool) -> None:
        # By reject and not by nack: since RabbitMQ 4.3 a nack does not count towards the delivery limit.
        with _only_our_cancellation():
            await self.message.reject(requeue=again)


class RabbitBus:
    """A Bus over RabbitMQ.

    Publishing and consuming have a connection each, since the broker stops reading from those who publish while its
    memory or disk alarm stands. ``process_name`` is what operators see in the broker's list of connections.
    """

    def __init__(
        self, url: str, limits: BusLimits, source: str, process_name: str, groups: Groups | None = None
    ) -> None:
        parts = urlsplit(url)
        self.counters = BusCounters()
        self._url = url
        self._where = f"{parts.hostname}:{parts.port or (5671 if parts.scheme == 'amqps' else 5672)}"
        self._limits = limits
        self._source = source
        self._process_name = process_name
        self._groups = {name: GroupTopology(name, types, limits) for name, types in (groups or {}).items()}
        self._subscriptions: list[Subscription] = []
        self._lanes: dict[tuple[int, str], Lane] = {}
        self._closing = Shutdown()
        self._publishing = Link(f"{process_name} publishing", self._dial_publisher, lambda it: it.connection.close())
        self._consuming = Link(f"{process_name} consuming", self._dial_consumer, lambda it: it.connection.close())

    async def open(self) -> None:
        await self._publishing.open()
        try:
            await self._consuming.open()
        except BaseException:
            await self._publishing.close()
            raise

    async def close(self) -> None:
        self._closing.request()
        consumer = self._consuming.current
        if consumer is not None:
            # First of all, so that the broker hands the shards on; the loss of the broker meanwhile is no matter.
            with contextlib.suppress(Exception), _only_our_cancellation():
                async with asyncio.timeout(self._limits.close_timeout_s):
                    for queue, tag in consumer.consuming:
                        await queue.cancel(tag)
        await asyncio.gather(*(lane.finish() for lane in self._lanes.values()))
        await self._consuming.close()
        await self._publishing.close()

    async def publish(self, message: Message) -> None:
        wanted = any(isinstance(message, group.types) for group in self._groups.values())
        await self._send(
            lambda publisher: publisher.events,
            message.topic,
            aio_pika.Message(
                encode(message, self._source),
                content_type=CONTENT_TYPE,
                message_id=str(message.message_id),
                type=message.kind,
                timestamp=message.sent_at,
                headers={FACILITY_HEADER: str(message.facility_id)},
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            ),
            mandatory=wanted,
        )
        self.counters.published += 1

    async def ping(self) -> None:
        # By publishing, since an alarm of the broker stops that and nothing else.
        await self._send(lambda publisher: publisher.pings, "", aio_pika.Message(b""), mandatory=False)

    async def subscribe(self, subscription: Subscription) -> None:
        if subscription.group is not None:
            group = self._groups.setdefault(
                subscription.group, GroupTopology(subscription.group, subscription.types, self._limits)
            )
            if set(group.types) != set(subscription.types):
                raise ValueError(f"group {group.name} has other types than this subscription")
        self._subscriptions.append(subscription)
        consumer = self._consuming.current
        if consumer is not None:
            try:
                with _only_our_cancellation():
                    async with asyncio.timeout(self._limits.open_timeout_s):
                        await self._consume(consumer, len(self._subscriptions) - 1)
            except Exception as error:
                log.warning("cannot consume yet", extra={"group": subscription.group, "error": repr(error)})
                consumer.lost()

    async def dead_letters(self, group: str, limit: int = 100) -> Sequence[DeadLetter]:
        """The first dead letters of a group; they stay where they are. Raises BusUnavailable."""
        consumer = self._consuming.current
        if consumer is None:
            raise self._unavailable(ConnectionError("not connected"))
        found: list[DeadLetter] = []
        try:
            with _only_our_cancellation():
                async with asyncio.timeout(self._limits.open_timeout_s), consumer.connection.channel() as channel:
                    queue = await channel.get_queue(self._groups[group].dead, ensure=False)
                    while len(found) < limit and (letter := await queue.get(fail=False)) is not None:
                        found.append(DeadLetter(letter.body, str(letter.headers.get(FIRST_DEATH_HEADER))))
        except Exception as error:
            raise self._unavailable(error) from error
        return found  # closing the channel gave them back

    async def _send(
        self,
        exchange: Callable[[_Publisher], AbstractExchange],
        routing_key: str,
        message: aio_pika.Message,
        *,
        mandatory: bool,
    ) -> None:
        publisher = self._publishing.current
        if publisher is None or self._closing.requested:
            raise self._unavailable(ConnectionError("not connected"))
        try:
            with _only_our_cancellation():
                async with asyncio.timeout(self._limits.publish_timeout_s):
                    if publisher.connection.transport is not None:
                        # Waits while the broker says that it is blocked; what is written now would only pile up.
                        await publisher.connection.transport.ready()
                    await exchange(publisher).publish(message, routing_key, mandatory=mandatory)
        except PublishError as error:
            # Somebody deleted what every open declares. Declare it again; the message was not kept.
            self._publishing.restart()
            raise self._unavailable(error) from error
        except DeliveryError as error:
            raise BusFull from error
        except Exception as error:
            # aiormq ends a waiting confirmation with whatever closed the channel, down to a bare Exception.
            raise self._unavailable(error) from error

    async def _dial_publisher(self, lost: Callable[[], None]) -> _Publisher:
        async def prepare(connection: AbstractConnection) -> _Publisher:
            channel = await self._channel(connection, lost, on_return_raises=True)
            pings = await channel.declare_exchange(PINGS, "fanout", durable=True)
            events = await channel.declare_exchange(EVENTS, "topic", durable=True)
            for group in self._groups.values():
                await _declare(channel, group)
            return _Publisher(connection, channel, events, pings)

        return await self._dial(self._publishing_name, lost, prepare)
