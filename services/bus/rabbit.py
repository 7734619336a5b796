"""The bus over RabbitMQ, 3.10 or later. The only importer of aio_pika.

Connections come back by ``Link`` and not by aio_pika's robust ones: what is declared, who consumes and from when
publishing works again then follow one visible path, and a publisher fails at once while the broker is away.
"""

import asyncio
import contextlib
import itertools
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import unquote, urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import (
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    DeliveryError,
    InvalidFrameError,
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
_HANG_UP_S = 2.0


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
        self._vhost = unquote(parts.path[1:]) or "/"
        self._limits = limits
        self._source = source
        self._process_name = process_name
        self._groups = {name: GroupTopology(name, types, limits) for name, types in (groups or {}).items()}
        self._subscriptions: list[Subscription] = []
        self._lanes: dict[tuple[int, str], Lane] = {}
        self._closing = Shutdown()
        self._publishing = Link("publishing", self._dial_publisher, lambda it: _hang_up(it.connection))
        self._consuming = Link("consuming", self._dial_consumer, lambda it: _hang_up(it.connection))

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
            # First, so that the broker hands the shards on. Should the broker go meanwhile, it does so by itself.
            with contextlib.suppress(Exception), _only_real_cancellation():
                async with asyncio.timeout(self._limits.close_timeout_s):
                    for queue, tag in consumer.consuming:
                        await queue.cancel(tag)
        await asyncio.gather(*(lane.finish() for lane in self._lanes.values()))
        await self._consuming.close()
        await self._publishing.close()

    async def publish(self, message: Message) -> None:
        wanted = any(isinstance(message, group.types) for group in self._groups.values())
        wire = aio_pika.Message(
            encode(message, self._source),
            content_type=CONTENT_TYPE,
            message_id=str(message.message_id),
            type=message.kind,
            timestamp=message.sent_at,
            headers={FACILITY_HEADER: str(message.facility_id)},
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        await self._send(lambda to: to.events.publish(wire, message.topic, mandatory=wanted))
        self.counters.published += 1

    async def ping(self) -> None:
        # By publishing, since an alarm of the broker stops that and nothing else.
        await self._send(lambda to: to.pings.publish(aio_pika.Message(b""), "", mandatory=False))

    async def subscribe(self, subscription: Subscription) -> None:
        name, types = subscription.group, subscription.types
        if name is not None:
            group = self._groups.setdefault(name, GroupTopology(name, types, self._limits))
            if set(group.types) != set(types):
                raise ValueError(f"group {name} has other types than this subscription")
        self._subscriptions.append(subscription)
        consumer = self._consuming.current
        if consumer is not None:
            try:
                with _only_real_cancellation():
                    async with asyncio.timeout(self._limits.open_timeout_s):
                        await self._consume(consumer, len(self._subscriptions) - 1)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next connection tries it again
                log.warning("cannot consume yet", extra={"group": name, "error": self._unavailable(error).detail})
                consumer.lost()

    async def dead_letters(self, group: str, limit: int = 100) -> tuple[DeadLetter, ...]:
        """The first dead letters of a group; they stay where they are. Raises BusUnavailable."""
        name = self._groups[group].dead
        consumer = self._consuming.current
        if consumer is None:
            raise self._unavailable(ConnectionError("not connected"))
        found: list[DeadLetter] = []
        try:
            with _only_real_cancellation():
                # What was got and not acknowledged goes back when the channel closes.
                async with asyncio.timeout(self._limits.open_timeout_s), consumer.connection.channel() as channel:
                    queue = await channel.get_queue(name, ensure=False)
                    while len(found) < limit and (letter := await queue.get(fail=False)) is not None:
                        found.append(DeadLetter(letter.body, str(letter.headers.get(FIRST_DEATH_HEADER))))
        except Exception as error:
            raise self._unavailable(error) from error
        return tuple(found)

    async def _send(self, publish: Callable[[_Publisher], Awaitable[object]]) -> None:
        publisher = self._publishing.current
        if publisher is None or self._closing.requested:
            raise self._unavailable(ConnectionError("not connected"))
        try:
            with _only_real_cancellation():
                async with asyncio.timeout(self._limits.publish_timeout_s):
                    if publisher.connection.transport is not None:
                        # Waits while the broker blocks this connection: more frames would only pile up before it.
                        await publisher.connection.transport.ready()
                    await publish(publisher)
        except PublishError as error:
            # Somebody deleted what every open declares, and the message found no queue. Declare it again.
            self._publishing.restart()
            raise self._unavailable(error) from error
        except DeliveryError as error:
            raise BusFull from error
        except Exception as error:
            # aiormq ends a waiting confirmation with whatever closed its channel, down to a bare Exception.
            raise self._unavailable(error) from error

    async def _dial_publisher(self, lost: Callable[[], None]) -> _Publisher:
        async with self._connecting("publishing", lost) as connection:
            channel = await _open_channel(connection, lost, on_return_raises=True)
            pings = await channel.declare_exchange(PINGS, "fanout", durable=True)
            events = await channel.declare_exchange(EVENTS, "topic", durable=True)
            for group in list(self._groups.values()):
                await _declare(channel, group)
        return _Publisher(connection, channel, events, pings)

    async def _dial_consumer(self, lost: Callable[[], None]) -> _Consumer:
        async with self._connecting("consuming", lost) as connection:
            consumer = _Consumer(connection, lost)
            for index in itertools.count():  # the list may grow meanwhile
                if index >= len(self._subscriptions):
                    break
                await self._consume(consumer, index)
        return consumer

    @contextlib.asynccontextmanager
    async def _connecting(self, purpose: str, lost: Callable[[], None]) -> AsyncIterator[AbstractConnection]:
        """A new connection, closed again if the block fails. Raises BusUnavailable."""
        connection: AbstractConnection | None = None
        try:
            with _only_real_cancellation():
                async with asyncio.timeout(self._limits.open_timeout_s):
                    name = f"{self._process_name} {purpose}"
                    connection = await aio_pika.connect(
                        self._url, heartbeat=_HEARTBEAT_S, client_properties={"connection_name": name}
                    )
                    connection.close_callbacks.add(lambda *_: lost())
                    yield connection
        except BaseException as error:
            if connection is not None:
                await _hang_up(connection)
            if isinstance(error, Exception):
                raise self._unavailable(error) from error
            raise

    async def _consume(self, consumer: _Consumer, index: int) -> None:
        """Begin to deliver to one subscription on this connection."""
        subscription = self._subscriptions[index]
        channel = await _open_channel(consumer.connection, consumer.lost)
        consumer.channels.append(channel)
        if subscription.group is None:
            await channel.set_qos(prefetch_count=_LISTENER_PREFETCH)
            own = await channel.declare_queue(
                listener_queue(), exclusive=True, auto_delete=True, arguments=listener_arguments(self._limits)
            )
            for message_type in subscription.types:
                await own.bind(EVENTS, message_type.topic)
            queues = [(own, "")]
        else:
            group = self._groups[subscription.group]
            await _declare(channel, group)
            # One at a time: what a failed message would have behind it in our hands could not be put back in order.
            await channel.set_qos(prefetch_count=1)
            names = await _shards_there(consumer.connection, group)
            # The first to come is served: in random order the members of a group share its shards.
            random.shuffle(names)
            queues = [(await channel.get_queue(name, ensure=False), name) for name in names]
        for queue, name in queues:
            lane = self._lanes.get((index, name))
            if lane is None:
                lane = self._lanes[index, name] = Lane(subscription, self._limits, self.counters, self._closing)
            consumer.consuming.append((queue, await queue.consume(partial(_hand_over, lane))))

    def _unavailable(self, error: Exception) -> BusUnavailable:
        """The error with what an operator can do about it, and without the credentials of our URL."""
        text = str(error)
        if "unknown exchange type" in text:
            advice = f"It lacks a plugin; run there: rabbitmq-plugins enable {HASH_PLUGIN}"
        elif isinstance(error, ChannelPreconditionFailed):
            advice = f"It has a queue or exchange with other settings; delete that or set ours as before. {text}"
        elif isinstance(error, ProbableAuthenticationError):
            advice = "It refused the user name or password in VONGGAC_BUS_URL."
        elif (
            isinstance(error, InvalidFrameError) and "OpenOk" in text
        ):  # all that aiormq says of a refused virtual host
            advice = f"It has no virtual host {self._vhost!r}, or our user may not use it."
        elif isinstance(error, TimeoutError):
            advice = "It did not answer in time."
        else:
            advice = f"{type(error).__name__}: {text}"
        return BusUnavailable(f"The message broker at {self._where} cannot be used. {advice}")


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A ``lane.Delivery`` by aio_pika."""

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
        with _only_real_cancellation():
            await self.message.ack()

    async def refuse(self, *, again: bool) -> None:
        # Since RabbitMQ 4.3 a nack no longer counts towards the delivery limit; a reject does everywhere.
        with _only_real_cancellation():
            await self.message.reject(requeue=again)


async def _hand_over(lane: Lane, message: AbstractIncomingMessage) -> None:
    lane.put(_Incoming(message))


async def _open_channel(
    connection: AbstractConnection, lost: Callable[[], None], *, on_return_raises: bool = False
) -> AbstractChannel:
    """A channel whose end, or the end of a consumer on it, is the loss of the whole connection."""
    channel = await connection.channel(on_return_raises=on_return_raises)
    channel.close_callbacks.add(lambda *_: lost())
    underlay = await channel.get_underlay_channel()
    underlay.on_consumer_cancel_callbacks.add(lambda _: lost())
    return channel


async def _declare(channel: AbstractChannel, group: GroupTopology) -> None:
    """Make sure that a group's exchanges and queues are there. From the far end on, so that nothing falls between."""
    letters = await channel.declare_exchange(group.dead, "fanout", durable=True)
    dead = await channel.declare_queue(group.dead, durable=True, arguments=group.dead_arguments)
    await dead.bind(letters)
    # Not durable, so that its ring is always made here: from 00 on, whoever of us comes first. A broker on Mnesia makes
    # the ring of a durable one anew when it starts, in any order (on 3.10.8, 88 to 200 of 200 facilities moved), and
    # messages of a facility that wait in one queue would be overtaken in another. One on Khepri keeps either ring.
    shards = await channel.declare_exchange(group.exchange, HASH_TYPE, durable=False, arguments=HASH_ARGUMENTS)
    for name in group.shard_queues:
        queue = await channel.declare_queue(name, durable=True, arguments=group.shard_arguments)
        await queue.bind(shards, HASH_WEIGHT)
    await channel.declare_exchange(EVENTS, "topic", durable=True)
    for topic in group.topics:
        await shards.bind(EVENTS, topic)


async def _shards_there(connection: AbstractConnection, group: GroupTopology) -> list[str]:
    """Names of all shards of a group that exist: also those of a time when there were more.

    They are still bound, so facilities still go there; unread they would fill up, and those facilities go blind.
    """
    names = list(group.shard_queues)
    while True:
        name = group.shard_queue(len(names))
        channel = await connection.channel()
        try:
            await channel.declare_queue(name, passive=True)
        except ChannelNotFoundEntity:
            return names
        await channel.close()
        log.warning("more shards on the broker than VONGGAC_BUS_SHARDS", extra={"queue": name})
        names.append(name)


async def _hang_up(connection: AbstractConnection) -> None:
    with contextlib.suppress(Exception), _only_real_cancellation():
        async with asyncio.timeout(_HANG_UP_S):
            await connection.close()


@contextlib.contextmanager
def _only_real_cancellation() -> Iterator[None]:
    """Turn a CancelledError that nobody asked for into a ConnectionError.

    aiormq ends what waits on a closing connection with CancelledError (aiormq/base.py, ``close``), which would look to
    our callers as if they had been cancelled themselves.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise ConnectionError("the connection was closed") from error
