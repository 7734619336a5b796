"""The rules of ``services/bus/port.py``, kept by both implementations."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from services.bus.port import BusFull, BusUnavailable, Subscription
from services.contracts.camera import CameraReport, StreamFacts
from services.contracts.errors import Invalid
from services.contracts.ids import new_id
from services.contracts.ladder import Reason, Rung
from services.contracts.messages import MESSAGES, CameraHealthReported, FacilityStateChanged, Message, RosterChanged
from tests.harness.bus import AnyBus, Recorder, eventually, limits, roster, state_changed

OpenBus = Callable[..., Awaitable[AnyBus]]


def health_report() -> CameraHealthReported:
    moment = roster().sent_at
    report = CameraReport(
        camera_id=new_id(),
        epoch=3,
        sequence=17,
        settled=True,
        rung=Rung.FRAMES,
        reasons=(Reason.FROZEN, Reason.CLOCK_SKEW),
        since=moment,
        observed_at=moment,
        stream=StreamFacts(codec="h265", width=1920, height=1080, fps=24.98),
        watch="reactor",
    )
    return CameraHealthReported(facility_id=new_id(), worker_id=new_id(), reports=(report,))


def of_facility(messages: list[Message], facility: UUID) -> list[Message]:
    return [message for message in messages if message.facility_id == facility]


# Delivery to groups


async def test_messages_of_a_facility_are_handled_in_the_order_they_were_published(bus: AnyBus) -> None:
    recorder = Recorder()
    await bus.subscribe(recorder.joins("aggregator"))
    facilities = [new_id() for _ in range(6)]
    sent = [roster(facility) for _ in range(15) for facility in facilities]
    for message in sent:
        await bus.publish(message)
    await recorder.until_handled(len(sent))
    for facility in facilities:
        assert of_facility(recorder.handled, facility) == of_facility(list(sent), facility)


async def test_messages_of_a_facility_are_handled_one_at_a_time(open_bus: OpenBus) -> None:
    async def dawdle(_: Message) -> None:
        await asyncio.sleep(0.002)

    recorder = Recorder(dawdle)
    for _ in range(2):
        await (await open_bus()).subscribe(recorder.joins("aggregator"))
    facility = new_id()
    bus = await open_bus()
    await asyncio.gather(*(bus.publish(roster(facility)) for _ in range(30)))
    await recorder.until_handled(30)
    assert recorder.most_at_once == 1


async def test_a_slow_facility_does_not_hold_up_those_of_other_shards(bus: AnyBus) -> None:
    gate = asyncio.Event()
    slow = roster()

    async def wait_at_the_gate(message: Message) -> None:
        if message.facility_id == slow.facility_id:
            await gate.wait()

    recorder = Recorder(wait_at_the_gate)
    await bus.subscribe(recorder.joins("aggregator"))
    await bus.publish(slow)
    for _ in range(24):
        await bus.publish(roster())
    # Of 24 facilities over 4 shards, some share the slow one's; that all do is as likely as 1 in 10^14.
    await recorder.until_handled(1)
    assert slow not in recorder.handled
    gate.set()
    await recorder.until_handled(25)


async def test_each_message_is_handled_by_one_member_of_the_group(open_bus: OpenBus) -> None:
    members = [Recorder(), Recorder()]
    for member in members:
        await (await open_bus()).subscribe(member.joins("aggregator"))
    bus = await open_bus()
    sent = [roster() for _ in range(40)]
    for message in sent:
        await bus.publish(message)

    async def all_handled() -> bool:
        return sum(len(member.handled) for member in members) >= len(sent)

    await eventually(all_handled)
    handled = [message.message_id for member in members for message in member.handled]
    assert sorted(handled) == sorted(message.message_id for message in sent)


async def test_every_group_gets_every_message_of_its_types(bus: AnyBus) -> None:
    aggregator, archive = Recorder(), Recorder()
    await bus.subscribe(aggregator.joins("aggregator"))
    await bus.subscribe(archive.joins("archive"))
    both, archive_only, last = roster(), state_changed(), roster()
    for message in (both, archive_only, last):
        await bus.publish(message)
    await archive.until_handled(3)
    await aggregator.until_handled(2)
    assert {message.message_id for message in archive.handled} == {
        both.message_id,
        archive_only.message_id,
        last.message_id,
    }
    assert {message.message_id for message in aggregator.handled} == {both.message_id, last.message_id}


async def test_messages_wait_for_a_group_that_has_never_had_a_member(bus: AnyBus) -> None:
    facility = new_id()
    sent = [roster(facility) for _ in range(5)]
    for message in sent:
        await bus.publish(message)
    recorder = Recorder()
    await bus.subscribe(recorder.joins("aggregator"))
    await recorder.until_handled(5)
    assert recorder.handled == sent


async def test_a_group_outside_the_table_begins_with_its_first_subscription(bus: AnyBus) -> None:
    await bus.publish(state_changed())
    recorder = Recorder()
    await bus.subscribe(Subscription((FacilityStateChanged,), recorder, "latecomer"))
    later = state_changed()
    await bus.publish(later)
    await recorder.until_handled(1)
    assert recorder.handled == [later]


async def test_a_member_with_other_types_than_its_group_is_refused(bus: AnyBus) -> None:
    with pytest.raises(ValueError, match="aggregator"):
        await bus.subscribe(Subscription((FacilityStateChanged,), Recorder(), "aggregator"))


@pytest.mark.parametrize("make", [roster, state_changed, health_report])
async def test_a_message_arrives_as_it_was_sent(bus: AnyBus, make: Callable[[], Message]) -> None:
    recorder = Recorder()
    message = make()
    await bus.subscribe(recorder.listens(type(message)))
    await bus.publish(message)
    await recorder.until_handled(1)
    assert recorder.handled == [message]
    assert recorder.handled[0] is not message


# Failure


async def test_a_failed_message_is_delivered_again_before_those_behind_it(bus: AnyBus) -> None:
    facility = new_id()
    sent = [roster(facility) for _ in range(4)]

    async def fail_the_first_twice(message: Message) -> None:
        if message == sent[0] and recorder.attempts.count(message) <= 2:
            raise ConnectionError("the database is away")

    recorder = Recorder(fail_the_first_twice)
    await bus.subscribe(recorder.joins("aggregator"))
    for message in sent:
        await bus.publish(message)
    await recorder.until_handled(4)
    assert recorder.attempts == [sent[0], sent[0], *sent]
    assert recorder.handled == sent
    assert await bus.dead_letters("aggregator") == ()
    assert (bus.counters.delivered, bus.counters.redelivered, bus.counters.dead) == (6, 2, 0)


async def test_after_the_delivery_limit_a_message_is_a_dead_letter(open_bus: OpenBus) -> None:
    bus = await open_bus(limits(delivery_limit=3))
    facility = new_id()
    hopeless, next_one = roster(facility), roster(facility)

    async def fail(message: Message) -> None:
        if message == hopeless:
            raise RuntimeError("a defect of ours")

    recorder = Recorder(fail)
    await bus.subscribe(recorder.joins("aggregator"))
    await bus.publish(hopeless)
    await bus.publish(next_one)
    await recorder.until_handled(1)
    assert recorder.attempts == [hopeless, hopeless, hopeless, next_one]
    await eventually(lambda: holds_dead_letters(bus, 1))
    (letter,) = await bus.dead_letters("aggregator")
    assert letter.reason == "delivery_limit"
    assert json.loads(letter.body)["id"] == str(hopeless.message_id)
    assert bus.counters.dead == 1


async def test_a_delivery_limit_of_one_means_one_delivery(open_bus: OpenBus) -> None:
    bus = await open_bus(limits(delivery_limit=1))

    async def fail(_: Message) -> None:
        raise RuntimeError("a defect of ours")

    recorder = Recorder(fail)
    await bus.subscribe(recorder.joins("aggregator"))
    await bus.publish(roster())
    await eventually(lambda: holds_dead_letters(bus, 1))
    assert len(recorder.attempts) == 1


async def test_poison_is_a_dead_letter_at_once(bus: AnyBus) -> None:
    facility = new_id()
    poison, next_one = roster(facility), roster(facility)

    async def refuse(message: Message) -> None:
        if message == poison:
            raise Invalid("This camera does not exist.")

    recorder = Recorder(refuse)
    await bus.subscribe(recorder.joins("aggregator"))
    await bus.publish(poison)
    await bus.publish(next_one)
    await recorder.until_handled(1)
    assert recorder.attempts == [poison, next_one]
    await eventually(lambda: holds_dead_letters(bus, 1))
    (letter,) = await bus.dead_letters("aggregator")
    assert letter.reason == "rejected"
    assert json.loads(letter.body)["id"] == str(poison.message_id)
    # Looking does not take them away, and the other group is not concerned.
    assert len(await bus.dead_letters("aggregator")) == 1
    assert await bus.dead_letters("archive") == ()


async def test_a_handler_that_does_not_end_is_a_failed_delivery(open_bus: OpenBus) -> None:
    bus = await open_bus(limits(handler_timeout_s=0.1))
    message = roster()

    async def hang_once(_: Message) -> None:
        if len(recorder.attempts) == 1:
            await asyncio.Event().wait()

    recorder = Recorder(hang_once)
    await bus.subscribe(recorder.joins("aggregator"))
    await bus.publish(message)
    await recorder.until_handled(1)
    assert recorder.attempts == [message, message]


async def holds_dead_letters(bus: AnyBus, count: int) -> bool:
    return len(await bus.dead_letters("aggregator")) >= count


# Bounds


async def test_a_full_queue_refuses_the_publisher_and_loses_nothing_it_took(open_bus: OpenBus) -> None:
    bus = await open_bus(limits(shards=1, queue_max=10))
    taken: list[Message] = []
    for _ in range(30):
        message = roster()
        try:
            await bus.publish(message)
        except BusFull:
            break
        taken.append(message)
    # RabbitMQ notices its bound a little late (documented for reject-publish).
    assert 10 <= len(taken) < 20
    recorders = {group: Recorder() for group in ("aggregator", "archive")}
    for group, recorder in recorders.items():
        await bus.subscribe(recorder.joins(group))
        await recorder.until_handled(len(taken))
        assert recorder.handled[: len(taken)] == taken

    async def accepted_again() -> bool:
        try:
            await bus.publish(roster())
        except BusFull:
            return False
        return True

    await eventually(accepted_again)


async def test_a_slow_listener_holds_up_nobody_and_loses_the_oldest(open_bus: OpenBus) -> None:
    bus = await open_bus(limits(queue_max=100))
    gate = asyncio.Event()

    async def wait_at_the_gate(_: Message) -> None:
        await gate.wait()

    slow, member = Recorder(wait_at_the_gate), Recorder()
    await bus.subscribe(slow.listens(RosterChanged))
    await bus.subscribe(member.joins("aggregator"))
    await bus.subscribe(Recorder().joins("archive"))
    sent = [roster() for _ in range(300)]
    for number, message in enumerate(sent, start=1):
        await bus.publish(message)
        await member.until_handled(number)
    gate.set()
    await slow.until(lambda: sent[-1] in slow.handled)
    assert sent[200:] == slow.handled[-100:]
    assert len(slow.handled) < len(sent)


# Listeners


async def test_a_listener_gets_what_is_published_while_it_listens(open_bus: OpenBus) -> None:
    bus = await open_bus()
    await bus.publish(state_changed())
    listeners = [Recorder(), Recorder()]
    for listener in listeners:
        await (await open_bus()).subscribe(listener.listens(FacilityStateChanged))
    sent = [state_changed(), state_changed()]
    for message in sent:
        await bus.publish(message)
    for listener in listeners:
        await listener.until_handled(2)
        assert listener.handled == sent


async def test_a_listener_hears_only_the_types_it_asked_for(bus: AnyBus) -> None:
    listener = Recorder()
    await bus.subscribe(listener.listens(FacilityStateChanged, CameraHealthReported))
    wanted = [state_changed(), health_report()]
    for message in (wanted[0], roster(), wanted[1]):
        await bus.publish(message)
    await listener.until_handled(2)
    assert listener.attempts == wanted


async def test_an_error_of_a_listener_drops_the_message_and_the_next_one_comes(bus: AnyBus) -> None:
    sent = [state_changed(), state_changed()]

    async def fail_the_first(message: Message) -> None:
        if message == sent[0]:
            raise RuntimeError("a defect of ours")

    listener = Recorder(fail_the_first)
    await bus.subscribe(listener.listens(FacilityStateChanged))
    for message in sent:
        await bus.publish(message)
    await listener.until_handled(1)
    assert listener.attempts == sent
    assert bus.counters.dropped == 1


async def test_a_message_that_nobody_wants_is_published_all_the_same(bus: AnyBus) -> None:
    await bus.publish(health_report())
    assert bus.counters.published == 1


# Opening and closing


async def test_an_open_bus_answers_a_ping(bus: AnyBus) -> None:
    await bus.ping()


async def test_a_closed_bus_takes_nothing(bus: AnyBus) -> None:
    await bus.close()
    with pytest.raises(BusUnavailable):
        await bus.publish(roster())
    with pytest.raises(BusUnavailable):
        await bus.ping()


async def test_close_lets_a_running_handler_finish_and_starts_no_other(bus: AnyBus) -> None:
    begun, gate = asyncio.Event(), asyncio.Event()

    async def wait_at_the_gate(_: Message) -> None:
        begun.set()
        await gate.wait()

    recorder = Recorder(wait_at_the_gate)
    await bus.subscribe(recorder.joins("aggregator"))
    facility = new_id()
    first = roster(facility)
    for message in (first, roster(facility), roster(facility)):
        await bus.publish(message)
    await begun.wait()
    closing = asyncio.create_task(bus.close())
    await asyncio.sleep(0.05)
    assert not closing.done()
    gate.set()
    await closing
    assert recorder.handled == [first]
    assert len(recorder.attempts) == 1


async def test_close_does_not_wait_for_ever(open_bus: OpenBus) -> None:
    bus = await open_bus(limits(close_timeout_s=0.2))
    begun = asyncio.Event()

    async def hang(_: Message) -> None:
        begun.set()
        await asyncio.Event().wait()

    await bus.subscribe(Recorder(hang).joins("aggregator"))
    await bus.publish(roster())
    await begun.wait()
    async with asyncio.timeout(3):
        await bus.close()


# The form on the wire


@pytest.mark.parametrize("make", [roster, health_report, state_changed])
async def test_a_message_travels_as_a_cloudevent(bus: AnyBus, make: Callable[[], Message]) -> None:
    async def refuse(_: Message) -> None:
        raise Invalid("Show me what this looks like.")

    message = make()
    await bus.subscribe(Subscription((type(message),), refuse, "curious"))
    await bus.publish(message)

    async def arrived() -> bool:
        return len(await bus.dead_letters("curious")) == 1

    await eventually(arrived)
    (letter,) = await bus.dead_letters("curious")
    event: dict[str, Any] = json.loads(letter.body)
    assert_is_cloudevent(event)
    assert event["id"] == str(message.message_id)
    assert event["type"] == message.kind
    assert event["source"] == "/tests/1"
    assert event["subject"] == event["partitionkey"] == str(message.facility_id)


def assert_is_cloudevent(event: dict[str, Any]) -> None:
    """The rules of CloudEvents 1.0.2: spec section 3 (attributes), JSON format section 2 and 3, partitioning extension."""
    assert event["specversion"] == "1.0"
    for required in ("id", "source", "type"):
        assert isinstance(event[required], str)
        assert event[required]
    for name, value in event.items():
        if name == "data":
            continue
        assert re.fullmatch(r"[a-z0-9]{1,20}", name), f"attribute name {name!r}"
        # A null means absent, and objects are no attribute type.
        assert isinstance(value, str | bool | int), f"attribute {name} is {value!r}"
        if isinstance(value, str):
            assert not re.search(r"[\x00-\x1f\x7f-\x9f]", value), f"attribute {name} holds a control character"
        else:
            assert -(2**31) <= value < 2**31
    assert re.fullmatch(r"[A-Za-z0-9/._:%~\-]+", event["source"]), "source is no URI-reference"
    assert re.match(r"vn\.vonggac\.[a-z.]+\.v\d+$", event["type"]), "type is not prefixed by our reversed domain"
    # RFC 3339: a full date and time with a zone; datetime.fromisoformat alone would take more.
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", event["time"])
    assert datetime.fromisoformat(event["time"]).tzinfo is not None
    assert event["partitionkey"]
    # Data stands as JSON, not in a string and not in base64.
    assert event["datacontenttype"] == "application/json"
    assert isinstance(event["data"], dict)
    assert "data_base64" not in event


def test_every_type_has_a_topic_of_its_own() -> None:
    # Queues are bound by topic: two types of one topic would reach groups that want only one of them.
    assert len({message.topic for message in MESSAGES.values()}) == len(MESSAGES)
