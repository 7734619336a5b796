"""What only a real broker can do to the bus: die, come back, run short of memory, be set up differently."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from services.bus.port import BusLimits, BusUnavailable
from services.bus.rabbit import RabbitBus
from services.contracts.ids import new_id
from services.contracts.messages import FacilityStateChanged, Message
from tests.harness.bus import GROUPS, LIMITS, Recorder, eventually, limits, roster, state_changed
from tests.harness.rabbitmq import RabbitServer
from tests.harness.server_process import free_port

OpenRabbit = Callable[..., Awaitable[RabbitBus]]


@pytest.fixture
async def open_rabbit() -> AsyncIterator[OpenRabbit]:
    """Opens buses as processes would, and closes them after the test."""
    opened: list[RabbitBus] = []

    async def open_one(url: str, bounds: BusLimits = LIMITS) -> RabbitBus:
        bus = RabbitBus(url, bounds, "/tests/rabbit", "tests", GROUPS)
        opened.append(bus)
        await bus.open()
        return bus

    yield open_one
    for bus in opened:
        await bus.close()


def first_time(messages: list[Message], facility: UUID) -> list[UUID]:
    """Ids of the messages of a facility in the order in which each was seen first."""
    return list(dict.fromkeys(message.message_id for message in messages if message.facility_id == facility))


async def publish_until_safe(bus: RabbitBus, message: Message) -> int:
    """Publish again until it is confirmed, as every publisher of ours does; returns how often that failed."""
    failures = 0
    async with asyncio.timeout(30):
        while True:
            try:
                await bus.publish(message)
            except BusUnavailable:
                failures += 1
                await asyncio.sleep(0.02)
            else:
                return failures


# The broker dies


async def test_no_confirmed_message_is_lost_when_the_broker_is_killed(
    rabbit: RabbitServer, rabbit_url: str, open_rabbit: OpenRabbit
) -> None:
    async def take_a_moment(_: Message) -> None:
        await asyncio.sleep(0.005)

    recorder = Recorder(take_a_moment)
    bounds = limits(queue_max=100_000)
    publisher, member = await open_rabbit(rabbit_url, bounds), await open_rabbit(rabbit_url, bounds)
    await asyncio.to_thread(rabbit.sync_metadata)
    await member.subscribe(recorder.joins("aggregator"))
    facilities = [new_id() for _ in range(24)]
    confirmed: list[Message] = []
    failures = 0
    restored: float | None = None

    async def publish_under_load() -> None:
        nonlocal failures, restored
        while restored is None or len(confirmed) < before + 300:
            message = roster(facilities[len(confirmed) % len(facilities)])
            failed = await publish_until_safe(publisher, message)
            failures += failed
            confirmed.append(message)
            if failed:
                restored = time.monotonic()

    before = 10_000
    load = asyncio.create_task(publish_under_load())
    await recorder.until_handled(100)
    rabbit.kill()
    before = len(confirmed)
    await asyncio.sleep(0.3)
    handled_before = len(recorder.handled)
    rabbit.launch()
    await asyncio.to_thread(rabbit.wait_until_ready)
    started = time.monotonic()
    # Consumers come back by themselves.
    await recorder.until(lambda: len(recorder.handled) > handled_before + 1, timeout_s=15)
    consuming_again_s = time.monotonic() - started
    await load
    assert restored is not None
    print(f"publishing again {restored - started:.2f} s, consuming {consuming_again_s:.2f} s after the broker was up")
    wanted = {message.message_id for message in confirmed}
    await recorder.until(lambda: wanted <= {message.message_id for message in recorder.handled}, timeout_s=20)
    assert failures > 0
    assert consuming_again_s < 10
    assert recorder.most_at_once == 1
    # All that waited for this group, from before and after: a facility must have stayed in its queue.
    archive = Recorder(take_a_moment)
    await member.subscribe(archive.joins("archive"))
    await archive.until(lambda: wanted <= {message.message_id for message in archive.handled}, timeout_s=20)
    for facility in facilities:
        assert first_time(recorder.handled, facility) == first_time(confirmed, facility)
        assert first_time(archive.handled, facility) == first_time(confirmed, facility)


async def test_publishing_fails_at_once_while_the_broker_is_away(
    rabbit: RabbitServer, rabbit_url: str, open_rabbit: OpenRabbit
) -> None:
    bus = await open_rabbit(rabbit_url)
    await asyncio.to_thread(rabbit.sync_metadata)
    gate, begun = asyncio.Event(), asyncio.Event()

    async def wait_at_the_gate(_: Message) -> None:
        begun.set()
        await gate.wait()

    recorder, listener = Recorder(wait_at_the_gate), Recorder()
    await bus.subscribe(recorder.joins("aggregator"))
    await bus.subscribe(listener.listens(FacilityStateChanged))
    in_hand = roster()
    await bus.publish(in_hand)
    await begun.wait()
    rabbit.kill()
    try:
        for publish in (bus.ping(), bus.publish(roster()), bus.publish(roster())):
            asked = time.monotonic()
            with pytest.raises(BusUnavailable, match=r"127\.0\.0\.1"):
                await publish
            assert time.monotonic() - asked < 1
            await asyncio.sleep(0.1)
        # Who subscribes meanwhile is served later.
        late = Recorder()
        await bus.subscribe(late.joins("archive"))
    finally:
        rabbit.launch()
        await asyncio.to_thread(rabbit.wait_until_ready)
    message = roster(in_hand.facility_id)
    await publish_until_safe(bus, message)
    await late.until(lambda: message in late.handled)
    # The broker delivers again what was in hand when it died, but not beside the handler that still runs on it.
    await asyncio.sleep(0.1)
    assert recorder.attempts == [in_hand]
    gate.set()
    await recorder.until_handled(3)
    assert recorder.handled == [in_hand, in_hand, message]
    assert recorder.most_at_once == 1
    # Listeners listen again too.
    changed = state_changed()
    await bus.publish(changed)
    await listener.until_handled(1)
    assert listener.handled == [changed]


async def test_a_killed_member_is_followed_by_another_that_keeps_the_order(
    rabbit_url: str, open_rabbit: OpenRabbit
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.harness.bus_member", rabbit_url, "0.01"), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == b"ready\n"
        bus = await open_rabbit(rabbit_url)
        standby = Recorder()
        await bus.subscribe(standby.joins("aggregator"))
        facilities = [new_id() for _ in range(3)]
        sent: list[Message] = [roster(facilities[number % 3]) for number in range(90)]
        for message in sent:
            await bus.publish(message)
        async with asyncio.timeout(10):
            lines = [await process.stdout.readline() for _ in range(20)]
        assert standby.attempts == []
    finally:
        process.kill()
        rest, _ = await process.communicate()
    by_id = {message.message_id: message for message in sent}
    handled: list[Message] = [by_id[UUID(line.decode().strip())] for line in [*lines, *rest.splitlines()]]
    wanted = set(by_id)
    await standby.until(lambda: wanted <= {message.message_id for message in [*handled, *standby.handled]})
    for facility in facilities:
        assert first_time([*handled, *standby.handled], facility) == first_time(sent, facility)
    # What the killed one had in hand came again, and nothing else did.
    assert len(handled) + len(standby.handled) <= len(sent) + LIMITS.shards


# The broker runs short


async def test_a_memory_alarm_stops_publishers_within_their_timeout_and_nobody_else(
    rabbit: RabbitServer, rabbit_url: str, open_rabbit: OpenRabbit
) -> None:
    bus = await open_rabbit(rabbit_url, limits(publish_timeout_s=0.5))
    early = roster()
    await bus.publish(early)
    await asyncio.to_thread(rabbit.set_memory_watermark, 0)
    tried = [roster() for _ in range(3)]
    try:
        for publish in (bus.publish(tried[0]), bus.ping(), bus.publish(tried[1]), bus.publish(tried[2])):
            asked = time.monotonic()
            with pytest.raises(BusUnavailable, match="did not answer in time"):
                await publish
            assert time.monotonic() - asked < 1
        recorder = Recorder()
        await bus.subscribe(recorder.joins("aggregator"))
        await recorder.until_handled(1)
        assert recorder.handled == [early]
        # Who closes the bus meanwhile ends the publishers that wait, and does not look as if they were cancelled.
        closed = await open_rabbit(rabbit_url)
        waiting = asyncio.create_task(closed.publish(roster()))
        await asyncio.sleep(0.1)
        await closed.close()
        with pytest.raises(BusUnavailable):
            await waiting
    finally:
        await asyncio.to_thread(rabbit.set_memory_watermark, 0.4)
    late = roster()
    await publish_until_safe(bus, late)
    await bus.ping()
    await recorder.until(lambda: late in recorder.handled)
    # Once the broker has said that it is blocked, nothing more was written to it to arrive behind our back.
    assert tried[1] not in recorder.handled
    assert tried[2] not in recorder.handled


# The broker is set up differently


async def test_a_missing_plugin_is_named(open_rabbit: OpenRabbit) -> None:
    server = RabbitServer(plugins=())
    try:
        server.start()
        with pytest.raises(BusUnavailable, match="rabbitmq-plugins enable rabbitmq_consistent_hash_exchange"):
            await open_rabbit(server.create_vhost())
    finally:
        server.stop()


async def test_an_absent_broker_is_named_without_our_password() -> None:
    port = free_port()
    bus = RabbitBus(f"amqp://vonggac:s3cret@127.0.0.1:{port}/", LIMITS, "/tests", "tests", GROUPS)
    asked = time.monotonic()
    with pytest.raises(BusUnavailable) as raised:
        await bus.open()
    assert time.monotonic() - asked < 2
    assert f"127.0.0.1:{port}" in raised.value.detail
    assert "s3cret" not in f"{raised.value.detail} {raised.value.__cause__!r}"
    await bus.close()


async def test_a_broker_that_accepts_and_is_silent_does_not_hold_up_open(open_rabbit: OpenRabbit) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    asked = time.monotonic()
    with pytest.raises(BusUnavailable, match="did not answer in time"):
        await open_rabbit(f"amqp://guest:guest@127.0.0.1:{port}/", limits(open_timeout_s=0.5))
    assert time.monotonic() - asked < 3
    server.close()
    await server.wait_closed()


async def test_a_refused_password_is_said_and_not_shown(rabbit_url: str, open_rabbit: OpenRabbit) -> None:
    with pytest.raises(BusUnavailable, match="refused the user name or password") as raised:
        await open_rabbit(rabbit_url.replace("guest:guest", "guest:s3cret"))
    assert "s3cret" not in f"{raised.value.detail} {raised.value.__cause__!r}"


async def test_open_can_be_tried_again_after_it_failed(rabbit: RabbitServer, rabbit_url: str) -> None:
    bus = RabbitBus(f"{rabbit_url}-later", LIMITS, "/tests/rabbit", "tests", GROUPS)
    vhost = f"{urlsplit(rabbit_url).path.strip('/')}-later"
    with pytest.raises(BusUnavailable, match=vhost):
        await bus.open()
    rabbit.manage("PUT", f"vhosts/{vhost}")
    rabbit.manage("PUT", f"permissions/{vhost}/guest", {"configure": ".*", "write": ".*", "read": ".*"})
    await bus.open()
    await bus.publish(roster())
    await bus.close()
    rabbit.manage("DELETE", f"vhosts/{vhost}")


async def test_a_queue_with_other_settings_is_named(
    rabbit: RabbitServer, rabbit_url: str, open_rabbit: OpenRabbit
) -> None:
    rabbit.declare_queue(rabbit_url, "vonggac.aggregator.02", {"x-queue-type": "quorum", "x-max-length": 7})
    with pytest.raises(BusUnavailable, match=r"other settings.*vonggac\.aggregator\.02"):
        await open_rabbit(rabbit_url)


async def test_shards_of_a_time_when_there_were_more_are_still_read(rabbit_url: str, open_rabbit: OpenRabbit) -> None:
    await open_rabbit(rabbit_url, limits(shards=6))
    bus = await open_rabbit(rabbit_url, limits(shards=2))
    recorder = Recorder()
    await bus.subscribe(recorder.joins("aggregator"))
    sent = [roster() for _ in range(60)]
    for message in sent:
        await bus.publish(message)
    await recorder.until_handled(60)
    assert {message.message_id for message in recorder.handled} == {message.message_id for message in sent}


async def test_a_queue_deleted_under_a_member_is_declared_and_read_again(
    rabbit: RabbitServer, rabbit_url: str, open_rabbit: OpenRabbit
) -> None:
    bus = await open_rabbit(rabbit_url, limits(shards=1))
    recorder = Recorder()
    await bus.subscribe(recorder.joins("aggregator"))
    await asyncio.to_thread(rabbit.delete_queue, rabbit_url, "vonggac.aggregator.00")

    async def read_again() -> bool:
        await publish_until_safe(bus, roster())
        return bool(recorder.handled)

    await eventually(read_again)


async def test_a_message_of_a_group_without_a_queue_is_not_called_safe(
    rabbit: RabbitServer, rabbit_url: str, open_rabbit: OpenRabbit
) -> None:
    bus = await open_rabbit(rabbit_url, limits(shards=1))
    for group in GROUPS:
        await asyncio.to_thread(rabbit.delete_queue, rabbit_url, f"vonggac.{group}.00")
    message = roster()
    assert await publish_until_safe(bus, message) > 0
    recorder = Recorder()
    await bus.subscribe(recorder.joins("aggregator"))
    await recorder.until_handled(1)
    assert recorder.handled == [message]


async def test_rights_to_our_own_names_are_enough(
    rabbit: RabbitServer, rabbit_url: str, open_rabbit: OpenRabbit
) -> None:
    vhost = urlsplit(rabbit_url).path.strip("/")
    ours = r"^vonggac\..*"
    rabbit.manage("PUT", "users/least", {"password": "least", "tags": ""})
    rabbit.manage("PUT", f"permissions/{vhost}/least", {"configure": ours, "write": ours, "read": ours})
    bus = await open_rabbit(rabbit_url.replace("guest:guest", "least:least"))
    member, listener = Recorder(), Recorder()
    await bus.subscribe(member.joins("archive"))
    await bus.subscribe(listener.listens(FacilityStateChanged))
    message = state_changed()
    await bus.publish(message)
    await member.until_handled(1)
    await listener.until_handled(1)
    await bus.ping()
    assert await bus.dead_letters("archive") == ()


# What stands on the broker


async def test_a_message_carries_its_envelope_where_amqp_tools_look(
    rabbit: RabbitServer, rabbit_url: str, open_rabbit: OpenRabbit
) -> None:
    bus = await open_rabbit(rabbit_url)
    vhost = urlsplit(rabbit_url).path.strip("/")
    rabbit.declare_queue(rabbit_url, "integrator", {})
    rabbit.manage("POST", f"bindings/{vhost}/e/vonggac.events/q/integrator", {"routing_key": "facility.#"})
    message = roster()
    await bus.publish(message)
    (got,) = await asyncio.to_thread(
        rabbit.manage,
        "POST",
        f"queues/{vhost}/integrator/get",
        {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"},
    )
    assert got["routing_key"] == "facility.roster"
    assert got["exchange"] == "vonggac.events"
    assert got["properties"] == {
        "content_type": "application/cloudevents+json",
        "delivery_mode": 2,
        "message_id": str(message.message_id),
        "type": "vn.vonggac.facility.roster.changed.v1",
        "timestamp": int(message.sent_at.timestamp()),
        "priority": 0,
        "headers": {"x-facility-id": str(message.facility_id)},
    }


async def test_nothing_of_a_process_stays_on_the_broker_after_close(
    rabbit: RabbitServer, rabbit_url: str, open_rabbit: OpenRabbit
) -> None:
    vhost = urlsplit(rabbit_url).path.strip("/")
    bus = await open_rabbit(rabbit_url)
    await bus.subscribe(Recorder().listens(FacilityStateChanged))
    queues = await asyncio.to_thread(rabbit.manage, "GET", f"queues/{vhost}")
    assert sum(queue["name"].startswith("vonggac.listener.") for queue in queues) == 1
    await bus.close()

    async def only_the_groups_are_left() -> bool:
        names = [queue["name"] for queue in await asyncio.to_thread(rabbit.manage, "GET", f"queues/{vhost}")]
        return sorted(names) == sorted(
            f"vonggac.{group}.{part}" for group in GROUPS for part in ("00", "01", "02", "03", "dead")
        )

    await eventually(only_the_groups_are_left)
